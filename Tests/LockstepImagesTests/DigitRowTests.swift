import LockstepImages
import Testing

/// A sheet on which rectangles of ink are drawn.
private struct Sheet {
    var image = GrayImage(width: 120, height: 40)

    mutating func fill(_ columns: Range<Int>, _ rows: Range<Int>) {
        for y in rows { for x in columns { image[x, y] = 1 } }
    }

    /// Three upright bars of 20 rows, ten columns apart.
    static var threeBars: Sheet {
        var sheet = Sheet()
        for x in [10, 24, 38] { sheet.fill(x..<x + 4, 10..<30) }
        return sheet
    }
}

@Suite("A row of digits as parts")
struct DigitRowTests {
    @Test("strokes with clear gaps are separate parts, and none may join")
    func gaps() throws {
        let row = DigitRow(Sheet.threeBars.image)
        #expect(row.parts.count == 3)
        #expect(row.parts.allSatisfy { !$0.mayJoinNext && $0.costOfCut == 0 })
        let digit = try #require(row.digit(of: 1...1))
        #expect(digit.penalty == 0)
        #expect(digit.image.ink.reduce(0, +) == 80)
    }

    @Test("ink above other ink belongs to the same part")
    func stacked() throws {
        var sheet = Sheet.threeBars
        // The bar of a five: over the last bar, and to the right of it.
        sheet.fill(38..<46, 6..<8)
        let row = DigitRow(sheet.image)
        #expect(row.parts.count == 3)
        #expect(try #require(row.digit(of: 2...2)).image.ink.reduce(0, +) == 96)
    }

    @Test("specks are ignored")
    func specks() {
        var sheet = Sheet.threeBars
        sheet.fill(60..<63, 20..<23)
        #expect(DigitRow(sheet.image).parts.count == 3)
        // A fifth of a digit is a part, but too little ink for a digit.
        sheet.fill(60..<64, 20..<24)
        let row = DigitRow(sheet.image)
        #expect(row.parts.count == 4)
        #expect(row.digit(of: 3...3) == nil)
    }

    @Test("parts with a narrow gap may be joined, without a penalty", arguments: [(3, true), (4, false)])
    func torn(gap: Int, mayJoin: Bool) throws {
        var sheet = Sheet.threeBars
        sheet.fill(42 + gap..<46 + gap, 10..<30)
        let row = DigitRow(sheet.image)
        #expect(row.parts.map(\.mayJoinNext) == [false, false, mayJoin, false])
        let digit = try #require(row.digit(of: 2...3))
        #expect(digit.penalty == 0)
        #expect(digit.image.width == 8 + gap)
    }

    @Test("ink too wide for a digit is cut where it is thin, and can be joined again")
    func touching() throws {
        var sheet = Sheet.threeBars
        // Two blocks of 14 x 20, and a thin line from one to the other.
        sheet.fill(60..<74, 10..<30)
        sheet.fill(74..<80, 20..<21)
        sheet.fill(80..<94, 10..<30)
        let row = DigitRow(sheet.image)
        let fragments = row.parts.dropFirst(3)
        #expect(fragments.count >= 3)
        #expect(fragments.dropLast().allSatisfy { $0.mayJoinNext })
        // A cut through the line costs least; it has a twentieth of the blocks' ink.
        let cheapest = try #require(fragments.dropLast().map { $0.costOfCut }.min())
        #expect(abs(cheapest - (1 + 4 * 0.05)) < 1e-6)
        // All of it is 34 columns by 20 rows: too wide for a digit.
        let whole = try #require(row.digit(of: 3...row.parts.count - 1))
        #expect(abs(whole.penalty - 15 * 0.7) < 1e-4)
        #expect(whole.image.ink.reduce(0, +) == 566)
    }

    @Test("a low part is unlike a digit, and an empty sheet has no parts")
    func low() throws {
        var sheet = Sheet.threeBars
        sheet.fill(60..<70, 20..<28)
        let row = DigitRow(sheet.image)
        #expect(abs(try #require(row.digit(of: 3...3)).penalty - 4 * (0.6 - 0.4)) < 1e-5)
        #expect(DigitRow(GrayImage(width: 9, height: 9)).parts.isEmpty)
    }
}
