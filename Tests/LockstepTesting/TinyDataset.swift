/// A small classification problem as four IDX files, for runs that take milliseconds.
///
/// Each class has a pattern, and each sample is the pattern of its class with noise, so that a network can learn it.
package struct TinyDataset: Sendable {
    package var training: Int
    package var validation: Int
    package var test: Int
    /// The pixels of a side.
    package var side: Int
    package var classes: Int
    package var seed: UInt64

    package init(
        training: Int = 500, validation: Int = 100, test: Int = 100, side: Int = 6, classes: Int = 4, seed: UInt64 = 1
    ) {
        self.training = training
        self.validation = validation
        self.test = test
        self.side = side
        self.classes = classes
        self.seed = seed
    }

    /// The pixels of a sample: the size of a network's input layer.
    package var inputs: Int { side * side }

    /// Writes the four files into a folder. They have the names of MNIST's files.
    package func write(to folder: TemporaryFolder, under name: String = "data") throws {
        var random = SplitMix64(seed: seed)
        let patterns = (0..<classes).map { _ in (0..<inputs).map { _ in Int.random(in: 0...155, using: &random) } }
        for (prefix, count) in [("train", training + validation), ("t10k", test)] {
            let labels = (0..<count).map { _ in UInt8.random(in: 0..<UInt8(classes), using: &random) }
            let pixels = labels.flatMap { label in
                patterns[Int(label)].map { UInt8($0 + Int.random(in: 0...100, using: &random)) }
            }
            let side = UInt32(side)
            let images = IDX.file(magic: 0x0803, sizes: [UInt32(count), side, side], content: pixels)
            try folder.write(images, to: "\(name)/\(prefix)-images-idx3-ubyte")
            try folder.write(
                IDX.file(magic: 0x0801, sizes: [UInt32(count)], content: labels),
                to: "\(name)/\(prefix)-labels-idx1-ubyte")
        }
    }

    /// A run configuration on it: one hidden layer of 8 neurons.
    ///
    /// - Parameters:
    ///   - name: The folder of the four files, relative to the configuration's.
    ///   - epochs: The number of epochs.
    ///   - batch: The samples of a mini-batch.
    /// - Returns: YAML.
    package func configuration(data name: String = "data", epochs: Int = 2, batch: Int = 10) -> String {
        """
        name: tiny
        data:
          images: \(name)/train-images-idx3-ubyte
          labels: \(name)/train-labels-idx1-ubyte
          test-images: \(name)/t10k-images-idx3-ubyte
          test-labels: \(name)/t10k-labels-idx1-ubyte
          validation: \(validation)
        network: { sizes: [\(inputs), 8, \(classes)], activation: sigmoid, initializer: standard-normal }
        cost: quadratic
        training: { epochs: \(epochs), batch: \(batch), seed: 1 }
        optimizer: { sgd: { learning-rate: 1.0 } }

        """
    }
}

/// The format of MNIST's files: yann.lecun.com/exdb/mnist.
package enum IDX {
    /// - Parameters:
    ///   - magic: 0x0803 for unsigned bytes in three dimensions, 0x0801 in one.
    ///   - sizes: The size of each dimension.
    ///   - content: As many bytes as the product of the sizes; another number makes a damaged file.
    /// - Returns: The file.
    package static func file(magic: UInt32, sizes: [UInt32], content: [UInt8]) -> [UInt8] {
        ([magic] + sizes).flatMap { word in [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> $0) } } + content
    }
}
