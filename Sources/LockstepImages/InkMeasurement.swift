/// Measures paper and ink in a picture: which brightness the paper has at each pixel, whether ink is darker or brighter, and how
/// much of it there is.
///
/// The steps: the paper's surface (``PaperSurface``); shadows, which are wide, are removed from strokes, which are narrow
/// (``InkOpening``); a threshold between the paper's noise and the ink (``InkThreshold``); the side of the paper on which the ink
/// is (``InkSide``); edges of a scanner's glass, of a table or of a board's frame are removed (``InkFrame``).
enum InkMeasurement {
    /// Pictures with more pixels are reduced first.
    static let pixelLimit = 1 << 21
    /// Where the paper's brightness leaves less room than this, a difference counts less than its share of the room.
    private static let smallestRoom: Float = 48

    /// The ink of a picture: 0 is paper and 1 is ink. Everything is 0 if the picture has no contrast.
    static func ink(of picture: BrightnessMap) -> GrayImage {
        let surface = PaperSurface(picture)
        let sides = [true, false].map { contrast(of: picture, from: surface, isDark: $0) }
        let energies = sides.map { side in Double(side.contrast.ink.reduce(0) { $0 + max(0, $1 - 4 * side.noise) }) }
        let largest = energies.max() ?? 0
        // On most pictures one side alone has ink.
        let candidates = zip(sides, energies).filter { largest > 0 && $1 >= InkSide.smallestShare * largest }
        let inks = candidates.compactMap { side, _ in strokes(side.contrast, noise: side.noise, surface.isUniform) }
        guard var ink = InkSide.select(inks) else { return GrayImage(width: picture.width, height: picture.height) }
        InkFrame.remove(from: &ink)
        return ink
    }

    private static func strokes(_ contrast: GrayImage, noise: Float, _ isUniform: Bool) -> InkThreshold.Ink? {
        var contrast = contrast
        contrast.removeShadows(noise: noise)
        return InkThreshold.ink(of: contrast, noise: noise, isUniform: isUniform)
    }

    /// How far each pixel is from the paper towards black or white, as a share of the way, and the noise in this unit.
    private static func contrast(
        of picture: BrightnessMap, from surface: PaperSurface, isDark: Bool
    ) -> (contrast: GrayImage, noise: Float) {
        var contrast = GrayImage(width: picture.width, height: picture.height)
        var rooms: Float = 0
        for y in 0..<picture.height {
            let paper = surface.row(y, of: picture)
            var roomsOfRow: Float = 0
            for x in 0..<picture.width {
                let room = max(smallestRoom, isDark ? paper[x] : 255 - paper[x])
                let difference = Float(picture[x, y]) - paper[x]
                contrast[x, y] = max(0, isDark ? -difference : difference) / room
                roomsOfRow += room
            }
            rooms += roomsOfRow / Float(picture.width)
        }
        return (contrast, surface.noise * Float(picture.height) / rooms)
    }
}

extension GrayImage {
    /// Removes from the ink what is wider than strokes and paler than ink.
    ///
    /// A shadow dims paper and ink by the same factor, so the ink's share of what is left stays the same.
    fileprivate mutating func removeShadows(noise: Float) {
        guard let darkest = ink.max(), darkest > 0 else { return }
        let window = max(3, min(width, height) * 3 / 10)
        let wide = (noise > 0 ? blurred() : self).opened(window: window)
        let smallest = max(3 * noise, 0.02)
        for index in ink.indices {
            let shadow = wide.ink[index]
            guard shadow > smallest, shadow < 0.6 * darkest else { continue }
            ink[index] = max(0, (ink[index] - shadow) / (1 - shadow))
        }
    }

    /// The mean of each pixel and its eight neighbours.
    func blurred() -> GrayImage {
        var means = self
        for y in 0..<height {
            let rows = max(0, y - 1)...min(height - 1, y + 1)
            for x in 0..<width {
                let columns = max(0, x - 1)...min(width - 1, x + 1)
                var sum: Float = 0
                for nearY in rows { for nearX in columns { sum += self[nearX, nearY] } }
                means[x, y] = sum / Float(rows.count * columns.count)
            }
        }
        return means
    }
}
