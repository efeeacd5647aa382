import LockstepNumerics

/// Memory of this process, or of a worker, has changed between a write and the next read of it: by a fault of the memory or
/// of the processor, or by another program's fault.
package struct MemoryFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// Memory that a run depends on.
    package enum Part: String, Hashable, Sendable {
        case weights = "the weights"
        case roundedWeights = "the rounded weights"
        case optimizer = "the optimizer's memory"
        case gradients = "the gradients"
        case dataset = "the data set"
    }

    package var part: Part
    /// The step, counted from 0 over the whole run, in which the change was found.
    package var step: UInt64
    /// The worker whose memory has changed, as an error names it; nil: this process's.
    package var worker: String?

    package init(_ part: Part, step: UInt64, worker: String? = nil) {
        self.part = part
        self.step = step
        self.worker = worker
    }

    package var description: String {
        let owner = worker.map { "the memory of \($0)" } ?? "this process's memory"
        return "step \(step): \(part.rawValue) changed in \(owner) without being written; check "
            + "\(worker == nil ? "the" : "that") host's memory and processor"
    }
}

/// Checks the memory that steps leave to each other: the weights and the optimizer's memory.
///
/// An update adds up the bit patterns of all that it reads and of all that it writes, in the pass that it makes anyway.
/// What one step writes the next step reads, once each: if the two sums differ, the memory has changed in between. Rounded
/// weights are read by workers, not by the update; the update sees them when it replaces them, two steps later.
struct MemoryCheck {
    /// What memory holds after the last step.
    private struct Content {
        var sums = BitSums()
        /// By version, even and odd; 0 if no weights are rounded.
        var rounded: (even: UInt32, odd: UInt32) = (0, 0)
    }

    /// Nil until ``read(_:_:)``.
    private var content: Content?
    /// What the step under way has read and written so far.
    private var seen = ChunkUpdate.TileCheck()
    /// Whether a chunk of the step under way has been updated.
    private(set) var hasUpdates = false

    /// Begins a step: nothing is updated.
    mutating func begin() {
        seen = ChunkUpdate.TileCheck()
        hasUpdates = false
    }

    /// Adds the update of one chunk.
    mutating func add(_ check: ChunkUpdate.TileCheck) {
        seen += check
        hasUpdates = true
    }

    /// Compares what a complete step has read with what was written before it.
    ///
    /// - Parameter step: The step, whose weights have its number as version.
    /// - Throws: The fault.
    mutating func end(step: UInt64) throws(MemoryFault) {
        let nextIsEven = (step + 1) & 1 == 0
        guard let content else { return }
        if seen.update.read.weights != content.sums.weights { throw MemoryFault(.weights, step: step) }
        if seen.update.read.state != content.sums.state { throw MemoryFault(.optimizer, step: step) }
        let replaced = nextIsEven ? content.rounded.even : content.rounded.odd
        if seen.rounding.replaced != replaced { throw MemoryFault(.roundedWeights, step: step) }
        self.content?.sums = seen.update.written
        if nextIsEven {
            self.content?.rounded.even = seen.rounding.written
        } else {
            self.content?.rounded.odd = seen.rounding.written
        }
    }

    /// Reads all memory between two steps, and relies on it from now on.
    mutating func read(_ parameters: VersionedParameters, _ optimizer: any Optimizer) {
        content = Self.content(of: parameters, optimizer)
    }

    /// Reads all memory between two steps and compares it with what was written.
    ///
    /// - Throws: The fault.
    func verify(_ parameters: VersionedParameters, _ optimizer: any Optimizer) throws(MemoryFault) {
        guard let content else { return }
        let found = Self.content(of: parameters, optimizer)
        let step = parameters.version
        if found.sums.weights != content.sums.weights { throw MemoryFault(.weights, step: step) }
        if found.sums.state != content.sums.state { throw MemoryFault(.optimizer, step: step) }
        if found.rounded != content.rounded { throw MemoryFault(.roundedWeights, step: step) }
    }

    /// The sums of the bits of the weights and of the optimizer's memory after the last step; nil: unknown.
    var sums: BitSums? { content?.sums }

    /// Reads the weights on which the gradients of the step under way are computed, and compares them with what was written.
    ///
    /// - Throws: The fault.
    func verifyWeights(_ parameters: VersionedParameters) throws(MemoryFault) {
        let step = parameters.version
        guard areWeightsIntact(parameters) else { throw MemoryFault(.weights, step: step) }
        guard let content, let rounded = parameters.roundedVersions else { return }
        let (buffer, sum) =
            step & 1 == 0 ? (rounded.even, content.rounded.even) : (rounded.odd, content.rounded.odd)
        guard buffer.bitSum == sum else { throw MemoryFault(.roundedWeights, step: step) }
    }

    /// Whether the current weights are those that the last step has written; also within a step.
    func areWeightsIntact(_ parameters: VersionedParameters) -> Bool {
        guard let content else { return true }
        return parameters.current.bitSum == content.sums.weights
    }

    private static func content(of parameters: VersionedParameters, _ optimizer: any Optimizer) -> Content {
        var content = Content()
        content.sums.weights = parameters.current.bitSum
        for (_, buffer) in optimizer.stateBuffers { content.sums.state &+= buffer.bitSum }
        if let rounded = parameters.roundedVersions {
            content.rounded = (rounded.even.bitSum, rounded.odd.bitSum)
        }
        return content
    }
}
