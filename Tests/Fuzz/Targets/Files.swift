import LockstepArtifacts
import LockstepData
import LockstepDigest
import LockstepImages
import LockstepModel
import LockstepNetwork
import LockstepNumerics
import LockstepTraining

func decodeModel(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let file = ScratchFile(bytes), let model = try? ModelFile.load(file.path) else { return false }
    precondition(
        bytes.count >= model.parameters.count * MemoryLayout<Float>.stride, "weights that are not in the file")
    return true
}

/// The layout that checkpoints are read for: a network of 3-2-2.
let checkpointLayout: ParameterLayout = {
    guard let layout = try? NetworkModel(Architecture(sizes: [3, 2, 2])).layout else {
        preconditionFailure("no layout of 3-2-2")
    }
    return layout
}()

/// A file as it is and, for what is read behind the digest, with a digest that fits.
func decodeCheckpoint(_ bytes: UnsafeRawBufferPointer) -> Bool {
    if loadCheckpoint(bytes) { return true }
    let covered = bytes.count - SHA256Digest.byteCount
    guard covered > 0 else { return false }
    let digest = SHA256.hash(UnsafeRawBufferPointer(rebasing: bytes[..<covered]))
    (bytes[..<covered] + digest.bytes).withUnsafeBytes { _ = loadCheckpoint($0) }
    return false
}

private func loadCheckpoint(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let file = ScratchFile(bytes),
        let checkpoint = try? CheckpointFile.load(file.path, layout: checkpointLayout)
    else { return false }
    let state = checkpoint.state
    precondition(state.parameters.count == checkpointLayout.count, "weights of another network")
    precondition(state.optimizer.allSatisfy { $0.buffer.count == checkpointLayout.count }, "a buffer of another size")
    _ = state.progress.isConsistent(stepsPerEpoch: 5)
    return true
}

func decodeSummary(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let file = ScratchFile(bytes), let summary = try? RunSummary.load(path: file.path) else { return false }
    let page = RunReport(summary, configuration: "").html
    precondition(page.hasPrefix("<!DOCTYPE html>"), "a page that is none")
    return true
}

func decodePickle(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let file = ScratchFile(bytes),
        let dataset = try? DataSource.pickle(file.path).load(cache: DataCache(directory: "/nonexistent"))
    else { return false }
    precondition(dataset.description.trainingCount > 0, "a data set without samples")
    return true
}

/// The first byte chooses the label's column and, with its third bit, a test file of the same content; with its fourth
/// bit, the label's column is found.
func decodeTable(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let choice = bytes.first, let file = ScratchFile(UnsafeRawBufferPointer(rebasing: bytes[1...])) else {
        return false
    }
    let columns = [LabelColumn.first, .last, .number(2), .named("class")]
    let files = TableFiles(
        path: file.path, testPath: choice & 4 == 0 ? nil : file.path,
        label: choice & 8 == 0 ? columns[Int(choice & 3)] : nil)
    do throws(DataError) {
        let dataset = try DataSource.table(files).load(cache: DataCache(directory: "/nonexistent"))
        precondition(dataset.description.trainingCount > 0, "a data set without samples")
        var values = [Float](repeating: 0, count: dataset.description.inputSize)
        values.withUnsafeMutableBufferPointer { if let base = $0.baseAddress { dataset.gather(0..<1, into: base) } }
        precondition(values.allSatisfy(\.isFinite), "a value that is no number")
        return true
    } catch {
        precondition(!error.description.contains("\n"), "an error of more than one line")
        return false
    }
}

func decodePicture(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let file = ScratchFile(bytes), let pictures = try? GrayImage.load(file.path) else { return false }
    precondition(!pictures.isEmpty, "a file of pictures without any")
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
    guard let dataset = try? DataSource.files(files).load(cache: DataCache(directory: "/nonexistent")) else {
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
