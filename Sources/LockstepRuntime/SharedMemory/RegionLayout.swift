import Glibc
import LockstepNumerics
import LockstepSharding
import LockstepTraining

/// The layout of the weights and gradients in shared memory. Coordinator and workers derive it from the run's
/// configuration.
struct RegionLayout: Hashable {
    /// The number of weights, and of floats in a gradient.
    let parameters: Int
    /// The number of gradients that fit into a worker's region.
    let slots: Int
    /// The number of versions of the weights: two in float32 and, if workers compute with rounded weights, two in
    /// rounded form after them.
    let versions: Int
    /// Bytes between two versions of the weights or two gradients: a multiple of the page size.
    let stride: Int

    init(parameters: Int, shards: Int, dataType: CommunicationDataType = .float32) {
        self.parameters = parameters
        self.versions = dataType == .float32 ? 2 : 4
        self.slots = Self.slots(shards: shards)
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        self.stride = (parameters * MemoryLayout<Float>.stride + page - 1) / page * page
    }

    /// A slot for each node that a worker may hold.
    static func slots(shards: Int) -> Int { SummationTree.maximumNodesOfWorker(shards: shards) }

    /// The weights, and a page whose flag says whether the coordinator sleeps.
    var weightBytes: Int { versions * stride + Mailbox.size }
    /// The gradients of a worker, and the worker's mailbox.
    var gradientBytes: Int { slots * stride + Mailbox.size }

    /// The last page of a region.
    static func page(of region: UnsafeMutableRawBufferPointer) -> UnsafeMutableRawPointer? {
        region.baseAddress.map { $0 + (region.count - Mailbox.size) }
    }

    /// The floats of one version of the weights, or of one gradient, in a region.
    func floats(at index: Int, in region: UnsafeMutableRawBufferPointer) -> UnsafeMutableBufferPointer<Float> {
        let bytes = UnsafeMutableRawBufferPointer(rebasing: region[index * stride..<(index + 1) * stride])
        return UnsafeMutableBufferPointer(rebasing: bytes.bindMemory(to: Float.self)[..<parameters])
    }
}
