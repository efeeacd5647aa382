import COneDNN
import Glibc

/// oneDNN's description of a tensor: its dimensions and where its elements lie.
typealias TensorDescription = dnnl_memory_desc_t

/// oneDNN 2's interface of primitives: descriptions, memory objects, execution. Version 3 has another one.
///
/// Shared by all threads; a ``Stream`` belongs to one.
final class OneDNNPrimitives: @unchecked Sendable {
    private typealias Status = dnnl_status_t
    private typealias Description = UnsafePointer<dnnl_memory_desc_t>?
    private typealias Dimensions = UnsafePointer<dnnl_dim_t>
    private typealias Destroy = @convention(c) (OpaquePointer) -> Status
    private typealias Create = @convention(c) (UnsafeMutablePointer<OpaquePointer?>) -> Status

    private let processor: dnnl_engine_t
    /// Attributes of all primitives: their scratch memory is ours.
    private let attributes: dnnl_primitive_attr_t

    private let createStream: @convention(c) (UnsafeMutablePointer<dnnl_stream_t?>, dnnl_engine_t, UInt32) -> Status
    private let waitForStream: Destroy
    private let destroyStream: Destroy
    private let describeByTag:
        @convention(c) (
            UnsafeMutablePointer<dnnl_memory_desc_t>, CInt, Dimensions, dnnl_data_type_t, dnnl_format_tag_t
        ) -> Status
    private let sizeOfDescription: @convention(c) (Description) -> Int
    private let createMemory:
        @convention(c) (
            UnsafeMutablePointer<dnnl_memory_t?>, Description, dnnl_engine_t, UnsafeMutableRawPointer?
        ) -> Status
    private let destroyMemory: Destroy
    private let describeForward:
        @convention(c) (
            UnsafeMutablePointer<dnnl_convolution_desc_t>, dnnl_prop_kind_t, dnnl_alg_kind_t, Description, Description,
            Description, Description, Dimensions, Dimensions, Dimensions
        ) -> Status
    private let describeBackwardData:
        @convention(c) (
            UnsafeMutablePointer<dnnl_convolution_desc_t>, dnnl_alg_kind_t, Description, Description, Description,
            Dimensions, Dimensions, Dimensions
        ) -> Status
    private let describeBackwardWeights:
        @convention(c) (
            UnsafeMutablePointer<dnnl_convolution_desc_t>, dnnl_alg_kind_t, Description, Description, Description,
            Description, Dimensions, Dimensions, Dimensions
        ) -> Status
    private let createIterator:
        @convention(c) (
            UnsafeMutablePointer<dnnl_primitive_desc_iterator_t?>, UnsafeRawPointer, dnnl_primitive_attr_t,
            dnnl_engine_t, dnnl_primitive_desc_t?
        ) -> Status
    private let advanceIterator: Destroy
    private let fetchFromIterator: @convention(c) (OpaquePointer) -> dnnl_primitive_desc_t?
    private let destroyIterator: Destroy
    private let query: @convention(c) (dnnl_primitive_desc_t, dnnl_query_t, CInt, UnsafeMutableRawPointer) -> Status
    private let queryDescription:
        @convention(c) (dnnl_primitive_desc_t, dnnl_query_t, CInt) -> UnsafePointer<dnnl_memory_desc_t>?
    private let destroyImplementation: Destroy
    private let createPrimitive:
        @convention(c) (UnsafeMutablePointer<dnnl_primitive_t?>, dnnl_primitive_desc_t) -> Status
    private let destroyPrimitive: Destroy
    private let execute:
        @convention(c) (dnnl_primitive_t, dnnl_stream_t, CInt, UnsafePointer<dnnl_exec_arg_t>) -> Status

    /// - Parameter library: What dlopen returned for oneDNN 2.
    /// - Throws: ``ComputeError`` if the library lacks a function, or fails.
    init(library: UnsafeMutableRawPointer) throws(ComputeError) {
        func function<T>(_ name: String, as type: T.Type = T.self) throws(ComputeError) -> T {
            guard let symbol = dlsym(library, name) else { throw .missingSymbol(name) }
            return unsafeBitCast(symbol, to: type)
        }
        createStream = try function("dnnl_stream_create")
        waitForStream = try function("dnnl_stream_wait")
        destroyStream = try function("dnnl_stream_destroy")
        describeByTag = try function("dnnl_memory_desc_init_by_tag")
        sizeOfDescription = try function("dnnl_memory_desc_get_size")
        createMemory = try function("dnnl_memory_create")
        destroyMemory = try function("dnnl_memory_destroy")
        describeForward = try function("dnnl_convolution_forward_desc_init")
        describeBackwardData = try function("dnnl_convolution_backward_data_desc_init")
        describeBackwardWeights = try function("dnnl_convolution_backward_weights_desc_init")
        createIterator = try function("dnnl_primitive_desc_iterator_create")
        advanceIterator = try function("dnnl_primitive_desc_iterator_next")
        fetchFromIterator = try function("dnnl_primitive_desc_iterator_fetch")
        destroyIterator = try function("dnnl_primitive_desc_iterator_destroy")
        query = try function("dnnl_primitive_desc_query")
        queryDescription = try function("dnnl_primitive_desc_query_md")
        destroyImplementation = try function("dnnl_primitive_desc_destroy")
        createPrimitive = try function("dnnl_primitive_create")
        destroyPrimitive = try function("dnnl_primitive_destroy")
        execute = try function("dnnl_primitive_execute")

        let createProcessor: @convention(c) (UnsafeMutablePointer<dnnl_engine_t?>, dnnl_engine_kind_t, Int) -> Status =
            try function("dnnl_engine_create")
        let createAttributes: Create = try function("dnnl_primitive_attr_create")
        let setScratchMode: @convention(c) (dnnl_primitive_attr_t, dnnl_scratchpad_mode_t) -> Status =
            try function("dnnl_primitive_attr_set_scratchpad_mode")
        // Neither is destroyed: the library stays open as long as the process runs.
        processor = try Self.object("dnnl_engine_create") { createProcessor($0, dnnl_cpu, 0) }
        attributes = try Self.object("dnnl_primitive_attr_create") { createAttributes($0) }
        try Self.check(
            setScratchMode(attributes, dnnl_scratchpad_mode_user), "dnnl_primitive_attr_set_scratchpad_mode")
    }

    private static func check(_ status: Status, _ function: String) throws(ComputeError) {
        guard status == dnnl_success else { throw .libraryFailed(function, status: Int(status.rawValue)) }
    }

    private static func object(
        _ function: String, _ create: (UnsafeMutablePointer<OpaquePointer?>) -> Status
    ) throws(ComputeError) -> OpaquePointer {
        var object: OpaquePointer?
        try check(create(&object), function)
        guard let object else { throw .libraryFailed(function, status: 0) }
        return object
    }

    /// Where a primitive runs: the thread that calls it.
    final class Stream {
        private let primitives: OneDNNPrimitives
        fileprivate let handle: dnnl_stream_t

        init(_ primitives: OneDNNPrimitives) throws(ComputeError) {
            self.primitives = primitives
            handle = try OneDNNPrimitives.object("dnnl_stream_create") {
                primitives.createStream($0, primitives.processor, dnnl_stream_default_flags.rawValue)
            }
        }

        deinit {
            _ = primitives.destroyStream(handle)
        }
    }

    /// Describes a tensor of float32.
    func description(_ dimensions: [Int], _ tag: dnnl_format_tag_t) throws(ComputeError) -> TensorDescription {
        var description = TensorDescription()
        try Self.check(
            describeByTag(&description, CInt(dimensions.count), Self.dimensions(dimensions), dnnl_f32, tag),
            "dnnl_memory_desc_init_by_tag")
        return description
    }

    /// The floats that a tensor takes, rounded up.
    func count(of description: TensorDescription) -> Int {
        let float = MemoryLayout<Float>.stride
        return (withUnsafePointer(to: description) { sizeOfDescription($0) } + float - 1) / float
    }

    /// As many dimensions as oneDNN's arrays have.
    private static func dimensions(_ values: [Int]) -> [dnnl_dim_t] {
        values.map(dnnl_dim_t.init) + [dnnl_dim_t](repeating: 0, count: Int(DNNL_MAX_NDIMS) - values.count)
    }
}

extension OneDNNPrimitives {
    /// One of a convolution's three passes.
    enum Pass {
        case forward
        case backwardData
        case backwardWeights
    }

    /// The tensors of a convolution: in the backward passes, their errors or gradients.
    struct Tensors {
        var source: TensorDescription
        var weights: TensorDescription
        var biases: TensorDescription
        var destination: TensorDescription
    }

    /// A way in which oneDNN can compute a pass; not yet compiled.
    final class Implementation {
        fileprivate let primitives: OneDNNPrimitives
        fileprivate let handle: dnnl_primitive_desc_t
        let pass: Pass

        fileprivate init(_ primitives: OneDNNPrimitives, _ handle: dnnl_primitive_desc_t, _ pass: Pass) {
            (self.primitives, self.handle, self.pass) = (primitives, handle, pass)
        }

        deinit {
            _ = primitives.destroyImplementation(handle)
        }

        /// Such as `jit:avx2`.
        var name: String {
            var text: UnsafePointer<CChar>?
            let status = withUnsafeMutableBytes(of: &text) { bytes in
                bytes.baseAddress.map { primitives.query(handle, dnnl_query_impl_info_str, 0, $0) }
            }
            guard status == dnnl_success, let text else { return "unknown" }
            return String(cString: text)
        }

        /// The weights, or their gradient, in the order that this implementation wants.
        var weights: TensorDescription? {
            let kind = pass == .backwardWeights ? dnnl_query_diff_weights_md : dnnl_query_weights_md
            return primitives.queryDescription(handle, kind, 0)?.pointee
        }

        /// The scratch memory that it needs; nil if it needs none.
        var scratch: TensorDescription? {
            guard let description = primitives.queryDescription(handle, dnnl_query_scratchpad_md, 0)?.pointee,
                description.ndims > 0
            else { return nil }
            return description
        }
    }

    /// Finds oneDNN's first implementation of a pass by its direct algorithm that `isAccepted`; nil if there is none.
    func implementation(
        of pass: Pass, _ tensors: Tensors, strides: [Int], paddingBefore: [Int], paddingAfter: [Int],
        where isAccepted: (Implementation) -> Bool
    ) throws(ComputeError) -> Implementation? {
        let (strides, before, after) = (
            Self.dimensions(strides), Self.dimensions(paddingBefore), Self.dimensions(paddingAfter)
        )
        var tensors = tensors
        var forward = dnnl_convolution_desc_t()
        try Self.check(
            describeForward(
                &forward, dnnl_forward_training, dnnl_convolution_direct, &tensors.source, &tensors.weights,
                &tensors.biases, &tensors.destination, strides, before, after),
            "dnnl_convolution_forward_desc_init")
        guard pass != .forward else { return try first(forward, .forward, hint: nil, where: isAccepted) }

        // A backward pass is described together with a forward pass, in any implementation.
        guard let hint = try first(forward, .forward, hint: nil, where: { _ in true }) else { return nil }
        var backward = dnnl_convolution_desc_t()
        if pass == .backwardData {
            try Self.check(
                describeBackwardData(
                    &backward, dnnl_convolution_direct, &tensors.source, &tensors.weights, &tensors.destination,
                    strides, before, after),
                "dnnl_convolution_backward_data_desc_init")
        } else {
            try Self.check(
                describeBackwardWeights(
                    &backward, dnnl_convolution_direct, &tensors.source, &tensors.weights, &tensors.biases,
                    &tensors.destination, strides, before, after),
                "dnnl_convolution_backward_weights_desc_init")
        }
        return try first(backward, pass, hint: hint, where: isAccepted)
    }

    private func first(
        _ convolution: dnnl_convolution_desc_t, _ pass: Pass, hint: Implementation?,
        where isAccepted: (Implementation) -> Bool
    ) throws(ComputeError) -> Implementation? {
        var iterator: dnnl_primitive_desc_iterator_t?
        let status = withUnsafePointer(to: convolution) {
            createIterator(&iterator, $0, attributes, processor, hint?.handle)
        }
        guard status != dnnl_unimplemented else { return nil }
        try Self.check(status, "dnnl_primitive_desc_iterator_create")
        guard let iterator else { throw .libraryFailed("dnnl_primitive_desc_iterator_create", status: 0) }
        defer { _ = destroyIterator(iterator) }
        repeat {
            guard let handle = fetchFromIterator(iterator) else {
                throw .libraryFailed("dnnl_primitive_desc_iterator_fetch", status: 0)
            }
            let implementation = Implementation(self, handle, pass)
            if isAccepted(implementation) { return implementation }
        } while advanceIterator(iterator) == dnnl_success
        return nil
    }

    /// A compiled implementation, bound to its memory.
    final class Primitive {
        /// What a tensor is to a primitive: a `DNNL_ARG_` number.
        typealias Argument = (kind: Int32, description: TensorDescription, memory: UnsafeMutablePointer<Float>)

        private let primitives: OneDNNPrimitives
        private let stream: Stream
        private let handle: dnnl_primitive_t
        private let arguments: UnsafeMutableBufferPointer<dnnl_exec_arg_t>
        private let scratch: AlignedFloats?

        /// - Parameters:
        ///   - implementation: What to compile.
        ///   - arguments: The tensors. The caller keeps their memory as long as the primitive exists.
        ///   - stream: The calling thread's.
        /// - Throws: ``ComputeError`` if there is no memory.
        init(
            _ implementation: Implementation, _ arguments: [Argument], on stream: Stream
        ) throws(ComputeError) {
            let primitives = implementation.primitives
            var all = arguments
            if let description = implementation.scratch {
                let memory = try AlignedFloats(count: primitives.count(of: description))
                all.append((DNNL_ARG_SCRATCHPAD, description, memory.pointer))
                scratch = memory
            } else {
                scratch = nil
            }
            handle = try OneDNNPrimitives.object("dnnl_primitive_create") {
                primitives.createPrimitive($0, implementation.handle)
            }
            self.primitives = primitives
            self.stream = stream
            self.arguments = .allocate(capacity: all.count)
            self.arguments.initialize(repeating: dnnl_exec_arg_t(arg: 0, memory: nil))
            // All properties are set: if this throws, deinit releases what has been made.
            for (index, argument) in all.enumerated() {
                let memory = try withUnsafePointer(to: argument.description) { description throws(ComputeError) in
                    try OneDNNPrimitives.object("dnnl_memory_create") {
                        primitives.createMemory($0, description, primitives.processor, argument.memory)
                    }
                }
                self.arguments[index] = dnnl_exec_arg_t(arg: argument.kind, memory: memory)
            }
        }

        deinit {
            for argument in arguments {
                if let memory = argument.memory { _ = primitives.destroyMemory(memory) }
            }
            arguments.deallocate()
            _ = primitives.destroyPrimitive(handle)
        }

        /// Bytes of scratch memory.
        var scratchBytes: Int { scratch?.byteCount ?? 0 }

        func run() {
            guard let first = arguments.baseAddress else { preconditionFailure("a primitive without arguments") }
            var status = primitives.execute(handle, stream.handle, CInt(arguments.count), first)
            if status == dnnl_success { status = primitives.waitForStream(stream.handle) }
            // Other statuses than success tell of impossible arguments, which would be our mistake, or of no memory.
            guard status == dnnl_success else { fatalError("oneDNN refused a convolution: \(status.rawValue)") }
        }
    }
}
