import LockstepConfiguration
import Testing

/// A section to try keys on.
private struct Section: ConfigurationGroup {
    var count = 3
    var share = 0.5
    var rate = 1.0
    var isOn = false
    var text = "x"
    var path: String?
    var sizes = [1]
    var seed: UInt64 = 1

    static let defaults = Section()

    static let keys = [
        ConfigurationKey("count", \Section.count, .integer(1...1_000), "a count"),
        ConfigurationKey("share", \Section.share, .number(0..<1), "a share"),
        ConfigurationKey("rate", \Section.rate, .positive(atMost: 10), "a rate"),
        ConfigurationKey("is-on", \Section.isOn, .flag, "a flag"),
        ConfigurationKey("text", aliases: ["old"], \Section.text, .text(), "a text"),
        ConfigurationKey("path", \Section.path, KeyFormat<String>.path.optional, default: "none", "a path"),
        ConfigurationKey(
            "sizes", \Section.sizes, KeyFormat<Int>.integer(1...9).list(limits: "numbers", expected: "a list"),
            example: "[1, 2]", "sizes"),
        ConfigurationKey("seed", \Section.seed, .seed, "a seed"),
    ]
}

@Suite("Keys of the configuration")
struct KeyFormatTests {
    /// What reading a value says: the value as written back, or the problem.
    private func read(_ name: String, _ value: ConfigurationValue) throws -> String {
        let key = try #require(Section.keys.first { $0.name == name })
        var section = Section()
        do throws(ConfigurationProblem) {
            try key.read(value, into: &section)
            return key.value(in: section)?.flowText ?? "absent"
        } catch {
            return "\(error)"
        }
    }

    @Test(
        "A value is read and written back, or the problem is told",
        arguments: [
            ("count", "7", "7"), ("count", "+7", "7"), ("count", "007", "7"),
            ("count", "0", #"impossible(rule: "must be from 1 to 1000")"#),
            ("count", "99999999999999999999", #"impossible(rule: "must be from 1 to 1000")"#),
            ("count", "-99999999999999999999", #"impossible(rule: "must be from 1 to 1000")"#),
            ("count", "1.5", #"wrongType(expected: "a whole number")"#), ("share", "1e-1", "0.1"),
            ("share", "1", #"impossible(rule: "must be at least 0.0 and less than 1.0")"#),
            ("share", ".nan", #"impossible(rule: "must be at least 0.0 and less than 1.0")"#),
            ("share", "0x1", #"wrongType(expected: "a number")"#), ("rate", "10", "10.0"),
            ("rate", "0", #"impossible(rule: "must be finite and greater than 0")"#),
            ("rate", ".inf", #"impossible(rule: "must be finite and greater than 0")"#),
            ("rate", "10.5", #"impossible(rule: "must be at most 10.0")"#), ("is-on", "true", "true"),
            ("is-on", "yes", #"wrongType(expected: "true or false")"#), ("text", "yes", "yes"),
            ("text", "", #"impossible(rule: "must be a text of at least one character")"#), ("path", "a b", "a b"),
            ("seed", "18446744073709551615", "18446744073709551615"),
            ("seed", "18446744073709551616", #"impossible(rule: "must be from 0 to 18446744073709551615")"#),
        ])
    func scalars(name: String, text: String, expected: String) throws {
        #expect(try read(name, .scalar(text, isPlain: true)).replacing("LockstepConfiguration.", with: "") == expected)
    }

    @Test("Numbers and flags are written without quotes")
    func quotes() throws {
        for name in ["count", "share", "rate", "is-on", "seed"] {
            #expect(try read(name, .scalar("1", isPlain: false)).hasPrefix("wrongType"), "\(name)")
        }
    }

    @Test("A problem of a list's element names the element")
    func lists() throws {
        let numbers = ["1", "9"].map { ConfigurationValue.scalar($0, isPlain: true) }
        #expect(try read("sizes", .list(numbers)) == "[1, 9]")
        #expect(try read("sizes", .group([])).hasPrefix("wrongType"))
        #expect(try read("sizes", .list(numbers + [.scalar("0", isPlain: true)])).contains("element(2, "))
    }

    @Test("A key knows its default, its limits, and its first name")
    func rows() throws {
        let (count, text, path, sizes) = (Section.keys[0], Section.keys[4], Section.keys[5], Section.keys[6])
        #expect(count.limits == "1 to 1,000" && count.defaultText == "`3`" && count.firstPath == "count")
        #expect(path.defaultText == "none" && path.value(in: Section()) == nil)
        #expect(sizes.defaultText == nil && sizes.example == "[1, 2]")
        let inside = text.within("a.b", get: { (section: Section) in section }, set: { $0 = $1 })
        #expect(inside.path == "a.b.text" && inside.name == "text" && inside.firstPath == "a.b.old")
    }

    @Test("A value that did not come from the configuration is held to the same limits")
    func limits() {
        var section = Section()
        #expect(Section.keys.allSatisfy { $0.brokenLimit(in: section) == nil })
        section.count = 0
        section.share = .nan
        section.sizes = [1, 10]
        #expect(
            Section.keys.compactMap { $0.brokenLimit(in: section) } == [
                "must be from 1 to 1000", "must be at least 0.0 and less than 1.0", "must be from 1 to 9",
            ])
    }
}
