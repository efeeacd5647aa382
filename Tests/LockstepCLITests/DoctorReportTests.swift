import Foundation
import Testing

@testable import LockstepCLI

@Suite("What doctor prints")
struct DoctorReportTests {
    private var report: DoctorReport {
        var report = DoctorReport(programVersion: "0.1.0", host: "a", cores: 2, libzmq: "4.3.4", hasCurve: true)
        report.kernels = ["avx2", "avx512"]
        report.bestKernel = "avx512"
        report.openFiles = 1_048_576
        report.cache = "/tmp/cache"
        report.link = DoctorReport.Link(
            endpoint: "tcp://b:5555", roundTripSeconds: 0.000_25, uploadBytesPerSecond: 1.25e8,
            downloadBytesPerSecond: 1.1e8)
        return report
    }

    @Test("A line for each finding; what is not known has none")
    func lines() {
        #expect(
            report.lines == [
                "lockstep     0.1.0", "host         a, 2 cores", "libzmq       4.3.4, with CURVE",
                "kernels      avx2, avx512; auto is avx512", "open files   1,048,576", "cache        /tmp/cache",
                "link         tcp://b:5555", "round trip   0.250 ms",
                "bandwidth    125.0 MB/s there, 110.0 MB/s back",
            ])
    }

    @Test("The same as JSON")
    func json() throws {
        var report = report
        report.problems = ["no AVX2"]
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(try report.json().utf8)) as? [String: Any])
        #expect(object["best_kernel"] as? String == "avx512" && object["cores"] as? Int == 2)
        #expect(object["problems"] as? [String] == ["no AVX2"])
        #expect((object["link"] as? [String: Any])?["round_trip_seconds"] as? Double == 0.000_25)
    }
}
