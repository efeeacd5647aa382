/// Samples that a model computes in one call.
public struct SampleBlock: ~Escapable {
    /// The number of samples.
    public let rowCount: Int
    /// Their values, [rowCount, inputCount], row-major, scaled as the data set says.
    public let inputs: Span<Float>
    /// Their classes, [rowCount]; 0 where the data set has numbers to learn.
    public let labels: Span<UInt16>
    /// The numbers to learn, [rowCount]; 0 where the data set has classes.
    public let targets: Span<Float>
    /// Their indices in the data set, [rowCount]: the same in every process.
    public let sampleIndices: Span<UInt32>
    /// The epoch, from 0; 0 in evaluations and predictions.
    public let epoch: Int
    /// Whether a gradient is computed: then dropout, for instance, applies.
    public let isTraining: Bool
    /// Random numbers of the run's seed. A number's place is a purpose of yours, the epoch, a sample's index and a counter.
    public let random: RandomNumbers

    @_lifetime(copy inputs, copy labels, copy targets, copy sampleIndices)
    init(
        rowCount: Int, inputs: Span<Float>, labels: Span<UInt16>, targets: Span<Float>, sampleIndices: Span<UInt32>,
        epoch: Int, isTraining: Bool, random: RandomNumbers
    ) {
        self.rowCount = rowCount
        self.inputs = inputs
        self.labels = labels
        self.targets = targets
        self.sampleIndices = sampleIndices
        self.epoch = epoch
        self.isTraining = isTraining
        self.random = random
    }
}
