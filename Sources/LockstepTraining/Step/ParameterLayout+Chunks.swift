package import LockstepNetwork
package import LockstepSharding

extension ParameterLayout {
    /// The layers' segments, cut into the chunks that are reduced, updated and sent one by one.
    package var chunks: ChunkLayout {
        ChunkLayout(segments: layers.map(\.segment))
    }
}
