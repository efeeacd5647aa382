import Glibc
package import LockstepConfiguration
import LockstepSystem
import LockstepText

/// A folder of pictures: a folder for each class, or `train` and `test` with these.
package struct PictureFolder: DataFormat {
    package var path: String
    /// Rows and columns of a sample; absent: those of the pictures, if they are all of one size.
    package var size: [Int]?
    /// 1 for grey, 3 for colours; absent: 3 if a picture has colours.
    package var channels: Int?
    /// The number of validation samples; absent: one sixth.
    package var validation: Int?
    /// The number of test samples, where there is no folder `test`; absent: one sixth.
    package var test: Int?
    /// The seed of the order in which the pictures are divided.
    package var seed: UInt64

    package init(
        path: String, size: [Int]? = nil, channels: Int? = nil, validation: Int? = nil, test: Int? = nil,
        seed: UInt64 = 1
    ) {
        self.path = path
        self.size = size
        self.channels = channels
        self.validation = validation
        self.test = test
        self.seed = seed
    }

    package static let name = "folder"
    package static let defaults = PictureFolder(path: "")
    package static let keys = [
        ConfigurationKey(
            "folder", \PictureFolder.path, .path, example: "flowers",
            "a folder of PNG and JPEG pictures: one folder for each class, alone or in `train`, `test` and `validation`",
            onResume: .mayMove),
        ConfigurationKey(
            "size", \PictureFolder.size,
            KeyFormat<Int>.integer(1...PicturePreparation.largestSide).list(
                limits: "2 numbers, 1 to 4,096", expected: "a list of whole numbers"
            ).optional, default: "the pictures' own, or `[32, 32]` where they differ",
            "rows and columns that each picture is scaled to",
            rule: { $0.size.map { $0.count == 2 } ?? true ? nil : "must have 2 numbers: rows and columns" }),
        ConfigurationKey(
            "channels", \PictureFolder.channels, KeyFormat<Int>.integer(1...3).optional,
            default: "3 if a picture has colours", "1 for grey, 3 for red, green and blue",
            rule: { $0.channels == 2 ? "must be 1 or 3" : nil }),
        ConfigurationKey(
            "test", \PictureFolder.test, .sampleCount, default: "a sixth",
            "samples that are kept for the test, where there is no folder `test`"),
        ConfigurationKey(
            "validation", \PictureFolder.validation, .sampleCount, default: "a sixth",
            "samples that are kept for validation, where there is no folder `validation`"),
        ConfigurationKey(
            "split-seed", \PictureFolder.seed, .seed, "the key of the random order in which the pictures are divided"),
    ]
    package static let advice = "'folder' and, with it, " + keys.dropFirst().map(\.name).joined(separator: ", ")
    package static let fileExample: String? = nil

    package func load(cache: DataCache) throws(DataError) -> Dataset { try load() }
}

extension DataSource {
    /// A folder of pictures by class.
    package static func pictures(_ folder: PictureFolder) -> DataSource { DataSource(folder) }
}

extension PictureFolder {
    /// The side of samples where pictures differ in size.
    private static let fallbackSide = 32

    /// Reads all pictures.
    ///
    /// - Throws: ``DataError`` that names the first picture that cannot be read, or says what the folder lacks.
    private func load() throws(DataError) -> Dataset {
        let listing = try PictureListing(path)
        let parts = try divided(listing)
        var notices: [String] = []
        let preparation = try self.preparation(of: parts.flatMap { $0 }, &notices)
        if listing.otherFiles > 0 {
            notices.append(
                "\(path.printableName): files that are no pictures by their endings are left out: \(grouped(listing.otherFiles))"
            )
        }
        let builder = try DatasetBuilder(
            name: path.split(separator: "/").last.map(String.init) ?? path, inputSize: preparation.inputSize,
            element: .uint8, trainingCount: parts[0].count, validationCount: parts[1].count, testCount: parts[2].count)
        for (index, picture) in parts.flatMap({ $0 }).enumerated() {
            let sample = preparation.sample(of: try ColourPicture(path: picture.path))
            let start = index * preparation.inputSize
            sample.withUnsafeBytes { bytes in
                UnsafeMutableRawBufferPointer(rebasing: builder.features[start..<start + bytes.count]).copyMemory(
                    from: bytes)
            }
            builder.labels[index] = picture.label
        }
        return try builder.finish(
            classCount: max(2, listing.classes.count), labels: listing.classes, pictures: preparation, notices: notices)
    }

    /// The pictures of training, validation and test.
    private func divided(_ listing: PictureListing) throws(DataError) -> [[PictureListing.Entry]] {
        let own = listing.training
        let (validation, test) = (
            listing.validation == nil ? self.validation ?? own.count / 6 : 0,
            listing.test == nil ? self.test ?? own.count / 6 : 0
        )
        guard validation >= 0, test >= 0, test < own.count, validation < own.count - test else {
            throw DataError(
                .malformedFolder(
                    "of its \(own.count) pictures, \(validation) for validation and \(test) for the test leave none to train "
                        + "with"), subject: path, remedy: "set data.validation and data.test lower")
        }
        let training = own.count - validation - test
        let order = TableOrder(classes: own.map(\.label), training: training, shuffle: .seed(seed))
        var shuffled = own
        for (index, picture) in own.enumerated() { shuffled[order.place(of: index)] = picture }
        return [
            Array(shuffled[..<training]), listing.validation ?? Array(shuffled[training..<training + validation]),
            listing.test ?? Array(shuffled[(training + validation)...]),
        ]
    }

    /// The size and the channels of the samples.
    private func preparation(
        of pictures: [PictureListing.Entry], _ notices: inout [String]
    ) throws(DataError) -> PicturePreparation {
        if let size, let channels { return PicturePreparation(rows: size[0], columns: size[1], channels: channels) }
        var (sizes, isColoured) = (Set<[Int]>(), false)
        for picture in pictures {
            let found = try ColourPicture(path: picture.path)
            sizes.insert([found.height, found.width])
            isColoured = isColoured || found.channels == 3
        }
        var own = sizes.first ?? [Self.fallbackSide, Self.fallbackSide]
        if size == nil, sizes.count > 1 {
            own = [Self.fallbackSide, Self.fallbackSide]
            notices.append(
                "\(path.printableName): the pictures have \(grouped(sizes.count)) sizes, and each is scaled to "
                    + "\(own[0]) x \(own[1]) pixels; data.size sets other ones")
        }
        let (rows, columns) = (size?[0] ?? own[0], size?[1] ?? own[1])
        guard rows <= PicturePreparation.largestSide, columns <= PicturePreparation.largestSide else {
            throw DataError(
                .tooLarge(
                    what: "a side of the pictures", found: max(rows, columns), limit: PicturePreparation.largestSide),
                subject: path, remedy: "set data.size, as in [64, 64]")
        }
        return PicturePreparation(rows: rows, columns: columns, channels: channels ?? (isColoured ? 3 : 1))
    }
}

/// The pictures of a folder, with their classes.
struct PictureListing {
    struct Entry: Hashable {
        let path: String
        let label: UInt16
    }

    /// The names of the classes, in the order of their bytes.
    let classes: [String]
    let training: [Entry]
    /// Nil: there is no folder of its own.
    let validation: [Entry]?
    let test: [Entry]?
    /// Files that are no pictures by their names.
    let otherFiles: Int

    private static let endings = [".png", ".jpg", ".jpeg"]
    private static let largestCount = 10_000_000
    private static let partNames = (
        training: ["train", "training"], validation: ["validation", "val", "valid"], test: ["test", "testing"]
    )

    /// Whether a path has the ending of a picture.
    static func isPicture(_ path: String) -> Bool { endings.contains(where: path.lowercased().hasSuffix) }

    /// - Throws: ``DataError`` if the folder has no pictures in folders of classes.
    init(_ path: String) throws(DataError) {
        let folders = try Self.folders(in: path)
        func part(_ names: [String]) -> String? { folders.first { names.contains($0.lowercased()) } }
        var other = 0
        guard let trainingFolder = part(Self.partNames.training) else {
            classes = try Self.checked(folders, path)
            training = try Self.pictures(in: path, classes, &other)
            (validation, test, otherFiles) = (nil, nil, other)
            return
        }
        classes = try Self.checked(try Self.folders(in: "\(path)/\(trainingFolder)"), "\(path)/\(trainingFolder)")
        training = try Self.pictures(in: "\(path)/\(trainingFolder)", classes, &other)
        var parts: [[Entry]?] = []
        for names in [Self.partNames.validation, Self.partNames.test] {
            guard let name = part(names) else {
                parts.append(nil)
                continue
            }
            let folder = "\(path)/\(name)"
            let known = classes
            if let unknown = try Self.folders(in: folder).first(where: { !known.contains($0) }) {
                throw DataError(
                    .malformedFolder("it has a class '\(unknown.printable(limit: 60))', which no training picture has"),
                    subject: folder, remedy: "call the folders of one class alike")
            }
            parts.append(try Self.pictures(in: folder, classes, &other))
        }
        (validation, test, otherFiles) = (parts[0], parts[1], other)
    }

    private static func checked(_ classes: [String], _ path: String) throws(DataError) -> [String] {
        guard classes.count >= 2 else {
            throw DataError(
                .malformedFolder(
                    classes.isEmpty
                        ? "it has no folders of classes"
                        : "it has one folder, and a network tells at least two classes apart"),
                subject: path, remedy: "put the pictures of each class into a folder that has the class's name")
        }
        guard classes.count < DatasetLayout.largestClassCount else {
            throw DataError(
                .tooLarge(what: "the number of classes", found: classes.count, limit: DatasetLayout.largestClassCount),
                subject: path)
        }
        return classes
    }

    private static func names(_ path: String) throws(DataError) -> [String] {
        do throws(SystemError) {
            return try entries(ofFolder: path).filter { !$0.hasPrefix(".") }.sorted {
                $0.utf8.lexicographicallyPrecedes($1.utf8)
            }
        } catch {
            throw DataError(system: error.code, subject: path)
        }
    }

    private static func folders(in path: String) throws(DataError) -> [String] {
        try names(path).filter { isFolder("\(path)/\($0)") }
    }

    private static func pictures(
        in path: String, _ classes: [String], _ otherFiles: inout Int
    ) throws(DataError) -> [Entry] {
        var pictures: [Entry] = []
        for (label, name) in classes.enumerated() where isFolder("\(path)/\(name)") {
            for file in try names("\(path)/\(name)") {
                guard isPicture(file) else {
                    otherFiles += 1
                    continue
                }
                pictures.append(Entry(path: "\(path)/\(name)/\(file)", label: UInt16(truncatingIfNeeded: label)))
            }
            guard pictures.count <= largestCount else {
                throw DataError(
                    .tooLarge(what: "the number of pictures", found: pictures.count, limit: largestCount), subject: path
                )
            }
        }
        guard !pictures.isEmpty else { throw DataError(.noSamples, subject: path, remedy: "give PNG or JPEG files") }
        return pictures
    }
}

/// Whether there is a folder at a path.
private func isFolder(_ path: String) -> Bool {
    var status = stat()
    return fileStatus(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
}

/// The names in a folder.
private func entries(ofFolder path: String) throws(SystemError) -> [String] { try names(in: path) }
