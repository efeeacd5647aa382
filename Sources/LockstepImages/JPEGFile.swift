import CJPEG
import LockstepData

/// JPEG files, decoded by libjpeg.
enum JPEGFile {
    /// Decodes a JPEG, whose colours become grey, and turns it as the camera was held.
    static func decode(_ bytes: [UInt8], _ path: String) throws(DataError) -> BrightnessMap {
        var jpeg = lockstep_jpeg()
        guard lockstep_jpeg_read_size(bytes, bytes.count, &jpeg) != 0 else { throw damaged(jpeg, path) }
        let (width, height) = (Int(jpeg.width), Int(jpeg.height))
        try BrightnessMap.checkSize(width, height, path)
        var brightness = [UInt8](repeating: 0, count: width * height)
        guard lockstep_jpeg_decode(bytes, bytes.count, &brightness, &jpeg) != 0 else { throw damaged(jpeg, path) }
        return BrightnessMap(width: width, height: height, brightness: brightness)
            .oriented(ExifOrientation.ofJPEG(bytes))
    }

    private static func damaged(_ jpeg: lockstep_jpeg, _ path: String) -> DataError {
        let message = withUnsafeBytes(of: jpeg.message) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        return DataError(.damagedImage(message), subject: path)
    }
}
