import LockstepSystem

/// Why a data set cannot be read, verified or stored.
package struct DataError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Reason: Hashable, Sendable {
        /// The file does not exist.
        case missingFile
        /// A folder, pipe or device where a file is needed.
        case notAFile
        /// The kernel's error number and text of a failed call.
        case system(code: Int32, text: String)
        /// The content ends before what its header declares; sizes in bytes, header included.
        case truncated(declared: Int, found: Int)
        /// The content goes on after what its header declares, in bytes, header included.
        case trailingBytes(declared: Int)
        /// The first four bytes are not those of the kind of IDX file that is needed.
        case wrongMagic(found: UInt32, kind: IDXKind)
        /// The file declares no sample.
        case noSamples
        /// Images of no rows or no columns.
        case emptyImages
        /// A declared dimension or size beyond the limit.
        case tooLarge(what: String, found: Int, limit: Int)
        /// The gzip stream is not one.
        case damagedGzip(String)
        /// A label that no class has.
        case labelOutOfRange(label: Int, classCount: Int)
        /// Images and labels of one split differ in number.
        case countMismatch(images: Int, labels: Int, labelsFile: String)
        /// Test images of another size than training images.
        case imageSizeMismatch(training: Int, test: Int)
        /// More validation samples than leave one to train with, or less than none.
        case invalidValidationCount(validation: Int, samples: Int)
        /// No data set has this name.
        case unknownDataset(known: [String])
        /// A file of a known data set is in no form in the cache.
        case notInCache(file: String, directory: String)
        /// The bytes do not have the expected SHA-256.
        case wrongDigest(expected: String, found: String)
        /// Sizes, counts and bytes of a data set contradict each other.
        case invalidDescription(String)
        /// The pickle is damaged, or holds something else than pairs of arrays.
        case malformedPickle(String)
        /// The pickle uses an instruction or a name that plain arrays do not need, and that could run a program.
        case forbiddenPickle(String)
        /// A table of text is damaged, or is none that samples can be read from.
        case malformedTable(String)
        /// The file is no picture of a known kind.
        case unknownPicture
        /// The picture cannot be decoded.
        case damagedPicture(String)
        /// Neither `LOCKSTEP_CACHE` nor `HOME` says where data sets lie.
        case noCacheDirectory
        /// The kernel gives no memory.
        case outOfMemory(byteCount: Int)
    }

    package var reason: Reason
    /// The file or data set that the error is about.
    package var subject: String
    /// Where in the file, in bytes from its start, counted in the uncompressed content; for ``Reason/damagedGzip(_:)``
    /// in the compressed one.
    package var offset: Int?
    /// Where in a table: line and field, both counted from 1.
    package var line: Int?
    package var column: Int?
    /// What to do about it, where the reason alone does not say.
    package var remedy: String?

    package init(_ reason: Reason, subject: String, offset: Int? = nil, remedy: String? = nil) {
        self.reason = reason
        self.subject = subject
        self.offset = offset
        self.remedy = remedy
    }

    /// One line: what, where, why, remedy.
    package var description: String {
        var text = subject.printable
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
        case .trailingBytes(let declared): "the content goes on after the \(declared) bytes that the header declares"
        case .wrongMagic(let found, let kind):
            "not an IDX file of \(kind.rawValue): its magic number is \(hexadecimal(found)), not \(hexadecimal(kind.magic))"
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
        case .unknownDataset: "no such data set"
        case .notInCache(let file, let directory): "\(file) is not in \(directory.printable)"
        case .wrongDigest(let expected, let found): "its SHA-256 is \(found), not \(expected)"
        case .invalidDescription(let text): "inconsistent data set: \(text)"
        case .malformedPickle(let text): "not a pickle of three pairs of arrays: \(text)"
        case .forbiddenPickle(let text): "the pickle uses \(text), which plain arrays do not need; nothing was executed"
        case .malformedTable(let text): text
        case .unknownPicture: "not a picture of a known kind"
        case .damagedPicture(let text): "damaged picture: \(text.printable)"
        case .noCacheDirectory: "neither LOCKSTEP_CACHE nor HOME is set"
        case .outOfMemory(let byteCount): "no memory for \(byteCount) bytes"
        }
    }

    fileprivate var remedy: String? {
        switch self {
        case .missingFile: "check the path"
        case .unknownPicture: "give a PNG, a PGM or an IDX file of images"
        case .truncated, .trailingBytes, .damagedGzip, .damagedPicture: "copy or fetch it again"
        case .wrongMagic: "check which file is which"
        case .countMismatch, .imageSizeMismatch: "take files that belong together"
        case .invalidValidationCount(_, let samples): "choose 0 to \(samples - 1)"
        case .unknownDataset(let known): "known: \(known.joined(separator: ", "))"
        case .noCacheDirectory: "set LOCKSTEP_CACHE to the folder of the data sets"
        default: nil
        }
    }
}

private func hexadecimal(_ magic: UInt32) -> String {
    let digits = String(magic, radix: 16)
    return "0x" + String(repeating: "0", count: 8 - digits.count) + digits
}
