import LockstepSystem
import LockstepText

/// Why a data set cannot be read, verified or stored.
package struct DataError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Reason: Hashable, Sendable {
        /// The file does not exist.
        case missingFile
        /// The path is a folder, pipe or device, not a regular file.
        case notAFile
        /// A system call failed: errno and its text.
        case system(code: Int32, text: String)
        /// The content ends before what its header declares; sizes in bytes, header included.
        case truncated(declared: Int, found: Int)
        /// The content continues after the size that its header declares, in bytes, header included.
        case trailingBytes(declared: Int)
        /// The first four bytes are not the magic number of the expected kind of IDX file.
        case wrongMagic(found: UInt32, kind: IDXKind)
        /// The file holds no samples.
        case noSamples
        /// The images have no rows or no columns.
        case emptyImages
        /// A declared dimension or size beyond the limit.
        case tooLarge(what: String, found: Int, limit: Int)
        /// The gzip stream cannot be inflated.
        case damagedGzip(String)
        /// A label is not the number of a class.
        case labelOutOfRange(label: Int, classCount: Int)
        /// Images and labels of one split differ in number.
        case countMismatch(images: Int, labels: Int, labelsFile: String)
        /// Test and training images differ in size.
        case imageSizeMismatch(training: Int, test: Int)
        /// The number of validation samples is negative, or leaves no sample to train with.
        case invalidValidationCount(validation: Int, samples: Int)
        /// More training samples are asked for than there are, or none.
        case invalidTrainingCount(training: Int, samples: Int)
        /// No data set has this name.
        case unknownDataset(known: [String])
        /// The cache has neither the plain nor the gzipped file of a known data set.
        case notInCache(file: String, directory: String)
        /// The bytes have another SHA-256 than expected.
        case wrongDigest(expected: String, found: String)
        /// The sizes, counts and bytes of a data set contradict each other.
        case invalidDescription(String)
        /// The pickle is damaged, or does not hold pairs of arrays.
        case malformedPickle(String)
        /// The pickle uses an instruction or a name that plain arrays don't need and that could run a program.
        case forbiddenPickle(String)
        /// The numpy file is damaged, or its arrays are no samples.
        case malformedArray(String)
        /// The folder has no pictures in folders of classes.
        case malformedFolder(String)
        /// The table of text is damaged, or has no samples in a readable form.
        case malformedTable(String)
        /// The file is not an image of a known format.
        case unknownImageFormat
        /// The image cannot be decoded.
        case damagedImage(String)
        /// The memory cannot be allocated.
        case outOfMemory(byteCount: Int)
        /// Bytes of a loaded data set have changed, and there are no right ones to write in their place.
        case changedInMemory
    }

    package var reason: Reason
    /// The file or data set with the fault.
    package var subject: String
    /// The fault's offset in bytes from the start of the uncompressed content; for ``Reason/damagedGzip(_:)``, of the
    /// compressed content.
    package var offset: Int?
    /// The fault's line and field in a table, both counted from 1.
    package var line: Int?
    package var column: Int?
    /// What to do about the fault; nil for the reason's usual remedy.
    package var remedy: String?

    package init(_ reason: Reason, subject: String, offset: Int? = nil, remedy: String? = nil) {
        self.reason = reason
        self.subject = subject
        self.offset = offset
        self.remedy = remedy
    }

    /// One line: subject, place, reason, remedy.
    package var description: String {
        var text = subject.printableName
        if let offset { text += ", byte \(offset)" }
        if let line { text += ", line \(line)" }
        if let column { text += ", column \(column)" }
        text += ": \(reason.explanation)"
        if let remedy = remedy ?? reason.remedy { text += "; \(remedy)" }
        return text
    }
}

extension DataError.Reason {
    fileprivate var explanation: String {
        switch self {
        case .missingFile: "no such file"
        case .notAFile: "not a regular file"
        case .system(_, let text): text
        case .truncated(let declared, let found):
            "truncated: the header declares \(declared) bytes, there are \(found)"
        case .trailingBytes(let declared): "the content continues after the \(declared) bytes that the header declares"
        case .wrongMagic(let found, let kind):
            "not an IDX file of \(kind.rawValue): its magic number is \(Self.hexadecimal(found)), not \(Self.hexadecimal(kind.magic))"
        case .noSamples: "the file holds no samples"
        case .emptyImages: "the images have no pixels"
        case .tooLarge(let what, let found, let limit): "\(what) is \(found), the limit is \(limit)"
        case .damagedGzip(let text): "damaged gzip stream: \(text.printable)"
        case .labelOutOfRange(let label, let classCount): "label \(label) is not below \(classCount)"
        case .countMismatch(let images, let labels, let labelsFile):
            "\(images) images, but \(labelsFile.printable) holds \(labels) labels"
        case .imageSizeMismatch(let training, let test):
            "samples of \(test) values, those for training have \(training)"
        case .invalidValidationCount(let validation, let samples):
            "\(validation) of its \(samples) samples cannot be set aside for validation"
        case .invalidTrainingCount(let training, let samples):
            "it has \(samples) training samples, of which \(training) cannot be used"
        case .unknownDataset: "no such data set"
        case .notInCache(let file, let directory): "\(file) is not in \(directory.printable)"
        case .wrongDigest(let expected, let found): "its SHA-256 is \(found), not \(expected)"
        case .invalidDescription(let text): "inconsistent data set: \(text)"
        case .malformedPickle(let text): "not a pickle of three pairs of arrays: \(text)"
        case .forbiddenPickle(let text): "the pickle uses \(text), which plain arrays do not need; nothing was executed"
        case .malformedTable(let text), .malformedArray(let text), .malformedFolder(let text): text
        case .unknownImageFormat: "not an image of a known format"
        case .damagedImage(let text): "damaged image: \(text.printable)"
        case .outOfMemory(let byteCount): "cannot allocate \(byteCount) bytes"
        case .changedInMemory: "the bytes have changed in memory, and cannot be loaded again"
        }
    }

    fileprivate var remedy: String? {
        switch self {
        case .missingFile: "check the path"
        case .unknownImageFormat: "give a PNG, a JPEG, a PGM or an IDX file of images"
        case .truncated, .trailingBytes, .damagedGzip, .damagedImage: "copy or fetch it again"
        case .wrongMagic: "check which file is which"
        case .countMismatch, .imageSizeMismatch: "give files that belong together"
        case .invalidValidationCount(_, let samples): "choose 0 to \(samples - 1)"
        case .invalidTrainingCount(_, let samples): "set data.training to 1 to \(samples)"
        case .unknownDataset(let known): "known: \(known.joined(separator: ", "))"
        default: nil
        }
    }

    private static func hexadecimal(_ magic: UInt32) -> String {
        let digits = String(magic, radix: 16)
        return "0x" + String(repeating: "0", count: 8 - digits.count) + digits
    }
}
