import LockstepArtifacts
import LockstepTesting
import LockstepTraining
import Testing

/// Configurations that are written to do harm.
struct HostileConfigurationTests {
    private func load(_ text: String) throws -> RunConfiguration {
        try ConfigurationFile.parse(text: text, name: "x.yaml")
    }

    @Test("Aliases that would multiply, deep nesting and very many values are refused before they cost anything")
    func bombs() {
        var bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 {
            let alias = "*a\(level - 1)"
            bomb += "a\(level): &a\(level) [" + repeatElement(alias, count: 9).joined(separator: ", ") + "]\n"
        }
        #expect(
            message { try load(bomb + "? *a9\n: 1\n") }
                == "x.yaml: more than 8 YAML aliases (*name); write the values out")
        // The line separator U+2028 ends a comment for libyaml.
        let hidden = repeatElement("# c\u{2028}[*a]\n", count: 9).joined()
        #expect(message { try load("a: &a 1\n" + hidden) }.contains("more than 8 YAML aliases"))
        #expect(
            message { try load("x: " + String(repeating: "[", count: 17) + String(repeating: "]", count: 17)) }
                == "x.yaml:1: too many or too deeply nested values; a run configuration has a few dozen")
        #expect(
            message { try load("x: [" + String(repeating: "1,", count: 10_001) + "1]") }
                == "x.yaml:1: too many or too deeply nested values; a run configuration has a few dozen")
        for opening in ["[", "{", "- ", "? ", "a: "] {
            let deep = String(repeating: opening, count: 200_000)
            #expect(message { try load(deep) }.hasPrefix("x.yaml:1: "), "\(opening)")
        }
    }

    @Test("Asterisks in comments and texts are not aliases")
    func asterisks() throws {
        let stars = "# * a\n# * b\n  # *c *d *e *f *g *h *i *j *k\n"
        #expect(try load(stars + minimalConfiguration).name == "tiny")
    }

    @Test("Random bytes and damaged configurations give a value or an error, never a trap")
    func totality() {
        let seed: UInt64 = 7
        var random = SplitMix64(seed: seed)
        let valid = Array(minimalConfiguration.utf8)
        let signs = Array("[]{}:,-?*&!|>'\"%@`#\n\t ~\\0x.".utf8)
        for round in 0..<3_000 {
            var bytes = valid
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let index = Int.random(in: bytes.indices, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[index] = UInt8.random(in: .min ... .max, using: &random)
                case 1: bytes[index] = signs.randomElement(using: &random) ?? 0
                case 2: bytes.insert(signs.randomElement(using: &random) ?? 0, at: index)
                default: bytes.removeSubrange(index..<min(bytes.count - 1, index + 3))
                }
            }
            let error = message { try load(String(decoding: bytes, as: UTF8.self)) }
            #expect(error.isEmpty || error.hasPrefix("x.yaml"), "seed \(seed), round \(round)")
            #expect(!error.contains("\n"), "seed \(seed), round \(round)")
        }
    }
}
