import LockstepData

/// Greymaps of Netpbm.
enum PGMFile {
    /// Decodes a plain or raw greymap (Netpbm, pgm(5)) of at most 8 bits.
    static func decode(_ bytes: [UInt8], _ path: String) throws(DataError) -> BrightnessMap {
        var position = 2
        func damaged(_ text: String) -> DataError {
            DataError(.damagedImage(text), subject: path, offset: position)
        }
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
        func number(limit: Int) throws(DataError) -> Int {
            while position < bytes.count, isSpace(bytes[position]) || bytes[position] == UInt8(ascii: "#") {
                if bytes[position] == UInt8(ascii: "#") {
                    while position < bytes.count, bytes[position] != UInt8(ascii: "\n") { position += 1 }
                } else {
                    position += 1
                }
            }
            var value = 0
            let start = position
            while position < bytes.count, (0x30...0x39).contains(bytes[position]) {
                value = value * 10 + Int(bytes[position] - 0x30)
                guard value <= limit else { throw damaged("a number above \(limit)") }
                position += 1
            }
            guard position > start else { throw damaged("a number is missing") }
            return value
        }
        let width = try number(limit: 1 << 20)
        let height = try number(limit: 1 << 20)
        try BrightnessMap.checkSize(width, height, path)
        let maximum = try number(limit: 255)
        guard maximum > 0 else { throw damaged("the largest value is 0") }
        var brightness = [UInt8](repeating: 0, count: width * height)
        if bytes[1] == UInt8(ascii: "5") {
            position += 1
            guard bytes.count - position >= brightness.count else { throw damaged("it ends early") }
        }
        for index in brightness.indices {
            let value: Int
            if bytes[1] == UInt8(ascii: "5") {
                value = Int(bytes[position])
                position += 1
            } else {
                value = try number(limit: maximum)
            }
            brightness[index] = UInt8(min(value, maximum) * 255 / maximum)
        }
        return BrightnessMap(width: width, height: height, brightness: brightness)
    }
}
