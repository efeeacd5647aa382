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
        #expect(digit.width == 0.2 && digit.height == 1)
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

    @Test("parts with a narrow gap may be joined", arguments: [(3, true), (4, false)])
    func torn(gap: Int, mayJoin: Bool) throws {
        var sheet = Sheet.threeBars
        sheet.fill(42 + gap..<46 + gap, 10..<30)
        let row = DigitRow(sheet.image)
        #expect(row.parts.map(\.mayJoinNext) == [false, false, mayJoin, false])
        let digit = try #require(row.digit(of: 2...3))
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
        // A cut through the line crosses a twentieth of what a cut through a block does.
        let costs = fragments.dropLast().map { $0.costOfCut }
        let (least, largest) = (try #require(costs.min()), try #require(costs.max()))
        #expect(least > 0 && least * 5 < largest)
        // All of it is 34 columns by 20 rows: too wide for a digit.
        #expect(row.isTooWide(3...row.parts.count - 1) && !row.isTooWide(3...3))
        let whole = try #require(row.digit(of: 3...row.parts.count - 1))
        #expect(whole.width == 1.7)
        #expect(whole.image.ink.reduce(0, +) == 566)
        #expect(DigitScore.penalty(of: whole, certainty: 0.9) > 5)
    }

    @Test("a cut follows the paper between ink that overlaps in its columns")
    func curved() throws {
        var sheet = Sheet()
        // Two strokes that lean to the right, and touch at one place.
        for y in 0..<20 {
            sheet.fill(40 - y / 4..<44 - y / 4, 10 + y..<11 + y)
            sheet.fill(46 - y / 4..<50 - y / 4, 10 + y..<11 + y)
        }
        sheet.fill(42..<44, 19..<20)
        let row = DigitRow(sheet.image)
        // It crosses the bridge alone; the best straight cut takes a corner off both strokes.
        let index = try #require(
            row.parts.indices.dropLast().filter { row.digit(of: 0...$0).map { $0.height == 1 } == true }
                .min { row.parts[$0].costOfCut < row.parts[$1].costOfCut })
        let ink = try #require(row.digit(of: 0...index)).image.ink.reduce(0, +)
        #expect((80...82).contains(ink))
    }

    @Test("a low part is unlike a digit, and an empty sheet has no parts")
    func low() throws {
        var sheet = Sheet.threeBars
        sheet.fill(60..<70, 20..<28)
        let row = DigitRow(sheet.image)
        let (low, usual) = (try #require(row.digit(of: 3...3)), try #require(row.digit(of: 0...0)))
        #expect(low.height == 0.4)
        #expect(DigitScore.penalty(of: low, certainty: 0.9) > DigitScore.penalty(of: usual, certainty: 0.9))
        #expect(DigitRow(GrayImage(width: 9, height: 9)).parts.isEmpty)
    }
}

@Suite("Lines of digits")
struct LineTests {
    private func lines(_ sheet: Sheet) -> [Int] { DigitRow.lines(of: sheet.image).map(\.parts.count) }

    @Test("two lines are two rows, the upper one first")
    func two() {
        var sheet = Sheet(image: GrayImage(width: 120, height: 80))
        for x in [10, 30, 50] { sheet.fill(x..<x + 4, 5..<25) }
        for x in [12, 31] { sheet.fill(x..<x + 4, 33 + x / 10..<53 + x / 10) }
        #expect(lines(sheet) == [3, 2])
    }

    @Test("a line that slopes is one line, and two that do are two")
    func sloping() {
        var sheet = Sheet(image: GrayImage(width: 120, height: 90))
        for x in stride(from: 4, to: 100, by: 12) { sheet.fill(x..<x + 4, 5 + x / 3..<25 + x / 3) }
        #expect(lines(sheet) == [8])
        for x in stride(from: 4, to: 100, by: 24) { sheet.fill(x..<x + 4, 32 + x / 3..<52 + x / 3) }
        #expect(lines(sheet) == [8, 4])
    }

    @Test("the bar of a five, and the halves of a torn digit, belong to their line")
    func torn() {
        var sheet = Sheet.threeBars
        sheet.fill(38..<46, 5..<7)
        #expect(lines(sheet) == [3])
        // Two halves with a gap of two rows.
        sheet.fill(60..<64, 10..<19)
        sheet.fill(60..<64, 21..<30)
        #expect(lines(sheet) == [4])
    }

    @Test("an empty sheet has no line, and a speck is none")
    func empty() {
        #expect(lines(Sheet()) == [])
        var sheet = Sheet(image: GrayImage(width: 120, height: 80))
        for x in [10, 30, 50] { sheet.fill(x..<x + 4, 5..<25) }
        sheet.fill(70..<73, 60..<62)
        #expect(lines(sheet) == [3])
    }
}
