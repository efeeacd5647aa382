import LockstepImages

/// A picture of handwriting, in grey.
public struct Picture: Sendable {
    let image: GrayImage

    /// Pixels of a row.
    public var width: Int { image.width }
    /// Rows.
    public var height: Int { image.height }

    /// A picture from brightnesses.
    ///
    /// - Parameters:
    ///   - width: Pixels of a row.
    ///   - height: Rows.
    ///   - brightness: [height, width], row-major, 0 black, 255 white. Dark ink on bright paper and bright ink on dark
    ///     paper are told apart by the picture's edge.
    /// - Throws: ``LockstepError`` of the kind `data` where the numbers do not fit each other.
    public init(width: Int, height: Int, brightness: [UInt8]) throws(LockstepError) {
        guard width > 0, height > 0, width <= GrayImage.largestPixelCount / height, brightness.count == width * height
        else { throw LockstepError(.data, "a picture of \(width) x \(height) with \(brightness.count) pixels") }
        image = GrayImage(width: width, height: height, brightness: brightness)
    }

    init(_ image: GrayImage) {
        self.image = image
    }

    /// Reads the pictures of a file.
    ///
    /// - Parameter path: A PNG or a PGM with one picture, or an IDX file with many.
    /// - Returns: At least one picture.
    /// - Throws: ``LockstepError`` of the kind `data` if it is missing, damaged or something else.
    public static func load(_ path: String) throws(LockstepError) -> [Picture] {
        try withPublicErrors { try GrayImage.load(path).map(Picture.init) }
    }
}
