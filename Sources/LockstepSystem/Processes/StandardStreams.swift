import Glibc

/// The descriptors 0, 1 and 2.
package enum StandardStreams {
    /// Opens /dev/null for each of them that is closed.
    ///
    /// A parent may start a process with closed streams. Then the next files that it opens get their numbers, and what it
    /// prints would go into a checkpoint. Call it before any file is opened.
    package static func fillGaps() {
        while true {
            // The lowest free number is given out. Without /dev/null, in a chroot, any folder keeps the number: writing
            // to it fails, and there is no reader.
            var number = open("/dev/null", O_RDWR)
            if number < 0 { number = open("/", O_RDONLY | O_DIRECTORY) }
            guard number <= STDERR_FILENO else {
                close(number)
                return
            }
            guard number >= 0 else { return }
        }
    }
}
