package import LockstepTraining

/// Shows a run while it goes on. Called on the training thread, so an implementation only keeps what it is told.
package protocol LiveView: AnyObject {
    /// Called with the run's page whenever it is written.
    func show(_ report: RunReport)
    /// Called a few times a second with the progress, the epochs that the run is to have, and its workers.
    func show(_ progress: StepProgress, epochs: Int, workers: [ReportDetails.Worker])
}
