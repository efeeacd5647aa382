import Foundation
import Testing

/// What Package.swift declares, read from its text.
private struct Manifest {
    struct Target {
        let name: String
        let path: String
        let dependencies: Set<String>
    }

    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    /// Libraries, executables and tests, in the order of the file.
    let targets: [Target]

    init() throws {
        let text = try String(contentsOf: Self.root.appending(path: "Package.swift"), encoding: .utf8)
            .replacing(#/ *\/\/.*/#, with: "")
            .replacing(#/\.product\(name: ("\w+"), package: "[^"]+"\)/#) { $0.output.1 }
        let list = #/\[([^\]]*)\]/#
        func names(_ text: Substring) -> Set<String> {
            Set(text.matches(of: #/"(\w+)"/#).map { String($0.output.1) })
        }
        func dependencies(in declaration: Substring) -> Set<String> {
            guard let start = declaration.firstRange(of: "dependencies: ")?.upperBound,
                let match = declaration[start...].firstMatch(of: list)
            else { return [] }
            return names(match.output.1)
        }
        // A declaration reaches to the next one.
        let starts = text.matches(of: #/\.(?:target|executableTarget|systemLibrary)\(\s*name: "(\w+)"/#)
        let bounds =
            starts.map(\.range.lowerBound) + [text.firstRange(of: "swiftLanguageModes")?.lowerBound ?? text.endIndex]
        let sources = zip(starts, bounds.dropFirst()).map { start, end in
            let declaration = text[start.range.lowerBound..<end]
            let path = declaration.firstMatch(of: #/path: "([^"]+)"/#)?.output.1
            return Target(
                name: String(start.output.1), path: path.map(String.init) ?? "Sources/\(start.output.1)",
                dependencies: dependencies(in: declaration))
        }
        let tests = text.matches(of: #/\(\s*"(\w+Tests)",\s*\[([^\]]*)\]\s*\)/#).map { match in
            Target(name: String(match.output.1), path: "Tests/\(match.output.1)", dependencies: names(match.output.2))
        }
        targets = sources + tests
    }

    /// The modules that a target's Swift sources import.
    func imports(of target: Target) throws -> Set<String> {
        let files = FileManager.default.enumerator(
            at: Self.root.appending(path: target.path), includingPropertiesForKeys: nil)
        var modules: Set<String> = []
        while let file = files?.nextObject() as? URL {
            guard file.pathExtension == "swift" else { continue }
            for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
                guard let match = line.wholeMatch(of: #/ *(?:@testable )?(?:[a-z]+ )?import (?:[a-z]+ )?(\w+)[.\w]*/#)
                else { continue }
                modules.insert(String(match.output.1))
            }
        }
        return modules
    }
}

@Suite("Package.swift")
struct DeclaredDependencyTests {
    private let manifest: Manifest

    init() throws {
        manifest = try Manifest()
    }

    @Test("Every target declares exactly the modules that its sources import")
    func declaredAndImported() throws {
        #expect(manifest.targets.count > 40)
        let known = Set(manifest.targets.map(\.name)).union(manifest.targets.flatMap(\.dependencies))
        for target in manifest.targets {
            // Every test target has the helpers; a test that runs the executable depends on it without importing it.
            let programs = ["LockstepTesting", "LockstepCLI", "OwnModel", "ModelProgram"]
            let exceptions = Set(target.path.hasSuffix("Tests") ? programs : [])
            let declared = target.dependencies.subtracting(exceptions)
            let imported = try manifest.imports(of: target).intersection(known).subtracting(
                exceptions.union([target.name]))
            #expect(declared.subtracting(imported).sorted() == [], "\(target.name) does not import what it declares")
            #expect(imported.subtracting(declared).sorted() == [], "\(target.name) does not declare what it imports")
        }
    }

    @Test("Every target depends only on targets that stand above it")
    func order() {
        let local = Set(manifest.targets.map(\.name))
        var above: Set<String> = []
        for target in manifest.targets {
            let below = target.dependencies.intersection(local).subtracting(above).sorted()
            #expect(below == [], "\(target.name) stands above what it depends on")
            above.insert(target.name)
        }
    }
}
