/// How long anybody waits for anything: the one table.
///
/// | wait | seconds |
/// | --- | --- |
/// | heartbeat: sent every / peer lost after | 1 / 3 |
/// | handshake: from welcome, or the last piece of the data set, to ready | 60 |
/// | answer to a hello before it is said again | 5 |
/// | start: for the first workers, or for the coordinator | 60 |
/// | rejoin: for a worker once the last has gone, or for the coordinator | 60 |
/// | linger: for the last messages when a socket closes | 1 |
/// | report: for workers to say where their time went | 5 |
/// | exit grace: from asking a local worker to stop to killing it | 5 |
///
/// Start and rejoin are the run configuration's `timeouts`.
package struct Deadlines: Hashable, Sendable {
    package var heartbeatInterval = 1.0
    package var heartbeatTimeout = 3.0
    package var handshake = 60.0
    package var hello = 5.0
    package var start = 60.0
    package var rejoin = 60.0
    package var linger = 1.0
    package var report = 5.0
    package var exitGrace = 5.0

    package init(start: Double = 60, rejoin: Double = 60) {
        self.start = start
        self.rejoin = rejoin
    }
}
