import Glibc

/// The processor time that control groups leave a process, as a number of cores.
///
/// A container may have 64 cores and a quota of two: then the kernel stops all its threads for the rest of each period
/// once they have used two cores' time, and 64 workers are slower than two. cgroups(7): version 2 has the file `cpu.max`
/// in each group, version 1 `cpu.cfs_quota_us` and `cpu.cfs_period_us`; the smallest quota from the process's group up to
/// the root holds.
package enum CPUQuota {
    /// Reads the quota of this process.
    ///
    /// - Parameters:
    ///   - membership: The file that names the process's groups.
    ///   - root: Where the groups are mounted.
    /// - Returns: Cores, such as 1.5; nil if there is no quota or none can be read.
    package static func cores(membership: String = "/proc/self/cgroup", root: String = "/sys/fs/cgroup") -> Double? {
        let groups = (content(of: membership) ?? "").split(separator: "\n").flatMap { line -> [String] in
            // hierarchy:controllers:path
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { return [] }
            let mounts: [String]
            if fields[1].isEmpty {
                mounts = ["", "/unified"]
            } else if fields[1].split(separator: ",").contains("cpu") {
                mounts = ["/\(fields[1])", "/cpu"]
            } else {
                return []
            }
            return mounts.flatMap { mount in ancestors(of: fields[2]).map { root + mount + $0 } }
        }
        return groups.compactMap(quota(ofGroup:)).min()
    }

    /// A path and those of all groups above it, without a slash at the end: "/a/b" gives "/a/b", "/a" and "".
    private static func ancestors(of path: Substring) -> [String] {
        let names = path.split(separator: "/").filter { $0 != ".." }
        return (0...names.count).reversed().map { names.prefix($0).map { "/\($0)" }.joined() }
    }

    /// The quota of one group, whichever version it has.
    private static func quota(ofGroup folder: String) -> Double? {
        if let fields = content(of: "\(folder)/cpu.max")?.split(whereSeparator: \.isWhitespace), fields.count == 2 {
            return cores(quota: fields[0], period: fields[1])
        }
        guard let quota = content(of: "\(folder)/cpu.cfs_quota_us"),
            let period = content(of: "\(folder)/cpu.cfs_period_us")
        else { return nil }
        return cores(quota: quota.prefix { !$0.isWhitespace }, period: period.prefix { !$0.isWhitespace })
    }

    /// "max" and -1 say that there is no quota.
    private static func cores(quota: Substring, period: Substring) -> Double? {
        guard let quota = Int(quota), let period = Int(period), quota > 0, period > 0 else { return nil }
        return Double(quota) / Double(period)
    }

    /// The beginning of a small file; nil if it cannot be read.
    private static func content(of path: String) -> String? {
        guard let file = try? FileDescriptor(opening: path, flags: O_RDONLY) else { return nil }
        var buffer = [UInt8](repeating: 0, count: 8_192)
        guard let count = try? file.read(into: &buffer) else { return nil }
        return String(decoding: buffer.prefix(count), as: UTF8.self)
    }
}
