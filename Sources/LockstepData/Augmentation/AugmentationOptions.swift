package import LockstepConfiguration

/// How training images are altered before each use, so that a network meets every image once only.
///
/// Each amount is the most that a change can be; it is drawn evenly from both sides of nothing, anew for every sample in
/// every epoch. Simard, Steinkraus and Platt, "Best practices for convolutional neural networks applied to visual
/// document analysis", ICDAR 2003.
package struct AugmentationOptions: Codable, Hashable, ConfigurationGroup {
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

    package static let defaults = AugmentationOptions()
    package static let keys = [
        ConfigurationKey(
            "shift", \AugmentationOptions.shift, .number(0..<1_000), unit: "pixels",
            "the most that a training image is moved"),
        ConfigurationKey(
            "rotation", \AugmentationOptions.rotation, .number(0..<180), unit: "degrees", "the most that it is turned"),
        ConfigurationKey(
            "scale", \AugmentationOptions.scale, .number(0..<1), "the most that it is stretched, as a part of its size"),
        ConfigurationKey(
            "shear", \AugmentationOptions.shear, .number(0..<10), "the most that it is sheared, as a part of its height"
        ),
        ConfigurationKey(
            "elastic", \AugmentationOptions.elastic, .number(0..<1_000), unit: "pixels",
            "how far its points are displaced"),
        ConfigurationKey(
            "smoothness", \AugmentationOptions.smoothness, .number(1..<1_000), unit: "pixels",
            "the distance over which displacements vary"),
    ]

    /// Whether any image is altered.
    package var isActive: Bool {
        shift > 0 || rotation > 0 || scale > 0 || shear > 0 || elastic > 0
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
