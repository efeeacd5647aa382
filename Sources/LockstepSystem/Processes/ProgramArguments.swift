import CLinux
import Glibc

/// The arguments with which this program was started.
package enum ProgramArguments {
    /// The bytes of each argument as they were given, without the program's name.
    ///
    /// Swift's `CommandLine` reads them from /proc, where there is one, and replaces what is not UTF-8.
    package static var bytes: [[UInt8]] {
        var count: Int32 = 0
        let (number, arguments) =
            if access("/proc/self/cmdline", R_OK) != 0, let started = linux_started_arguments(&count) {
                (Int(count), started)
            } else {
                (Int(CommandLine.argc), CommandLine.unsafeArgv)
            }
        guard number > 1 else { return [] }
        return (1..<number).compactMap { index in
            arguments[index].map { argument in
                Array(UnsafeRawBufferPointer(start: argument, count: strlen(argument)))
            }
        }
    }
}
