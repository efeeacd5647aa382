import LockstepData
import Testing

@Suite("Transformed images")
struct ImageWarpTests {
    @Test("amounts of 0 change no pixel", arguments: [1, 2, 5, 28])
    func nothing(side: Int) {
        let image = Self.image(side: side)
        #expect(altered(image, side: side, AugmentationOptions()) == image)
    }

    @Test("a transformed image depends on seed, epoch and sample only")
    func pure() {
        let image = Self.image(side: 28)
        let first = altered(image, side: 28, Self.all)
        let warp = ImageWarp(side: 28, options: Self.all, seed: 1)
        #expect(altered(image, by: warp, sample: 8) != first)
        #expect(altered(image, by: warp, epoch: 1) != first)
        #expect(altered(image, by: warp) == first)
        #expect(altered(image, side: 28, Self.all, seed: 2) != first)
    }

    @Test("a bright spot moves by the shift at most, and to both sides")
    func shift() {
        let moves = moves(of: AugmentationOptions(shift: 2))
        #expect(moves.allSatisfy { abs($0.x) < 2.001 && abs($0.y) < 2.001 })
        #expect(moves.contains { $0.x > 1 } && moves.contains { $0.x < -1 })
        #expect(moves.contains { $0.y > 1 } && moves.contains { $0.y < -1 })
    }

    @Test("rotation moves pixels around the centre")
    func rotation() {
        // The spot is 6 pixels right of the centre, so 10 degrees move it by 1.05 up or down.
        let moves = moves(of: AugmentationOptions(rotation: 10))
        #expect(moves.allSatisfy { abs($0.y) < 1.1 && abs($0.x) < 0.2 })
        #expect(moves.contains { $0.y > 0.7 } && moves.contains { $0.y < -0.7 })
    }

    @Test("scaling moves pixels towards and away from the centre")
    func scale() {
        let moves = moves(of: AugmentationOptions(scale: 0.2))
        #expect(moves.allSatisfy { abs($0.y) < 0.2 && abs($0.x) < 1.7 })
        #expect(moves.contains { $0.x > 0.7 } && moves.contains { $0.x < -0.7 })
    }

    @Test("shearing moves pixels above and below the centre sideways")
    func shear() {
        let moves = moves(of: AugmentationOptions(shear: 0.3))
        #expect(moves.allSatisfy { abs($0.x) < 0.2 && abs($0.y) < 0.2 })
        let above = Self.image(side: 29, spot: (14, 6))
        let places = (0..<50).map { Self.middle(altered(above, side: 29, .init(shear: 0.3), sample: $0), side: 29).x }
        #expect(places.contains { $0 > 15 } && places.contains { $0 < 13 })
    }

    @Test("elastic deformation moves a spot by its root mean square on average", arguments: [0.5, 1.4])
    func elastic(amount: Double) {
        let moves = moves(of: AugmentationOptions(elastic: amount), samples: 2_000)
        let square = moves.reduce(0) { $0 + $1.x * $1.x + $1.y * $1.y } / Double(2 * moves.count)
        #expect(abs(square.squareRoot() / amount - 1) < 0.2)
        #expect(abs(moves.reduce(0) { $0 + $1.x } / Double(moves.count)) < 0.1 * amount)
    }

    @Test("values stay between the smallest and the largest value", arguments: [1, 3, 28])
    func range(side: Int) {
        let wild = AugmentationOptions(shift: 50, rotation: 179, scale: 0.9, shear: 5, elastic: 100, smoothness: 1)
        for sample in 0..<50 {
            let image = altered(Self.image(side: side), side: side, wild, sample: UInt32(sample))
            #expect(image.allSatisfy { $0 >= 0 && $0 <= 1 })
        }
    }

    static let all = AugmentationOptions(shift: 2, rotation: 15, scale: 0.1, shear: 0.1, elastic: 1.4)

    /// A pattern, or a bright spot of 3 x 3 pixels on black.
    static func image(side: Int, spot: (x: Int, y: Int)? = nil) -> [Float] {
        (0..<side * side).map { i in
            guard let spot else { return Float(i * 37 % 256) / 255 }
            return abs(i % side - spot.x) <= 1 && abs(i / side - spot.y) <= 1 ? 1 : 0
        }
    }

    /// The centre of mass.
    static func middle(_ image: [Float], side: Int) -> (x: Double, y: Double) {
        let sum = image.reduce(0.0) { $0 + Double($1) }
        return image.enumerated().reduce((0, 0)) { place, pixel in
            let weight = Double(pixel.element) / sum
            return (
                place.0 + weight * Double(pixel.offset % side), place.1 + weight * Double(pixel.offset / side)
            )
        }
    }

    /// The displacement of a spot right of the centre, for each sample.
    private func moves(of options: AugmentationOptions, samples: Int = 200) -> [(x: Double, y: Double)] {
        let image = Self.image(side: 29, spot: (20, 14))
        let warp = ImageWarp(side: 29, options: options, seed: 5)
        return (0..<samples).map { sample in
            let place = Self.middle(altered(image, by: warp, sample: UInt32(sample)), side: 29)
            return (place.x - 20, place.y - 14)
        }
    }

    private func altered(
        _ image: [Float], side: Int, _ options: AugmentationOptions, sample: UInt32 = 7, seed: UInt64 = 1
    ) -> [Float] {
        altered(image, by: ImageWarp(side: side, options: options, seed: seed), sample: sample)
    }

    private func altered(_ image: [Float], by warp: ImageWarp, epoch: Int = 0, sample: UInt32 = 7) -> [Float] {
        var image = image
        warp.apply(to: &image, epoch: epoch, sample: sample)
        return image
    }
}
