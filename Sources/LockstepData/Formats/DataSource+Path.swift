import Glibc
import LockstepSystem
import LockstepText

extension DataSource {
    /// Finds out what a path of a user has: a file by its ending, or a folder with four IDX files or with pictures by class.
    ///
    /// - Parameter path: A file or a folder.
    /// - Throws: ``DataError`` if there is nothing, or nothing that is known.
    package init(path: String) throws(DataError) {
        var status = stat()
        guard fileStatus(path, &status) == 0 else { throw DataError(system: errno, subject: path) }
        if status.st_mode & S_IFMT == S_IFDIR {
            self = try IDXFolder(path).files.map(DataSource.files) ?? .pictures(PictureFolder(path: path))
        } else {
            self.init(file: path)
        }
    }

    /// The path of a table or of arrays whose samples are all of one kind, without any settings; nil: it is something else.
    package var plainTable: String? {
        switch format {
        case let files as TableFiles where files == TableFiles(path: files.path): files.path
        case let file as NPZFile where file == NPZFile(path: file.path): file.path
        case let files as NPYFiles where files == NPYFiles(path: files.path): files.path
        default: nil
        }
    }
}

/// The IDX files of a folder, by the names that their publishers give them: `train-images-idx3-ubyte`, `train-images.idx3-ubyte`,
/// `emnist-letters-test-labels-idx1-ubyte.gz`.
struct IDXFolder {
    /// Nil: the folder has no IDX files.
    let files: IDXFiles?

    /// - Throws: ``DataError`` if the folder has some of the four files and not all, or several that fit.
    init(_ path: String) throws(DataError) {
        let names: [String]
        do throws(SystemError) {
            names = try LockstepSystem.names(in: path).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        } catch {
            throw DataError(system: error.code, subject: path)
        }
        let all = names.filter { Self.kind($0) != nil }
        guard !all.isEmpty else {
            files = nil
            return
        }
        func file(_ kind: IDXKind, test isTest: Bool) throws(DataError) -> String {
            // A plain file comes before the same file with .gz.
            let fitting = all.filter { Self.kind($0) == kind && Self.isTest($0) == isTest }
            let found = fitting.filter {
                !($0.lowercased().hasSuffix(".gz") && fitting.contains(String($0.dropLast(3))))
            }
            let what = "\(isTest ? "test" : "training") \(kind == .images ? "images" : "labels")"
            let remedy = "there are \(all.prefix(8).map { $0.printable(limit: 60) }.joined(separator: ", "))"
            guard let name = found.first else {
                throw DataError(
                    .malformedFolder("it has IDX files, and none of the \(what)"), subject: path,
                    remedy: remedy + "; name the four files with images, labels, test-images and test-labels")
            }
            guard found.count == 1 else {
                throw DataError(
                    .malformedFolder("it has \(found.count) files of the \(what)"), subject: path,
                    remedy: remedy + "; name the four files with images, labels, test-images and test-labels")
            }
            return "\(path)/\(name)"
        }
        files = IDXFiles(
            images: try file(.images, test: false), labels: try file(.labels, test: false),
            testImages: try file(.images, test: true), testLabels: try file(.labels, test: true))
    }

    /// The name in small letters, without .gz, with hyphens between its words.
    private static func words(_ name: String) -> [String] {
        var name = name.lowercased()
        if name.hasSuffix(".gz") { name.removeLast(3) }
        return name.split { "-._".contains($0) }.map(String.init)
    }

    private static func kind(_ name: String) -> IDXKind? {
        let words = words(name)
        guard words.contains(where: { $0 == "idx1" || $0 == "idx3" || $0 == "idx" || $0 == "ubyte" }) else {
            return nil
        }
        if words.contains("images") || words.contains("image") { return .images }
        return words.contains("labels") || words.contains("label") ? .labels : nil
    }

    private static func isTest(_ name: String) -> Bool {
        words(name).contains { $0 == "t10k" || $0 == "test" || $0 == "testing" }
    }
}
