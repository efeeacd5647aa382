import LockstepText
import Testing

struct SuggestionTests {
    @Test(
        "The edit distance counts insertions, deletions, substitutions and swaps",
        arguments: [
            ("", "", 0), ("", "abc", 3), ("abc", "", 3), ("abc", "abc", 0), ("kitten", "sitting", 3), ("ab", "ba", 1),
            ("ca", "abc", 3), ("batch", "bacth", 1),
        ])
    func distance(a: String, b: String, expected: Int) {
        #expect(editDistance(Array(a), Array(b)) == expected)
        #expect(editDistance(Array(b), Array(a)) == expected)
    }

    @Test(
        "A near word is suggested, a far one is not",
        arguments: [
            ("learning_rate", "learning-rate"), ("Learning Rate", "learning-rate"), ("epoch", "epochs"),
            ("bacth", "batch"), ("momentum", nil), ("x", nil), ("", nil),
        ])
    func suggestions(word: String, expected: String?) {
        #expect(suggestion(for: word, among: ["learning-rate", "epochs", "batch", "seed"]) == expected)
    }

    @Test("The known words are named, in a sentence for one and for none")
    func known() {
        #expect(knownText(["sgd", "adamw"]) == "known are sgd, adamw")
        #expect(knownText(["neurons"]) == "only neurons is known")
        #expect(knownText([]) == "it has none")
    }

    @Test("A word of any length is compared quickly")
    func longWords() {
        #expect(suggestion(for: String(repeating: "a", count: 1_000_000), among: ["epochs"]) == nil)
        #expect(suggestion(for: "epochs", among: []) == nil)
    }
}
