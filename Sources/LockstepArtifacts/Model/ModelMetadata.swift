package import LockstepData
package import LockstepNetwork

/// The metadata of a model file: what running the model needs besides the weights, and how it was made.
package struct ModelMetadata: Hashable, Sendable {
    /// The factor of input values; nil if the file does not say.
    package var inputScale: InputScale?
    /// The name of each output, `["0", "1", ..., "9"]`; empty if the file does not say.
    package var labels: [String]
    /// How the fields of a table become a sample's values; nil if the model was not trained on a table.
    package var table: TablePreparation?
    /// How pictures become a sample's values; nil if the model was not trained on a folder of pictures.
    package var pictures: PicturePreparation?
    package var seed: UInt64?
    /// The data set that the model was trained on.
    package var dataName: String?
    package var dataSHA256: String?
    /// The version of the program that wrote the file.
    package var programVersion: String?

    package init(
        inputScale: InputScale?, labels: [String], table: TablePreparation? = nil,
        pictures: PicturePreparation? = nil, seed: UInt64? = nil,
        dataName: String? = nil, dataSHA256: String? = nil, programVersion: String? = nil
    ) {
        self.inputScale = inputScale
        self.labels = labels
        self.table = table
        self.pictures = pictures
        self.seed = seed
        self.dataName = dataName
        self.dataSHA256 = dataSHA256
        self.programVersion = programVersion
    }

    /// The metadata of a run on `dataset`; the labels are the classes' names, and the numbers of further outputs.
    package init(
        dataset: DatasetDescription, outputs: Int, targets: TargetEncoding? = nil, seed: UInt64, programVersion: String
    ) {
        let names = targets?.answerNames(classes: dataset.classNames, outputs: outputs) ?? dataset.classNames
        let outputs = targets?.answers(outputs: outputs) ?? outputs
        let labels = names + (min(names.count, outputs)..<outputs).map(String.init)
        self.init(
            inputScale: InputScale(dataset.element), labels: labels.count == outputs ? labels : [],
            table: dataset.table, pictures: dataset.pictures,
            seed: seed, dataName: dataset.name, dataSHA256: dataset.sha256, programVersion: programVersion)
    }
}

/// The factor by which input values are multiplied before they enter the network.
package enum InputScale: String, CaseIterable, Sendable {
    /// Bytes become 0 to 1.
    case byte = "1/255"
    /// Values are not scaled.
    case one = "1"

    /// The scale of a data set's elements.
    package init(_ element: DatasetElement) {
        switch element {
        case .uint8: self = .byte
        case .float32: self = .one
        }
    }
}
