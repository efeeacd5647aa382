/// Prepares an image of a digit as MNIST's images were prepared: scaled into a box of 20 x 20 pixels, then put on a sheet
/// of 28 x 28 so that the ink's centre of mass is the sheet's centre (Y. LeCun, C. Cortes, C. Burges, "The MNIST database
/// of handwritten digits").
package enum DigitPreparation {
    package static let side = 28
    static let box = 20
    /// Less ink than this is paper: scanners and drawing programs leave a trace of ink.
    static let paper: Float = 0.1

    /// Prepares the image of one digit: [28, 28]. An empty sheet stays empty.
    package static func prepare(_ image: GrayImage) -> GrayImage {
        if isPrepared(image) { return image }
        guard let (columns, rows) = image.boundingBox(threshold: paper) else {
            return GrayImage(width: side, height: side)
        }
        let digit = image.cropped(columns: columns, rows: rows)
        let scale = Double(box) / Double(max(digit.width, digit.height))
        let small = digit.scaled(
            width: max(1, Int((Double(digit.width) * scale).rounded())),
            height: max(1, Int((Double(digit.height) * scale).rounded())))
        return centred(stretched(small))
    }

    /// Whether the image is prepared already: a sample of a data set of MNIST's size; or this size, the ink in a box of 20 x 20,
    /// its mass at the centre.
    private static func isPrepared(_ image: GrayImage) -> Bool {
        if image.isSample, image.width == side, image.height == side { return true }
        guard image.width == side, image.height == side, let (columns, rows) = image.boundingBox(threshold: 0),
            columns.count <= box, rows.count <= box, max(columns.count, rows.count) >= box - 2
        else { return false }
        let (x, y) = centreOfMass(image)
        let centre = Double(side) / 2
        return abs(x - centre) <= 1 && abs(y - centre) <= 1
    }

    /// The same ink with its maximum scaled to 1: thin lines become pale when they are scaled down.
    private static func stretched(_ image: GrayImage) -> GrayImage {
        guard let darkest = image.ink.max(), darkest > 0 else { return image }
        var image = image
        for index in image.ink.indices { image.ink[index] /= darkest }
        return image
    }

    private static func centred(_ digit: GrayImage) -> GrayImage {
        let (x, y) = centreOfMass(digit)
        let centre = Double(side) / 2
        // A digit is at most 20 of 28 pixels wide, so it fits on the sheet.
        // In MNIST the centre of mass is 0 to 1 pixels right of the centre and below it.
        let left = min(max(0, Int((centre - x).rounded(.up))), side - digit.width)
        let top = min(max(0, Int((centre - y).rounded(.up))), side - digit.height)
        var sheet = GrayImage(width: side, height: side)
        for row in 0..<digit.height {
            for column in 0..<digit.width { sheet[left + column, top + row] = digit[column, row] }
        }
        return sheet
    }

    /// The centre of mass in pixels from the upper left corner; the centre of the first pixel is at 0.5.
    private static func centreOfMass(_ image: GrayImage) -> (x: Double, y: Double) {
        var (mass, x, y) = (0.0, 0.0, 0.0)
        for row in 0..<image.height {
            for column in 0..<image.width {
                let ink = Double(image[column, row])
                mass += ink
                x += ink * (Double(column) + 0.5)
                y += ink * (Double(row) + 0.5)
            }
        }
        return mass > 0 ? (x / mass, y / mass) : (Double(image.width) / 2, Double(image.height) / 2)
    }
}
