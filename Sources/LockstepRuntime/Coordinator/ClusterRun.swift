import LockstepCluster
import LockstepData
import LockstepModel
import LockstepSharding
import LockstepTimeline
import LockstepTraining

/// A run as its coordinator serves it to workers: what it sends them, and what it computes with itself.
struct ClusterRun {
    /// The run's number, a random one for every coordinator process.
    let number: UInt32
    /// The welcome, encoded.
    let welcome: [UInt8]
    let dataset: Dataset
    let model: any Model
    let dataType: CommunicationDataType
    let computer: ShardComputer
    let audits: AuditSchedule
    /// Memory shared with workers on this host; nil if all payload is sent in messages.
    let regions: RegionServer?
    let transport: Transport
    /// Records the phases of the coordinator's thread; nil: no record.
    let timeline: Timeline?
    let configuration: CoordinatorMachine.Configuration

    var layout: ParameterLayout { model.layout }
}
