package import LockstepConfiguration

/// A data set that a script has fetched into the cache, such as `mnist`.
package struct NamedDataset: DataFormat {
    package var datasetName: String

    package static let name = "name"
    package static let defaults = NamedDataset(datasetName: "")
    package static let keys = [
        ConfigurationKey(
            "name", \NamedDataset.datasetName,
            .text(limits: KnownDataset.all.map { "`\($0.name)`" }.joined(separator: ", ")), example: "mnist",
            "a data set in the cache")
    ]
    package static let advice = "a data set's name or files, not both"

    package func load(cache: DataCache) throws(DataError) -> Dataset {
        try load(try KnownDataset.named(datasetName), cache: cache)
    }

    /// Reads a data set that was fetched into the cache, and compares its digest with the published one.
    private func load(_ known: KnownDataset, cache: DataCache) throws(DataError) -> Dataset {
        let files = IDXFiles(
            images: try cache.path(of: known.trainingImages, in: known),
            labels: try cache.path(of: known.trainingLabels, in: known),
            testImages: try cache.path(of: known.testImages, in: known),
            testLabels: try cache.path(of: known.testLabels, in: known),
            validation: known.validationCount)
        do throws(DataError) {
            let dataset = try files.load(name: known.name, classCount: known.classCount)
            guard dataset.description.sha256 == known.sha256 else {
                throw DataError(
                    .wrongDigest(expected: known.sha256, found: dataset.description.sha256),
                    subject: "data set \(known.name) in \(cache.directory(of: known))")
            }
            return dataset
        } catch {
            var error = error
            error.remedy = "run \(known.fetchCommand), which replaces damaged files"
            throw error
        }
    }
}

extension DataSource {
    /// A data set that a script has fetched into the cache, such as `mnist`.
    package static func named(_ name: String) -> DataSource { DataSource(NamedDataset(datasetName: name)) }
}
