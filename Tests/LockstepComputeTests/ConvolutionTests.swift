import LockstepCompute
import Testing

/// A process has one kernel, so the tests of each kernel run in their own process.
@Suite("Convolutions", .enabled(if: NumericKernel.portable.isSupported, "this CPU has no AVX2"))
struct ConvolutionTests {
    @Test("agree with plain loops in double, whatever their shape", arguments: NumericKernel.supported)
    func agreement(kernel: NumericKernel) async {
        await #expect(processExitsWith: .success) { [name = kernel.rawValue as String] in
            let library = try ComputeLibrary.open(NumericKernel.resolve(name))
            let lanes = library.channelLanes
            for (number, geometry) in (specialGeometries + randomGeometries(150)).enumerated() {
                for sourceLanes in [1, lanes] {
                    let rows = 1 + number % 3
                    let reference = ReferenceConvolution(
                        geometry, rows: rows, sourceLanes: sourceLanes, lanes: lanes, seed: UInt64(number), junk: 0.5)
                    let results = reference.results
                    let computed = try ComputedConvolution(reference, library)
                    let error = computed.largestError(results, reference)
                    #expect(error < 1, "\(geometry), \(rows) rows, \(sourceLanes) lanes: \(error)")
                }
            }
        }
    }

    @Test(
        "Filters of as many columns as a configuration may have are implemented", arguments: NumericKernel.supported)
    func widestFilters(kernel: NumericKernel) async {
        await #expect(processExitsWith: .success) { [name = kernel.rawValue as String] in
            let library = try ComputeLibrary.open(NumericKernel.resolve(name))
            let lanes = library.channelLanes
            // Nothing is computed, so all convolutions share memory that no image fills.
            let memory = UnsafeMutablePointer<Float>.allocate(capacity: 1)
            let widest = Convolution.Geometry.maximumKernelColumns
            var random = TestRandom(seed: 13)
            var prepared = 0
            while prepared < 300 {
                let sizes = [1, 2, 3, 8, 20, 28, 64, 224]
                let (rows, columns) = (
                    random.choice([1, 3, 7, 13, 14, 33, 100]), random.choice([1, 5, 9, widest - 1, widest])
                )
                let (above, left) = (
                    random.choice([0, rows / 2, rows - 1]), random.choice([0, columns / 2, columns - 1])
                )
                let geometry = Convolution.Geometry(
                    inputChannels: random.choice([1, 2, 3, 4, 16, 20]), inputRows: random.choice(sizes),
                    inputColumns: random.choice(sizes), filters: random.choice([1, 3, 8, 20, 32]), kernelRows: rows,
                    kernelColumns: columns, strideRows: random.choice([1, 2, 3, 7, 13]),
                    strideColumns: random.choice([1, 2, 3, 7, 13]), paddingTop: above, paddingLeft: left,
                    paddingBottom: above, paddingRight: left)
                guard geometry.outputRows > 0, geometry.outputColumns > 0 else { continue }
                let convolution = try Convolution(
                    geometry,
                    buffers: Convolution.Buffers(
                        source: memory, destination: memory, outputErrors: memory, inputErrors: memory),
                    sourceLanes: random.choice([1, lanes]), library: library)
                try convolution.prepare(rows: random.choice([1, 8, 32]))
                prepared += 1
            }
        }
    }

    @Test("agree for every number of rows up to 32", arguments: NumericKernel.supported)
    func rows(kernel: NumericKernel) async {
        await #expect(processExitsWith: .success) { [name = kernel.rawValue as String] in
            let library = try ComputeLibrary.open(NumericKernel.resolve(name))
            let lanes = library.channelLanes
            for rows in 1...32 {
                let geometry = Convolution.Geometry(
                    inputChannels: 3, inputRows: 6, inputColumns: 5, filters: 5, kernelRows: 3, kernelColumns: 3,
                    paddingTop: 1, paddingLeft: 1, paddingBottom: 1, paddingRight: 1)
                let reference = ReferenceConvolution(
                    geometry, rows: rows, sourceLanes: lanes, lanes: lanes, seed: UInt64(rows))
                let error = try ComputedConvolution(reference, library).largestError(reference.results, reference)
                #expect(error < 1, "\(rows) rows: \(error)")
            }
        }
    }

    @Test("add gradients to the content, if told to", arguments: NumericKernel.supported)
    func accumulation(kernel: NumericKernel) async {
        await #expect(processExitsWith: .success) { [name = kernel.rawValue as String] in
            let library = try ComputeLibrary.open(NumericKernel.resolve(name))
            for geometry in specialGeometries {
                let reference = ReferenceConvolution(
                    geometry, rows: 2, sourceLanes: 1, lanes: library.channelLanes, seed: 5)
                var random = TestRandom(seed: 6)
                let weights = reference.weights.map { _ in random.value() }
                let biases = reference.biases.map { _ in random.value() }
                let plain = try ComputedConvolution(reference, library)
                let added = try ComputedConvolution(reference, library, start: (weights, biases))
                #expect(added.weightGradient == zip(weights, plain.weightGradient).map { $0 + $1 })
                #expect(added.biasGradient == zip(biases, plain.biasGradient).map { $0 + $1 })
                #expect(added.outputs == plain.outputs && added.inputErrors == plain.inputErrors)
            }
        }
    }

    @Test(
        "have the same bits at any address, in every repetition, and whatever the unused lanes have",
        arguments: NumericKernel.supported)
    func sameBits(kernel: NumericKernel) async {
        await #expect(processExitsWith: .success) { [name = kernel.rawValue as String] in
            let library = try ComputeLibrary.open(NumericKernel.resolve(name))
            let lanes = library.channelLanes
            for geometry in specialGeometries {
                func reference(junk: Float) -> ReferenceConvolution {
                    ReferenceConvolution(geometry, rows: 3, sourceLanes: lanes, lanes: lanes, seed: 7, junk: junk)
                }
                let first = try ComputedConvolution(reference(junk: 0), library)
                for shift in [1, 2, 3, 7, 64, 65] {
                    #expect(try ComputedConvolution(reference(junk: 0), library, shift: shift) == first)
                }
                #expect(try ComputedConvolution(reference(junk: 0), library, repetitions: 3) == first)
                #expect(try ComputedConvolution(reference(junk: 0), library, prepared: [1, 32, 8]) == first)
                for junk: Float in [0.5, -3, 1e30, -1e30] {
                    #expect(try ComputedConvolution(reference(junk: junk), library) == first, "\(geometry), \(junk)")
                }
            }
        }
    }

    @Test("unused lanes of the results are zeros", arguments: NumericKernel.supported)
    func unusedLanes(kernel: NumericKernel) async {
        await #expect(processExitsWith: .success) { [name = kernel.rawValue as String] in
            let library = try ComputeLibrary.open(NumericKernel.resolve(name))
            let lanes = library.channelLanes
            for geometry in specialGeometries {
                let reference = ReferenceConvolution(
                    geometry, rows: 2, sourceLanes: lanes, lanes: lanes, seed: 8, junk: 7)
                let computed = try ComputedConvolution(reference, library)
                let unusedOutputs = Set(computed.outputs.indices).subtracting(reference.destination.indices)
                #expect(unusedOutputs.allSatisfy { computed.outputs[$0] == 0 })
                let unusedInputs = Set(computed.inputErrors.indices).subtracting(reference.source.indices)
                #expect(unusedInputs.allSatisfy { computed.inputErrors[$0] == 0 })
            }
        }
    }

    @Test("a convolution without errors of its inputs")
    func noInputErrors() throws {
        let library = try ComputeLibrary.open(.portable)
        let reference = ReferenceConvolution(
            specialGeometries[0], rows: 2, sourceLanes: 1, lanes: library.channelLanes, seed: 9)
        var (source, errors) = (reference.sourceValues, reference.errorValues)
        var destination = [Float](repeating: .nan, count: errors.count)
        try source.withUnsafeMutableBufferPointer { source in
            try errors.withUnsafeMutableBufferPointer { errors in
                try destination.withUnsafeMutableBufferPointer { destination in
                    let convolution = try Convolution(
                        reference.geometry,
                        buffers: Convolution.Buffers(
                            source: try #require(source.baseAddress),
                            destination: try #require(destination.baseAddress),
                            outputErrors: try #require(errors.baseAddress), inputErrors: nil),
                        sourceLanes: 1, library: library)
                    try convolution.prepare(rows: 2)
                    convolution.loadWeights(reference.weights)
                    convolution.forward(rows: 2, biases: reference.biases)
                    #expect(convolution.flops == 2 * 20 * 1 * 9 * 28 * 28)
                    #expect(convolution.workspaceBytes(rows: 2) >= 4 * 2 * 20 * 9)
                }
            }
        }
        #expect(zip(destination, reference.results.outputs).allSatisfy { abs(Double($0) - $1) < 1e-5 })
    }

    @Test(
        "what oneDNN cannot compute directly, or nothing can, is refused by an error that names it",
        arguments: [
            Convolution.Geometry(
                inputChannels: 8, inputRows: 20, inputColumns: 40, filters: 8, kernelRows: 3, kernelColumns: 31),
            Convolution.Geometry(
                inputChannels: 8, inputRows: 4, inputColumns: 4, filters: 8, kernelRows: 5, kernelColumns: 5),
            Convolution.Geometry(
                inputChannels: 8, inputRows: 4, inputColumns: 4, filters: 0, kernelRows: 3, kernelColumns: 3),
            Convolution.Geometry(
                inputChannels: 8, inputRows: 1 << 40, inputColumns: 4, filters: 8, kernelRows: 3, kernelColumns: 3),
            Convolution.Geometry(
                inputChannels: 1 << 12, inputRows: 1 << 12, inputColumns: 1 << 12, filters: 8, kernelRows: 3,
                kernelColumns: 3),
        ])
    func refusal(geometry: Convolution.Geometry) throws {
        let memory = UnsafeMutablePointer<Float>.allocate(capacity: 1)
        defer { memory.deallocate() }
        let convolution = try Convolution(
            geometry,
            buffers: Convolution.Buffers(
                source: memory, destination: memory, outputErrors: memory, inputErrors: memory),
            sourceLanes: 8, library: ComputeLibrary.open(.portable))
        let error = #expect(throws: ComputeError.unsupportedConvolution(geometry, rows: 4)) {
            try convolution.prepare(rows: 4)
        }
        #expect(error?.description.contains("\(geometry.inputRows) x \(geometry.inputColumns)") == true)
    }

    @Test("a block of rows that were not prepared is a mistake of the program")
    func unprepared() async {
        await #expect(processExitsWith: .failure) {
            let library = try ComputeLibrary.open(.portable)
            let reference = ReferenceConvolution(
                specialGeometries[0], rows: 2, sourceLanes: 1, lanes: library.channelLanes, seed: 9)
            let memory = UnsafeMutablePointer<Float>.allocate(capacity: reference.errorValues.count)
            let convolution = try Convolution(
                reference.geometry,
                buffers: Convolution.Buffers(
                    source: memory, destination: memory, outputErrors: memory, inputErrors: nil),
                sourceLanes: 1, library: library)
            try convolution.prepare(rows: 1)
            convolution.loadWeights(reference.weights)
            convolution.forward(rows: 2, biases: reference.biases)
        }
    }

    @Test("a library that is not there is an error")
    func missingLibrary() async {
        await #expect(processExitsWith: .success) {
            let library = try ComputeLibrary.open(.portable, searching: [])
            let memory = UnsafeMutablePointer<Float>.allocate(capacity: 1)
            #expect(throws: ComputeError.libraryNotFound(reason: "no path to search")) {
                try Convolution(
                    specialGeometries[0],
                    buffers: Convolution.Buffers(
                        source: memory, destination: memory, outputErrors: memory, inputErrors: nil),
                    sourceLanes: 1, library: library)
            }
        }
    }
}

/// Convolutions of usual networks, and those for which the library has the fewest algorithms: images smaller than the kernel,
/// strides that differ, padding as wide as the kernel, wide kernels.
private let specialGeometries: [Convolution.Geometry] = [
    .init(
        inputChannels: 1, inputRows: 28, inputColumns: 28, filters: 20, kernelRows: 3, kernelColumns: 3, paddingTop: 1,
        paddingLeft: 1, paddingBottom: 1, paddingRight: 1),
    .init(inputChannels: 20, inputRows: 12, inputColumns: 12, filters: 40, kernelRows: 5, kernelColumns: 5),
    .init(inputChannels: 3, inputRows: 5, inputColumns: 5, filters: 17, kernelRows: 5, kernelColumns: 5),
    .init(inputChannels: 33, inputRows: 7, inputColumns: 7, filters: 20, kernelRows: 1, kernelColumns: 1),
    .init(
        inputChannels: 20, inputRows: 9, inputColumns: 8, filters: 5, kernelRows: 1, kernelColumns: 1, strideRows: 2,
        strideColumns: 2),
    .init(
        inputChannels: 5, inputRows: 1, inputColumns: 1, filters: 3, kernelRows: 7, kernelColumns: 7, paddingTop: 3,
        paddingLeft: 3, paddingBottom: 3, paddingRight: 3),
    .init(
        inputChannels: 1, inputRows: 2, inputColumns: 6, filters: 9, kernelRows: 5, kernelColumns: 5, paddingTop: 2,
        paddingLeft: 2, paddingBottom: 2, paddingRight: 2),
    .init(
        inputChannels: 5, inputRows: 11, inputColumns: 9, filters: 10, kernelRows: 3, kernelColumns: 5, strideRows: 2,
        strideColumns: 1, paddingTop: 1, paddingLeft: 2, paddingBottom: 1, paddingRight: 2),
    .init(
        inputChannels: 2, inputRows: 8, inputColumns: 7, filters: 4, kernelRows: 7, kernelColumns: 3, strideRows: 1,
        strideColumns: 2, paddingTop: 6, paddingLeft: 2, paddingBottom: 6, paddingRight: 2),
    .init(
        inputChannels: 4, inputRows: 16, inputColumns: 20, filters: 4, kernelRows: 2, kernelColumns: 13, strideRows: 3,
        strideColumns: 2),
    .init(
        inputChannels: 3, inputRows: 6, inputColumns: 6, filters: 4, kernelRows: 3, kernelColumns: 3, strideRows: 2,
        strideColumns: 2, paddingTop: 5, paddingLeft: 4, paddingBottom: 3, paddingRight: 6),
]

/// Small convolutions of any shape, from a seed.
private func randomGeometries(_ count: Int) -> [Convolution.Geometry] {
    var random = TestRandom(seed: 2024)
    return (0..<count).map { number in
        while true {
            let sizes = number % 10 == 0 ? [17, 32, 64] : [1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 14]
            var geometry = Convolution.Geometry(
                inputChannels: random.choice([1, 2, 3, 5, 8, 16, 20, 33]), inputRows: random.choice(sizes),
                inputColumns: random.choice(sizes), filters: random.choice([1, 3, 5, 8, 16, 20, 33]),
                kernelRows: random.choice([1, 2, 3, 5, 7]), kernelColumns: random.choice([1, 2, 3, 5, 7]),
                strideRows: random.choice([1, 1, 2, 3]), strideColumns: random.choice([1, 1, 2, 3]))
            if random.value() < 0 {
                (geometry.kernelColumns, geometry.strideColumns) = (geometry.kernelRows, geometry.strideRows)
            }
            let isSame = random.value() < 0.3
            let rows = isSame ? geometry.kernelRows - 1 : 0
            let columns = isSame ? geometry.kernelColumns - 1 : 0
            (geometry.paddingTop, geometry.paddingBottom) = (rows / 2, rows - rows / 2)
            (geometry.paddingLeft, geometry.paddingRight) = (columns / 2, columns - columns / 2)
            let operations = geometry.flops
            if operations > 0 && operations < 400_000 { return geometry }
        }
    }
}
