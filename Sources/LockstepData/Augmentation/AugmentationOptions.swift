package import LockstepConfiguration

/// The random changes of training images: with them, a network never sees the same image twice.
///
/// Each amount is the largest change. The actual change is drawn uniformly between minus and plus the amount, anew for
/// every sample in every epoch. Simard, Steinkraus and Platt, "Best practices for convolutional neural networks applied
/// to visual document analysis", ICDAR 2003.
package struct AugmentationOptions: Codable, Hashable, ConfigurationGroup {
    /// The largest shift in pixels, in each direction.
    package var shift: Double
    /// The largest rotation in degrees.
    package var rotation: Double
    /// The largest change of size, in each direction: 0.1 means factors from 0.9 to 1.1.
    package var scale: Double
    /// The largest shear, in pixels sideways per pixel of height.
    package var shear: Double
    /// The elastic displacement in pixels, root mean square in each direction.
    package var elastic: Double
    /// The distance in pixels over which elastic displacements vary.
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

    /// Whether any amount changes images.
    package var isActive: Bool {
        shift > 0 || rotation > 0 || scale > 0 || shear > 0 || elastic > 0
    }

    /// The side of a data set's images in pixels; nil if its samples are not square.
    package static func side(of dataset: DatasetDescription) -> Int? {
        let side = Int(Double(dataset.inputSize).squareRoot().rounded())
        return side * side == dataset.inputSize ? side : nil
    }

    /// Makes the transformation of a data set's images; nil if no amount changes them or its samples are not square.
    package func makeWarp(for dataset: DatasetDescription, seed: UInt64) -> ImageWarp? {
        guard isActive, let side = Self.side(of: dataset) else { return nil }
        return ImageWarp(side: side, options: self, seed: seed)
    }
}
