import Foundation
package import LockstepArtifacts
package import LockstepSystem
import LockstepText
import LockstepTimeline
package import LockstepTraining

/// The live page of a run, and `/metrics` for Prometheus, over HTTP. It shows the run and changes nothing.
///
/// The training thread leaves what is new in memory; the server's thread makes a page of it when one is asked for, at most
/// one a second.
package final class Dashboard: LiveView {
    /// What the pages are made of.
    struct Snapshot: Sendable {
        var report: RunReport?
        var progress: StepProgress?
        var epochs = 0
        var workers: [ReportDetails.Worker] = []
    }

    private let snapshot: Locked<Snapshot>
    private let server: HTTPServer

    /// Starts to serve.
    ///
    /// - Parameters:
    ///   - address: Where to listen.
    ///   - name: The run's name.
    /// - Throws: `SystemError` if the address cannot be bound.
    package init(_ address: DashboardAddress, name: String) throws(SystemError) {
        let snapshot = Locked(Snapshot())
        self.snapshot = snapshot
        let pages = Locked(PageCache())
        server = try HTTPServer(address) { path in
            switch path {
            case "/":
                let body = pages.withLock { cache in
                    cache.page(now: .now) { LivePage.html(snapshot.withLock { $0 }, name: name) }
                }
                return HTTPServer.Content(type: "text/html", body: body)
            case "/metrics":
                let text = PrometheusText.text(snapshot.withLock { $0 }, name: name)
                return HTTPServer.Content(type: "text/plain; version=0.0.4", body: Array(text.utf8))
            default:
                return nil
            }
        }
    }

    deinit { server.stop() }

    /// The page's address, for a browser.
    package var url: String { "http://\(server.address)/" }

    /// Shows another state of the run's page.
    package func show(_ report: RunReport) { snapshot.withLock { $0.report = report } }

    /// Shows how far the run has come.
    package func show(_ progress: StepProgress, epochs: Int, workers: [ReportDetails.Worker]) {
        snapshot.withLock { snapshot in
            snapshot.progress = progress
            snapshot.epochs = epochs
            snapshot.workers = workers
        }
    }
}

/// The last page, which serves for a second.
private struct PageCache {
    private var body: [UInt8] = []
    private var expiry = Instant(nanoseconds: 0)

    mutating func page(now: Instant, _ make: () -> String) -> [UInt8] {
        if expiry <= now {
            body = Array(make().utf8)
            expiry = Instant.now.advanced(bySeconds: 1)
        }
        return body
    }
}

/// The page of a run that goes on.
enum LivePage {
    /// Seconds after which a browser loads the page again.
    private static let reloadSeconds = 2

    static func html(_ snapshot: Dashboard.Snapshot, name: String) -> String {
        let now = ReportPage.Section("Now", progress(snapshot) + workers(snapshot.workers))
        guard let report = snapshot.report else {
            return ReportPage(
                title: name, subtitle: "running", reloadSeconds: reloadSeconds, sections: [now]
            ).html
        }
        return report.html(leading: [now], reloadSeconds: reloadSeconds)
    }

    private static func progress(_ snapshot: Dashboard.Snapshot) -> String {
        guard let progress = snapshot.progress else { return "<p>Waiting for the first steps.</p>" }
        let all = max(1, progress.stepsPerEpoch * snapshot.epochs)
        let part = min(1, Double(progress.totalSteps) / Double(all))
        let place = "step \(grouped(progress.step)) of \(grouped(progress.stepsPerEpoch))"
        var rows = [
            ["epoch", "\(progress.epoch) of \(snapshot.epochs), \(place)"],
            ["samples a second", grouped(Int(max(0, min(progress.samplesPerSecond, 1e15))))],
            ["mean training loss", "\(rounded(progress.meanTrainingLoss))"],
            ["workers that compute", "\(progress.workers)"],
        ]
        if let rate = progress.learningRate { rows.append(["learning rate", String(format: "%.4g", rate)]) }
        let width = rounded(100 * part, digits: 1)
        return "<div class=\"progress\"><span style=\"width:\(width)%\"></span></div>\n" + ReportPage.table(rows)
    }

    private static func workers(_ workers: [ReportDetails.Worker]) -> String {
        workers.isEmpty ? "" : RunReport.table(of: workers)
    }
}
