/// A value on the stack of a ``PickleMachine``: plain data and the two kinds of numpy objects.
///
/// The objects are classes because a pickle stores them in its memo before it sets their state.
indirect enum PickleValue {
    case mark
    case none
    case bool(Bool)
    case integer(Int)
    case text(PickleText)
    case tuple([PickleValue])
    case global(PickleGlobal)
    case elementType(PickleElementType)
    case array(PickleArray)
}

/// A string: its bytes if it is short, else only its position in the file.
struct PickleText {
    /// The largest length of a stored string, in bytes.
    static let storedLength = 255

    let encoding: PickleInput.Encoding
    /// The string's offset in the uncompressed content.
    let offset: Int
    /// The number of encoded bytes, if the file declares it.
    let length: Int?
    /// The number of decoded bytes.
    let count: Int
    /// The decoded bytes, if there are at most ``storedLength``.
    let stored: [UInt8]?

    func equals(_ text: StaticString) -> Bool {
        guard let stored else { return false }
        return text.withUTF8Buffer { stored.elementsEqual($0) }
    }
}

/// The only names that a pickle may refer to. None of them is called: the machine makes their results itself.
enum PickleGlobal {
    /// `numpy.core.multiarray._reconstruct`: an array without contents.
    case reconstruct
    /// `numpy.ndarray`, the first argument of `_reconstruct`.
    case ndarray
    /// `numpy.dtype`: an element type.
    case dtype
    /// `_codecs.encode`: Python 3 writes bytes this way in protocols that have only text.
    case encode
    /// `numpy._core.numeric._frombuffer`: an array of bytes, as protocol 5 has it.
    case frombuffer

    init?(module: String, name: String) {
        switch (module, name) {
        // The module was renamed in numpy 2.
        case ("numpy.core.multiarray", "_reconstruct"), ("numpy._core.multiarray", "_reconstruct"): self = .reconstruct
        case ("numpy", "ndarray"): self = .ndarray
        case ("numpy", "dtype"): self = .dtype
        case ("_codecs", "encode"): self = .encode
        case ("numpy.core.numeric", "_frombuffer"), ("numpy._core.numeric", "_frombuffer"): self = .frombuffer
        default: return nil
        }
    }
}

/// A numpy element type.
final class PickleElementType {
    enum Kind: Hashable {
        case float32, int64

        var byteCount: Int { self == .float32 ? 4 : 8 }
    }

    let kind: Kind
    /// Set by `BUILD`; until then the byte order is unknown.
    var isLittleEndian = false

    init(_ kind: Kind) {
        self.kind = kind
    }
}

/// A numpy array: its shape, its element type and the position of its bytes.
final class PickleArray {
    struct Contents {
        let shape: [Int]
        let element: PickleElementType.Kind
        /// Row-major, little-endian.
        let bytes: PickleText
    }

    /// Set by `BUILD`; nil before.
    var contents: Contents?
}
