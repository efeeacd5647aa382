import LockstepSystem
import LockstepTesting
import Testing

@Suite("Quotas of processor time")
struct CPUQuotaTests {
    /// A tree of control groups in a folder.
    private struct Groups {
        let folder: TemporaryFolder

        init(membership: String, files: [String: String]) throws {
            folder = try TemporaryFolder()
            try folder.write(text: membership, to: "cgroup")
            for (path, content) in files { try folder.write(text: content, to: "fs/\(path)") }
        }

        var cores: Double? { CPUQuota.cores(membership: folder("cgroup"), root: folder("fs")) }
    }

    @Test(
        "The smallest quota of the process's groups holds, in either version of control groups",
        arguments: [
            // Version 2: cpu.max holds quota and period.
            ("0::/\n", ["cpu.max": "150000 100000\n"], 1.5),
            ("0::/\n", ["cpu.max": "max 100000\n"], nil),
            ("0::/a/b\n", ["a/cpu.max": "200000 100000\n", "a/b/cpu.max": "max 100000\n"], 2),
            ("0::/a/b\n", ["a/cpu.max": "200000 100000\n", "a/b/cpu.max": "50000 100000\n"], 0.5),
            // A container sees the host's path and has its own group as the root.
            ("0::/host/path/of/container\n", ["cpu.max": "300000 100000\n"], 3),
            ("0::/../other\n", ["cpu.max": "400000 100000\n"], 4),
            // Version 1: -1 is no quota.
            (
                "5:memory:/m\n3:cpu,cpuacct:/job\n",
                [
                    "cpu,cpuacct/job/cpu.cfs_quota_us": "250000\n", "cpu,cpuacct/job/cpu.cfs_period_us": "100000\n",
                    "memory/m/cpu.max": "1 1",
                ], 2.5
            ),
            (
                "3:cpuacct,cpu:/job\n",
                ["cpu/cpu.cfs_quota_us": "100000\n", "cpu/cpu.cfs_period_us": "50000\n"], 2
            ),
            ("3:cpu:/\n", ["cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"], nil),
            // Both at once.
            (
                "3:cpu:/\n0::/x\n",
                [
                    "cpu/cpu.cfs_quota_us": "700000\n", "cpu/cpu.cfs_period_us": "100000\n",
                    "unified/x/cpu.max": "600000 100000\n",
                ], 6
            ),
            // Nothing that makes sense.
            ("", ["cpu.max": "100000 100000\n"], nil), ("0::/\n", [:], nil), ("nonsense\n", ["cpu.max": "1 1"], nil),
            ("0::/\n", ["cpu.max": "100000\n"], nil), ("0::/\n", ["cpu.max": "0 100000\n"], nil),
            ("0::/\n", ["cpu.max": "100000 0\n"], nil), ("0::/\n", ["cpu.max": "-5 100000\n"], nil),
            ("0::/\n", ["cpu.max": "99999999999999999999 1\n"], nil),
        ] as [(String, [String: String], Double?)])
    func quotas(membership: String, files: [String: String], expected: Double?) throws {
        #expect(try Groups(membership: membership, files: files).cores == expected)
    }

    @Test("Where nothing can be read there is no quota, and a quota only lowers the number of cores")
    func none() {
        #expect(CPUQuota.cores(membership: "/nowhere", root: "/nowhere") == nil)
        #expect((1...Host.allowedCoreCount).contains(Host.coreCount))
    }
}
