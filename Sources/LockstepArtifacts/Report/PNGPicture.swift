import CPNG
import Foundation

/// A small picture for a page of HTML.
enum PNGPicture {
    /// A picture as an address that contains it: `data:image/png;base64,...`.
    ///
    /// - Parameters:
    ///   - pixels: [rows, columns, channels], row-major.
    ///   - columns: The picture's width.
    ///   - channels: 1 for grey, 3 for red, green and blue, 4 with opacity.
    /// - Returns: The address; empty if libpng cannot write it.
    static func address(of pixels: [UInt8], columns: Int, channels: Int) -> String {
        var picture = png_image()
        picture.version = UInt32(PNG_IMAGE_VERSION)
        defer { png_image_free(&picture) }
        picture.width = UInt32(columns)
        picture.height = UInt32(pixels.count / (columns * channels))
        picture.format = UInt32(channels == 1 ? 0 : PNG_FORMAT_FLAG_COLOR | (channels == 4 ? PNG_FORMAT_FLAG_ALPHA : 0))
        let stride = Int32(columns * channels)
        // A picture of these sizes never grows by more than its rows and headers.
        var size = png_alloc_size_t(pixels.count + pixels.count / 8 + 16 * Int(picture.height) + 1_024)
        var bytes = [UInt8](repeating: 0, count: Int(size))
        guard png_image_write_to_memory(&picture, &bytes, &size, 0, pixels, stride, nil) != 0 else { return "" }
        return "data:image/png;base64," + Data(bytes.prefix(Int(size))).base64EncodedString()
    }
}
