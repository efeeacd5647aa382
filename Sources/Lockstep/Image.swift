package import LockstepImages

/// An image of handwriting, in grey.
public struct Image: Sendable {
    let ink: GrayImage

    /// Pixels of a row; a picture of more than two million pixels is reduced when it is made.
    public var width: Int { ink.width }
    /// Rows.
    public var height: Int { ink.height }
    /// Whether there is ink on the paper: without contrast there is none, and no digit.
    public var hasInk: Bool { ink.hasInk }

    /// Makes an image from brightnesses.
    ///
    /// - Parameters:
    ///   - width: Pixels of a row.
    ///   - height: Rows.
    ///   - brightness: [height, width], row-major, 0 black, 255 white. Paper and ink are measured: paper may be grey, dark or
    ///     unevenly lit, and ink darker or brighter than it.
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
    /// A photograph is turned as the camera was held (Exif). A transparent picture is put on a sheet on which its ink can be seen.
    ///
    /// - Parameter path: A PNG, a JPEG or a PGM with one image, or an IDX file with many.
    /// - Returns: At least one image.
    /// - Throws: ``LockstepError`` of the kind `data` if it is missing, damaged or something else.
    public static func load(_ path: String) throws(LockstepError) -> [Image] {
        try withPublicErrors { try GrayImage.load(path).map(Image.init) }
    }
}
