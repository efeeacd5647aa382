import Testing

@testable import LockstepCLI

@Suite("Numbers as people read them")
struct FormattingTests {
    @Test(
        "A noun takes an s unless there is one of it",
        arguments: [(0, "0 steps"), (1, "1 step"), (5_000, "5,000 steps")])
    func nouns(count: Int, text: String) {
        #expect(counted(count, "step") == text)
    }

    @Test("Decimals are rounded")
    func decimals() {
        #expect(decimal(0.0712345, 4) == "0.0712" && decimal(2.999, 2) == "3.00" && decimal(7, 0) == "7")
        #expect(decimal(.infinity, 2) == "inf" && decimal(.nan, 2) == "nan")
    }

    @Test("A percentage of nothing is 0")
    func percentages() {
        #expect(percentage(9_540, of: 10_000, digits: 2) == "95.40 %")
        #expect(percentage(1, of: 3, digits: 0) == "33 %")
        #expect(percentage(0, of: 0, digits: 1) == "0.0 %")
        #expect(times(1.647) == "1.65 x" && times(2.7, digits: 1) == "2.7 x")
    }

    @Test(
        "Milliseconds have three significant digits, and no more than three after the point",
        arguments: [
            (7.5e-6, "0.008 ms"), (0.000_108, "0.108 ms"), (0.000_999_4, "0.999 ms"), (0.001_234, "1.23 ms"),
            (0.0152, "15.2 ms"), (0.1524, "152 ms"), (12.5, "12500 ms"),
        ])
    func durations(seconds: Double, text: String) {
        #expect(milliseconds(seconds) == text)
    }

    @Test("Microseconds and amounts of data")
    func small() {
        #expect(microseconds(7.54e-6) == "7.5")
        #expect(dataSize(95_440) == "95 KB" && dataSize(999_999) == "1000 KB" && dataSize(7_200_000) == "7.2 MB")
    }

    @Test(
        "A rounded count keeps two significant digits",
        arguments: [(7, 7), (99, 99), (104, 100), (365, 370), (1_649, 1_600), (99_500, 100_000)])
    func twoDigits(count: Int, rounded: Int) {
        #expect(roundedToTwoDigits(count) == rounded)
    }

    @Test("Columns are aligned, also where rows have different lengths")
    func columns() {
        #expect(
            alignedColumns([["", "step", "x"], ["1 worker", "7 ms", "2"], ["note"]]) == [
                "           step   x",
                "1 worker   7 ms   2",
                "note    ",
            ])
        #expect(alignedColumns([]).isEmpty)
    }
}
