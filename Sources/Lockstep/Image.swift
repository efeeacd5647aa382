package import LockstepImages

/// An image of handwriting, in grey.
public struct Image: Sendable {
    let ink: GrayImage

    /// Pixels of a row.
    public var width: Int { ink.width }
    /// Rows.
    public var height: Int { ink.height }

    /// Makes an image from brightnesses.
    ///
    /// - Parameters:
    ///   - width: Pixels of a row.
    ///   - height: Rows.
    ///   - brightness: [height, width], row-major, 0 black, 255 white. The image's edge tells dark ink on bright paper
    ///     from bright ink on dark paper.
    /// - Throws: ``LockstepError`` of the kind `data` if the sizes and the number of pixels don't fit each other.
    public init(width: Int, height: Int, brightness: [UInt8]) throws(LockstepError) {
        guard width > 0, height > 0, width <= GrayImage.largestPixelCount / height, brightness.count == width * height
        else { throw LockstepError(.data, "an image of \(width) x \(height) with \(brightness.count) pixels") }
        ink = GrayImage(width: width, height: height, brightness: brightness)
    }

    package init(_ ink: GrayImage) {
        self.ink = ink
    }

    /// Reads the images of a file.
    ///
    /// - Parameter path: A PNG or a PGM with one image, or an IDX file with many.
    /// - Returns: At least one image.
    /// - Throws: ``LockstepError`` of the kind `data` if it is missing, damaged or something else.
    public static func load(_ path: String) throws(LockstepError) -> [Image] {
        try withPublicErrors { try GrayImage.load(path).map(Image.init) }
    }
}
