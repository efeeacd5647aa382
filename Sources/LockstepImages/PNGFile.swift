import CPNG
import LockstepData

/// PNG files, decoded by libpng.
enum PNGFile {
    /// Decodes a PNG; colours become grey, and a transparent picture is put on a sheet on which its ink can be seen.
    static func decode(_ bytes: [UInt8], _ path: String) throws(DataError) -> BrightnessMap {
        let result: Result<BrightnessMap, DataError> = bytes.withUnsafeBytes { bytes in
            do throws(DataError) { return .success(try decode(bytes, path)) } catch { return .failure(error) }
        }
        return try result.get().oriented(ExifOrientation.ofPNG(bytes))
    }

    private static func decode(_ bytes: UnsafeRawBufferPointer, _ path: String) throws(DataError) -> BrightnessMap {
        var picture = png_image()
        picture.version = UInt32(PNG_IMAGE_VERSION)
        defer { png_image_free(&picture) }
        guard png_image_begin_read_from_memory(&picture, bytes.baseAddress, bytes.count) != 0 else {
            throw DataError(.damagedImage(message(picture)), subject: path)
        }
        let (width, height) = (Int(picture.width), Int(picture.height))
        try BrightnessMap.checkSize(width, height, path)
        let isTransparent = picture.format & PNG_FORMAT_FLAG_ALPHA != 0
        picture.format = UInt32(isTransparent ? PNG_FORMAT_FLAG_ALPHA : 0)
        let channels = isTransparent ? 2 : 1
        var samples = [UInt8](repeating: 0, count: width * height * channels)
        guard png_image_finish_read(&picture, nil, &samples, Int32(width * channels), nil) != 0 else {
            throw DataError(.damagedImage(message(picture)), subject: path)
        }
        guard isTransparent else { return BrightnessMap(width: width, height: height, brightness: samples) }
        return BrightnessMap(
            width: width, height: height, brightness: stride(from: 0, to: samples.count, by: 2).map { samples[$0] },
            opacity: stride(from: 1, to: samples.count, by: 2).map { samples[$0] })
    }

    private static func message(_ picture: png_image) -> String {
        withUnsafeBytes(of: picture.message) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }
}
