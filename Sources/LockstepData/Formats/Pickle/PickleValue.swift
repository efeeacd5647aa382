/// What stands on the stack of a ``PickleMachine``: plain data and the two kinds of numpy objects.
///
/// The objects are classes because a pickle remembers them before it has filled them.
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

/// A string: its bytes if there are few, else only where they stand.
struct PickleText {
    /// Longer texts are not kept.
    static let keptLength = 255

    let encoding: PickleInput.Encoding
    /// Where it starts in the uncompressed content.
    let offset: Int
    /// Encoded bytes, where the file says so.
    let length: Int?
    /// Decoded bytes.
    let count: Int
    /// All of them, if they are at most ``keptLength``.
    let kept: [UInt8]?

    func equals(_ text: StaticString) -> Bool {
        guard let kept else { return false }
        return text.withUTF8Buffer { kept.elementsEqual($0) }
    }
}

/// The only names that a pickle may refer to. None of them is called: the machine knows what they would make.
enum PickleGlobal {
    /// `numpy.core.multiarray._reconstruct`: an array without contents.
    case reconstruct
    /// `numpy.ndarray`, its first argument.
    case ndarray
    /// `numpy.dtype`: an element type.
    case dtype
    /// `_codecs.encode`, through which Python 3 writes bytes in protocols that know text alone.
    case encode

    init?(module: String, name: String) {
        switch (module, name) {
        // The module was renamed in numpy 2.
        case ("numpy.core.multiarray", "_reconstruct"), ("numpy._core.multiarray", "_reconstruct"): self = .reconstruct
        case ("numpy", "ndarray"): self = .ndarray
        case ("numpy", "dtype"): self = .dtype
        case ("_codecs", "encode"): self = .encode
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

/// A numpy array: shape, element type and where its bytes stand.
final class PickleArray {
    struct Contents {
        let shape: [Int]
        let element: PickleElementType.Kind
        /// Row-major, little-endian.
        let bytes: PickleText
    }

    /// nil until `BUILD`.
    var contents: Contents?
}
