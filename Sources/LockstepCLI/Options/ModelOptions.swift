import ArgumentParser
import Glibc
import Lockstep
import LockstepArtifacts
import LockstepSystem
import LockstepText

/// The models of a command that runs trained networks: one, or several whose outputs are averaged.
struct ModelOptions: ParsableArguments {
    @Argument(
        help: "A model file, or the directory of a run, whose best.safetensors is used.",
        completion: .file(extensions: ["safetensors"]))
    var model: String

    @Option(
        name: .customLong("ensemble"),
        help: ArgumentHelp(
            "More model files, whose outputs are averaged with those of the model; separated by commas, or with the option "
                + "again.",
            valueName: "models"),
        completion: .file(extensions: ["safetensors"]))
    var others: [String] = []

    /// The files, the model's first.
    ///
    /// - Throws: `CommandError` if a file name in the option is empty.
    func paths() throws -> [String] {
        var paths = [model]
        for value in others {
            // Scalars, because a comma and a mark that follows it may be one character.
            for path in value.unicodeScalars.split(separator: ",", omittingEmptySubsequences: false) {
                guard !path.isEmpty else {
                    throw CommandError(
                        .usage,
                        "--ensemble '\(value.printable)': an empty file name; put one comma between two files")
                }
                paths.append(String(path))
            }
        }
        return try paths.map(Self.modelFile)
    }

    /// The model of a run's directory: the best one, or the last one where a run has selected none; any other path as it is.
    private static func modelFile(_ path: String) throws -> String {
        var status = stat()
        guard fileStatus(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return path }
        let directory = RunDirectory(existing: path)
        guard let model = [directory.bestModel, directory.model].first(where: { access($0, F_OK) == 0 }) else {
            throw CommandError(
                .missingInput,
                "\(path.printable): this folder has neither best.safetensors nor model.safetensors; give a model file, or the "
                    + "directory of a run that has ended an epoch")
        }
        return model
    }

    /// Reads the files.
    ///
    /// - Throws: `ArtifactError` for the first file that is missing or no model; `CommandError` if two have the same weights,
    ///   because that model would count twice.
    func load() throws -> [TrainedModel] {
        var models: [TrainedModel] = []
        let paths = try paths()
        for path in paths {
            let loaded = try ModelFile.load(path)
            let twin = models.firstIndex {
                $0.weightsSHA256 == loaded.weightsSHA256 && $0.architecture == loaded.architecture
            }
            if let twin {
                let what =
                    paths[twin] == path
                    ? "\(path.printable) is named twice"
                    : "\(path.printable) has the same weights as \(paths[twin].printable)"
                throw CommandError(.usage, "--ensemble: \(what), and would count twice; name each model once")
            }
            models.append(loaded)
        }
        return models
    }

    /// Makes an ensemble of the models that ``load()`` has read.
    ///
    /// - Throws: `CommandError` that names a file whose network does not fit the others.
    func ensemble(of models: [TrainedModel]) throws -> Ensemble {
        let names = try paths().map(\.printable)
        do throws(LockstepError) {
            return try Ensemble(models, names: names)
        } catch {
            throw CommandError(.invalidData, error.description)
        }
    }
}
