import LockstepSystem
import LockstepText

/// Reads the structure of a pickle that holds numpy arrays; executes nothing.
///
/// A pickle is a program for a small stack machine; Python imports and calls any name in it. This machine knows the
/// instructions of plain data in protocols 0 to 5 and five names, and refuses everything else.
///
/// Total, and in bounded memory: ``largestInstructionCount`` bounds stack, memo and nesting (a pickle of MNIST has about
/// 400 instructions), and long strings are skipped, not stored.
///
/// Format: CPython, Lib/pickletools.py.
struct PickleMachine {
    static let largestInstructionCount = 4_000
    /// The largest length of a name or number that ends with its line, in bytes.
    static let longestLine = 64

    let input: PickleInput
    private var stack: [PickleValue] = []
    private var memo: [Int: PickleValue] = [:]

    init(_ input: PickleInput) {
        self.input = input
    }

    /// Runs the whole pickle; returns the value that it leaves on the stack.
    mutating func run() throws(DataError) -> PickleValue {
        for _ in 0..<Self.largestInstructionCount {
            let opcode = try input.byte()
            guard opcode != UInt8(ascii: ".") else {
                let result = try pop()
                guard stack.isEmpty else { throw input.malformed("\(stack.count) values too many") }
                return result
            }
            try execute(opcode)
        }
        throw input.malformed("more than \(Self.largestInstructionCount) instructions")
    }

    private mutating func execute(_ opcode: UInt8) throws(DataError) {
        switch opcode {
        case 0x80: try checkProtocol()
        case UInt8(ascii: "("): stack.append(.mark)
        case UInt8(ascii: "N"): stack.append(.none)
        case 0x88: stack.append(.bool(true))
        case 0x89: stack.append(.bool(false))
        case UInt8(ascii: "I"), UInt8(ascii: "L"): stack.append(try decimal())
        case UInt8(ascii: "K"): stack.append(.integer(Int(try input.byte())))
        case UInt8(ascii: "M"): stack.append(.integer(Int(try input.number(bytes: 2))))
        case UInt8(ascii: "J"):
            stack.append(.integer(Int(Int32(truncatingIfNeeded: try input.number(bytes: 4)))))
        case 0x8A: stack.append(.integer(try long()))
        case UInt8(ascii: "S"): stack.append(.text(try text(.quoted, length: nil)))
        case UInt8(ascii: "U"): stack.append(.text(try text(.raw, length: Int(try input.byte()))))
        case UInt8(ascii: "T"): stack.append(.text(try text(.raw, length: try length())))
        case UInt8(ascii: "V"): stack.append(.text(try text(.unicodeLine, length: nil)))
        case UInt8(ascii: "X"): stack.append(.text(try text(.utf8, length: try length())))
        case 0x8C: stack.append(.text(try text(.utf8, length: Int(try input.byte()))))
        case 0x8D: stack.append(.text(try text(.utf8, length: try longLength())))
        case UInt8(ascii: "C"): stack.append(.text(try text(.raw, length: Int(try input.byte()))))
        case UInt8(ascii: "B"): stack.append(.text(try text(.raw, length: Int(try input.number(bytes: 4)))))
        case 0x8E, 0x96: stack.append(.text(try text(.raw, length: try longLength())))
        // A frame says how much follows, and holds nothing itself.
        case 0x95: _ = try input.number(bytes: 8)
        case UInt8(ascii: ")"), UInt8(ascii: "]"): stack.append(.tuple([]))
        case UInt8(ascii: "t"), UInt8(ascii: "l"): stack.append(.tuple(try popToMark()))
        case 0x85, 0x86, 0x87: stack.append(.tuple(try pop(Int(opcode) - 0x84)))
        case UInt8(ascii: "a"): try extendList(by: try pop(1))
        case UInt8(ascii: "e"): try extendList(by: try popToMark())
        case 0x94: memo[memo.count] = try top()
        case UInt8(ascii: "p"): memo[try index()] = try top()
        case UInt8(ascii: "q"): memo[Int(try input.byte())] = try top()
        case UInt8(ascii: "r"): memo[Int(try input.number(bytes: 4))] = try top()
        case UInt8(ascii: "g"): stack.append(try recall(try index()))
        case UInt8(ascii: "h"): stack.append(try recall(Int(try input.byte())))
        case UInt8(ascii: "j"): stack.append(try recall(Int(try input.number(bytes: 4))))
        case UInt8(ascii: "c"): stack.append(.global(try global()))
        case 0x93: stack.append(.global(try stackGlobal()))
        case UInt8(ascii: "R"): try reduce()
        case UInt8(ascii: "b"): try build()
        default:
            throw DataError(
                .forbiddenPickle("instruction 0x\(String(opcode, radix: 16))"), subject: input.path,
                offset: input.offset - 1)
        }
    }

    private func checkProtocol() throws(DataError) {
        let version = try input.byte()
        guard version <= 5 else {
            throw DataError(
                .forbiddenPickle("protocol \(version)"), subject: input.path, offset: input.offset,
                remedy: "write it with pickle.dump(data, file, protocol=5)")
        }
    }
}

// MARK: - The stack and the memo

extension PickleMachine {
    mutating func pop() throws(DataError) -> PickleValue {
        guard let value = stack.popLast() else { throw input.malformed("an instruction without its argument") }
        return value
    }

    mutating func push(_ value: PickleValue) {
        stack.append(value)
    }

    private mutating func pop(_ count: Int) throws(DataError) -> [PickleValue] {
        guard stack.count >= count else { throw input.malformed("an instruction without its arguments") }
        let values = Array(stack.suffix(count))
        stack.removeLast(count)
        return values
    }

    private mutating func popToMark() throws(DataError) -> [PickleValue] {
        let mark = stack.lastIndex {
            if case .mark = $0 { return true }
            return false
        }
        guard let mark else { throw input.malformed("the end of a tuple that never began") }
        let values = Array(stack[(mark + 1)...])
        stack.removeLast(stack.count - mark)
        return values
    }

    private func top() throws(DataError) -> PickleValue {
        guard let value = stack.last else { throw input.malformed("a memo entry without a value") }
        return value
    }

    /// Lists are represented as tuples. A copy in the memo is not extended; no supported writer relies on that.
    private mutating func extendList(by values: [PickleValue]) throws(DataError) {
        guard case .tuple(let elements) = try pop() else { throw input.malformed("an element without its list") }
        stack.append(.tuple(elements + values))
    }

    private func recall(_ index: Int) throws(DataError) -> PickleValue {
        guard let value = memo[index] else {
            throw input.malformed("it reads memo entry \(index), which it never stored")
        }
        return value
    }
}

// MARK: - Arguments of instructions

extension PickleMachine {
    /// Parses `I12` and `L12L`, and `I00` and `I01` as false and true.
    private func decimal() throws(DataError) -> PickleValue {
        let line = try input.line(limit: Self.longestLine)
        if line == "00" || line == "01" { return .bool(line == "01") }
        guard let value = Int(line.hasSuffix("L") ? String(line.dropLast()) : line) else {
            throw input.malformed("an invalid number")
        }
        return .integer(value)
    }

    /// Reads an integer in two's complement of at most 8 bytes.
    private func long() throws(DataError) -> Int {
        let count = Int(try input.byte())
        guard count <= 8 else { throw input.malformed("an integer of \(count) bytes") }
        let unused = UInt64(64 - 8 * count)
        return Int(Int64(bitPattern: try input.number(bytes: count) << unused) >> unused)
    }

    private func length() throws(DataError) -> Int {
        let length = Int(Int32(truncatingIfNeeded: try input.number(bytes: 4)))
        guard length >= 0 else { throw input.malformed("a string of negative length") }
        return length
    }

    /// A length of 8 bytes.
    private func longLength() throws(DataError) -> Int {
        let length = try input.number(bytes: 8)
        guard length <= UInt64(IDXHeader.largestPayload) else {
            throw DataError(
                .tooLarge(
                    what: "the length of a string", found: Int(clamping: length), limit: IDXHeader.largestPayload),
                subject: input.path, offset: input.offset)
        }
        return Int(length)
    }

    private func index() throws(DataError) -> Int {
        guard let index = Int(try input.line(limit: Self.longestLine)), index >= 0 else {
            throw input.malformed("a memo index that is not a number")
        }
        return index
    }

    private func text(_ encoding: PickleInput.Encoding, length: Int?) throws(DataError) -> PickleText {
        let offset = input.offset
        if encoding == .raw, let length, length > PickleText.storedLength {
            try input.skip(to: offset + length)
            return PickleText(encoding: encoding, offset: offset, length: length, count: length, stored: nil)
        }
        var count = 0
        var stored: [UInt8] = []
        try input.decode(encoding, length: length) { byte in
            if count < PickleText.storedLength { stored.append(byte) }
            count += 1
        }
        return PickleText(
            encoding: encoding, offset: offset, length: length, count: count,
            stored: count <= PickleText.storedLength ? stored : nil)
    }

    private func global() throws(DataError) -> PickleGlobal {
        let offset = input.offset
        let module = try input.line(limit: Self.longestLine)
        let name = try input.line(limit: Self.longestLine)
        return try global(module, name, offset)
    }

    /// A name whose parts lie on the stack, as from protocol 4 on.
    private mutating func stackGlobal() throws(DataError) -> PickleGlobal {
        guard case .text(let name) = try pop(), case .text(let module) = try pop(), let name = name.stored,
            let module = module.stored
        else { throw input.malformed("a name that is not a text") }
        return try global(
            String(decoding: module, as: UTF8.self), String(decoding: name, as: UTF8.self), input.offset - 1)
    }

    private func global(_ module: String, _ name: String, _ offset: Int) throws(DataError) -> PickleGlobal {
        guard let global = PickleGlobal(module: module, name: name) else {
            throw DataError(
                .forbiddenPickle("the name \(module.printable).\(name.printable)"), subject: input.path,
                offset: offset)
        }
        return global
    }
}
