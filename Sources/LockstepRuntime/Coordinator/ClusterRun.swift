import LockstepCluster
import LockstepData
import LockstepNetwork
import LockstepSharding
import LockstepTimeline
import LockstepTraining

/// A run as its coordinator serves it to workers: what they are told, and what the coordinator computes with.
struct ClusterRun {
    /// Drawn anew by every coordinator process.
    let number: UInt32
    /// The welcome, encoded.
    let welcome: [UInt8]
    let dataset: Dataset
    let layout: ParameterLayout
    let dataType: CommunicationDataType
    let computer: ShardComputer
    let audits: AuditSchedule
    /// Memory shared with workers of this host; nil where all payload travels in messages.
    let regions: RegionServer?
    let transport: Transport
    /// Follows the phases of the coordinator's thread; nil: nothing is recorded.
    let timeline: Timeline?
    let configuration: CoordinatorMachine.Configuration
}
