package import LockstepModel
package import LockstepNumerics

/// A trained model of a program's own: its parameters and metadata.
package struct TrainedProgramModel: Sendable {
    package let model: any Model
    /// In the model's layout.
    package let parameters: FloatBuffer
    package let metadata: ModelMetadata
}

/// Files of models that programs bring themselves: safetensors too, with the tensors' own names and shapes, and the model's name
/// and settings in the metadata.
extension ModelFile {
    /// Writes a model with these `parameters`, in the model's layout. A file at `path` is replaced atomically.
    ///
    /// - Throws: ``ArtifactError`` with the path if the file cannot be written, or there is no such model in this program.
    package static func save(
        to path: String, _ reference: ProgramModel, parameters: UnsafeBufferPointer<Float>, metadata: ModelMetadata
    ) throws(ArtifactError) {
        let layout = try model(of: reference, path: path).layout
        guard layout.count == parameters.count else { preconditionFailure("parameters of another model") }
        var texts = try texts(metadata, path: path)
        texts[Key.formatVersion] = formatVersions[1]
        texts[Key.model] = "\(reference.name) \(reference.settings)"
        try write(parameters, layout, to: path, texts: texts)
    }

    /// Reads such a file.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - name: The name of the model that it must be of.
    /// - Returns: The model, made from the file's settings, with its parameters.
    /// - Throws: ``ArtifactError`` if the file is damaged or something else, or this program's model has other tensors.
    package static func load(_ path: String, ofModel name: String) throws(ArtifactError) -> TrainedProgramModel {
        let file = try open(path)
        let parts = file.header.metadata[Key.model]?.split(separator: " ", maxSplits: 1) ?? []
        guard parts.count == 2, parts[0] == name else {
            let found = parts.first.map { "a model '\($0.prefix(60))'" } ?? "a network"
            throw .malformed(
                path: path, reason: "\(found), and not a model '\(name)'", remedy: "give a file of this model")
        }
        let model = try model(of: ProgramModel(name: name, settings: String(parts[1])), path: path)
        try checkTensors(of: file.header, model.layout, path: path)
        let reader = ModelMetadataReader(path: path, texts: file.header.metadata)
        return TrainedProgramModel(
            model: model, parameters: try parameters(of: file, model.layout, path: path).0,
            metadata: try reader.metadata(inputs: model.inputs, outputs: model.answers))
    }

    private static func model(of reference: ProgramModel, path: String) throws(ArtifactError) -> any Model {
        do throws(ProgramModelError) {
            return try reference.make()
        } catch {
            throw malformed(path, error.description)
        }
    }
}
