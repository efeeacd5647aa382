/// How training images are altered before each use, so that a network meets every image once only.
///
/// Each amount is the most that a change can be; it is drawn evenly from both sides of nothing, anew for every sample in
/// every epoch. Simard, Steinkraus and Platt, "Best practices for convolutional neural networks applied to visual
/// document analysis", ICDAR 2003.
package struct AugmentationOptions: Codable, Hashable, Sendable {
    /// Pixels, in each direction.
    package var shift: Double
    /// Degrees.
    package var rotation: Double
    /// Part of the size, in each direction: 0.1 means from 0.9 to 1.1.
    package var scale: Double
    /// Pixels sideways for each pixel of height.
    package var shear: Double
    /// Pixels that elastic deformation moves a point by, root mean square in each direction.
    package var elastic: Double
    /// Pixels over which elastic displacements vary.
    package var smoothness: Double

    package init(
        shift: Double = 0, rotation: Double = 0, scale: Double = 0, shear: Double = 0, elastic: Double = 0,
        smoothness: Double = 7
    ) {
        self.shift = shift
        self.rotation = rotation
        self.scale = scale
        self.shear = shear
        self.elastic = elastic
        self.smoothness = smoothness
    }

    /// Whether any image is altered.
    package var isActive: Bool {
        shift > 0 || rotation > 0 || scale > 0 || shear > 0 || elastic > 0
    }

    /// Whether every amount is one that can be carried out.
    package var isPossible: Bool {
        [shift, rotation, scale, shear, elastic].allSatisfy((0...1_000).contains) && (1...1_000).contains(smoothness)
    }

    /// Pixels on a side of a data set's images; nil if its samples are no squares.
    package static func side(of dataset: DatasetDescription) -> Int? {
        let side = Int(Double(dataset.inputSize).squareRoot().rounded())
        return side * side == dataset.inputSize ? side : nil
    }

    /// What alters the images of a data set; nil if nothing is to be altered, or its samples are no squares.
    package func makeWarp(for dataset: DatasetDescription, seed: UInt64) -> ImageWarp? {
        guard isActive, let side = Self.side(of: dataset) else { return nil }
        return ImageWarp(side: side, options: self, seed: seed)
    }
}
