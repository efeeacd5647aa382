import LockstepText
import Testing

@Suite("Whole numbers as people read them")
struct NumberTextTests {
    @Test(
        "A comma stands before each group of three digits",
        arguments: [
            (0, "0"), (999, "999"), (1_000, "1,000"), (23_860, "23,860"), (-1_234_567, "-1,234,567"),
            (Int.min, "-9,223,372,036,854,775,808"),
        ])
    func groups(number: Int, text: String) {
        #expect(grouped(number) == text)
    }
}
