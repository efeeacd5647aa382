import LockstepArtifacts
import LockstepData
import LockstepNumerics

func decodeModel(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let file = ScratchFile(bytes), let model = try? ModelFile.load(file.path) else { return false }
    precondition(
        bytes.count >= model.parameters.count * MemoryLayout<Float>.stride, "weights that are not in the file")
    return true
}

/// The first two bytes, little-endian, are the length of the images file; the labels file follows it. Both are training
/// and test split.
func decodeDataset(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard bytes.count >= 2 else { return false }
    let length = min(Int(bytes[0]) | Int(bytes[1]) << 8, bytes.count - 2)
    let parts = (bytes[2..<2 + length], bytes[(2 + length)...])
    guard let images = ScratchFile(UnsafeRawBufferPointer(rebasing: parts.0)),
        let labels = ScratchFile(UnsafeRawBufferPointer(rebasing: parts.1))
    else { return false }
    let files = IDXFiles(
        images: images.path, labels: labels.path, testImages: images.path, testLabels: labels.path, validation: nil)
    guard let dataset = try? Dataset.load(.files(files), cache: DataCache(directory: "/nonexistent")) else {
        return false
    }
    precondition(dataset.description.trainingCount > 0, "a data set without samples")
    return true
}

/// YAML and, behind a zero byte, arguments of `--set`, one a line.
func decodeConfiguration(_ bytes: UnsafeRawBufferPointer) -> Bool {
    let parts = bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
    let text = String(decoding: parts[0], as: UTF8.self)
    let options = parts.count > 1 ? String(decoding: parts[1], as: UTF8.self) : ""
    let overrides = options.split(separator: "\n").map(String.init)
    do throws(ConfigurationError) {
        let configuration = try ConfigurationFile.parse(text: text, name: "fuzzed.yaml", overrides: overrides)
        let again = try ConfigurationFile.parse(text: ConfigurationFile.yaml(of: configuration), name: "written.yaml")
        precondition(again == configuration, "what was read is read again from what is written")
        return true
    } catch {
        precondition(!error.description.contains("\n"), "an error of more than one line")
        return false
    }
}
