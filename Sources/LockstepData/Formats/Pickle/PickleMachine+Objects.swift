// The effects of `REDUCE` and `BUILD` for the five names that a pickle of arrays needs. Nothing is called.
extension PickleMachine {
    /// `REDUCE`: a call of a name with arguments.
    mutating func reduce() throws(DataError) {
        guard case .tuple(let arguments) = try pop(), case .global(let global) = try pop() else {
            throw input.malformed("a call of a value that is not a name")
        }
        switch (global, arguments.count) {
        case (.reconstruct, 3):
            guard case .global(.ndarray) = arguments[0] else { throw input.malformed("an array of an unknown class") }
            push(.array(PickleArray()))
        case (.dtype, 1...3):
            guard case .text(let name) = arguments[0] else { throw input.malformed("an element type without a name") }
            push(.elementType(PickleElementType(try elementKind(name))))
        case (.encode, 2):
            guard case .text(let text) = arguments[0], case .text(let codec) = arguments[1], codec.equals("latin1")
            else { throw input.malformed("bytes in an encoding other than latin1") }
            push(.text(text))
        case (.frombuffer, 4):
            // (bytes, element type, shape, order)
            guard case .text(let order) = arguments[3], order.equals("C") else {
                throw input.malformed("an array in column-major order")
            }
            let array = PickleArray()
            array.contents = try contents([.none, arguments[2], arguments[1], .bool(false), arguments[0]])
            push(.array(array))
        case (.encode, 0...1), (.encode, 3...), (.ndarray, _), (.reconstruct, _), (.dtype, _), (.frombuffer, _):
            throw input.malformed("a call with the wrong arguments")
        default: throw input.malformed("a call with the wrong arguments")
        }
    }

    /// `BUILD`: sets the state of an object that `REDUCE` made.
    mutating func build() throws(DataError) {
        guard case .tuple(let state) = try pop() else { throw input.malformed("a state that is not a tuple") }
        let object = try pop()
        switch object {
        case .array(let array) where array.contents == nil: array.contents = try contents(state)
        case .elementType(let type):
            try checkOrder(state)
            type.isLittleEndian = true
        default: throw input.malformed("a state without its object")
        }
        push(object)
    }

    private func elementKind(_ name: PickleText) throws(DataError) -> PickleElementType.Kind {
        if name.equals("f4") || name.equals("<f4") { return .float32 }
        if name.equals("i8") || name.equals("<i8") { return .int64 }
        throw DataError(
            .malformedPickle("an array whose elements are neither float32 nor int64"), subject: input.path,
            offset: name.offset, remedy: "convert images with astype('float32') and labels with astype('int64')")
    }

    /// Checks an element type's state: (version, byte order, no subtype, no names, no fields, -1, -1, 0).
    private func checkOrder(_ state: [PickleValue]) throws(DataError) {
        guard state.count >= 5, case .text(let order) = state[1], case .none = state[2] else {
            throw input.malformed("an element type that is not a plain number")
        }
        guard order.equals("<") else { throw input.malformed("numbers that are not little-endian") }
    }

    /// Decodes an array's state: (version, shape, element type, column-major, bytes).
    private func contents(_ state: [PickleValue]) throws(DataError) -> PickleArray.Contents {
        guard state.count == 5, case .tuple(let dimensions) = state[1], case .elementType(let type) = state[2],
            case .text(let bytes) = state[4]
        else { throw input.malformed("an invalid state of an array") }
        switch state[3] {
        case .bool(false), .integer(0): break
        default: throw input.malformed("an array in column-major order")
        }
        guard type.isLittleEndian else { throw input.malformed("an element type without a byte order") }
        var shape: [Int] = []
        var size = type.kind.byteCount
        for dimension in dimensions {
            guard case .integer(let length) = dimension, (0...IDXHeader.largestCount).contains(length) else {
                throw input.malformed("an impossible dimension of an array")
            }
            let (product, overflow) = size.multipliedReportingOverflow(by: length)
            guard !overflow else { throw input.malformed("an array that is too large") }
            size = product
            shape.append(length)
        }
        guard bytes.count == size else {
            throw input.malformed("an array of shape \(shape) with \(bytes.count) bytes, not \(size)")
        }
        return PickleArray.Contents(shape: shape, element: type.kind, bytes: bytes)
    }
}
