import Foundation
import Glibc

/// The processes of this host, as /proc shows them.
package enum ProcessTable {
    /// All processes in whose environment a variable has this value, except zombies.
    package static func processes(with variable: String, _ value: String) -> [Int32] {
        let entry = Array("\(variable)=\(value)".utf8)
        return all().filter { process in
            guard let environment = FileManager.default.contents(atPath: "/proc/\(process)/environ") else {
                return false
            }
            return environment.split(separator: 0).contains { $0.elementsEqual(entry) }
        }
    }

    /// The arguments of a process, the program's name first. Empty for a zombie and for a process that has ended.
    package static func arguments(of process: Int32) -> [String] {
        guard let line = FileManager.default.contents(atPath: "/proc/\(process)/cmdline") else { return [] }
        return line.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    }

    private static func all() -> [Int32] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { Int32($0) }
    }
}
