import Glibc
import LockstepText

/// The names in a folder, without "." and "..".
package func names(in folder: String) throws(SystemError) -> [String] {
    guard let handle = withPath(folder, { opendir($0) }) else { throw .last("read the folder", path: folder) }
    defer { closedir(handle) }
    var names: [String] = []
    while let entry = readdir(handle) {
        let name = withUnsafeBytes(of: &entry.pointee.d_name) {
            String(path: $0.prefix { $0 != 0 })
        }
        if name != "." && name != ".." { names.append(name) }
    }
    return names
}

/// Removes this user's regular files in a folder that have some name and have not been written to for so many seconds.
///
/// For files that processes leave behind when they are killed. Other files, and other users' files, stay.
package func removeOldFiles(in folder: String, untouchedFor seconds: Int, named isLeftover: (String) -> Bool) {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    for name in (try? names(in: folder)) ?? [] where isLeftover(name) {
        let path = "\(folder)/\(name)"
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_uid == geteuid(),
            status.st_mtim.tv_sec < now.tv_sec - seconds
        else { continue }
        unlink(path)
    }
}

/// The folder and the last component of a path. The folder of a bare name is ".".
package func splitPath(_ path: String) -> (folder: String, name: String) {
    guard let slash = path.lastIndex(of: "/") else { return (".", path) }
    let folder = path[..<slash]
    return (folder.isEmpty ? "/" : String(folder), String(path[path.index(after: slash)...]))
}
