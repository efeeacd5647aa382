import Glibc
import LockstepNumerics
import LockstepTraining

/// Where weights and gradients lie in the memory that a coordinator shares with its workers. Both sides work it out
/// from the run's configuration.
struct RegionLayout: Hashable {
    /// Floats of the weights, and of a gradient.
    let parameters: Int
    /// Gradients that a worker's region has room for.
    let slots: Int
    /// Versions of the weights: two, and where gradients are computed on rounded ones two of these after them.
    let versions: Int
    /// Bytes from one version of the weights, or one gradient, to the next: whole pages.
    let stride: Int

    init(parameters: Int, shards: Int, wire: CommunicationDataType = .float32) {
        self.parameters = parameters
        self.versions = wire == .float32 ? 2 : 4
        self.slots = Self.slots(shards: shards)
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        self.stride = (parameters * MemoryLayout<Float>.stride + page - 1) / page * page
    }

    /// Nodes that a worker holds at most: a range of leaves is at most two nodes on each level under the root, and one
    /// more may be handed on to it.
    static func slots(shards: Int) -> Int {
        2 * (Int.bitWidth - (shards - 1).leadingZeroBitCount) + 1
    }

    var weightBytes: Int { versions * stride }
    var gradientBytes: Int { slots * stride }

    /// The floats of one version or slot of a region.
    func floats(at index: Int, in region: UnsafeMutableRawBufferPointer) -> UnsafeMutableBufferPointer<Float> {
        let bytes = UnsafeMutableRawBufferPointer(rebasing: region[index * stride..<(index + 1) * stride])
        return UnsafeMutableBufferPointer(rebasing: bytes.bindMemory(to: Float.self)[..<parameters])
    }
}
