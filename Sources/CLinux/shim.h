// System calls that the C library hides behind _GNU_SOURCE or in headers that Swift's Glibc module leaves out, called
// by number; and what Swift cannot import.
//
// Two things are avoided on purpose. Defining _GNU_SOURCE here would change the C library's types under other modules.
// And a header that declares structures (signal.h, sys/stat.h, ...) would make this module one of their owners, so
// that whoever uses them beside us would have to import it.
#pragma once
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

/// A descriptor that becomes readable when process `process` ends. Close-on-exec. -1 and errno on failure.
static inline int linux_pidfd_open(int process) {
    return (int)syscall(SYS_pidfd_open, process, 0u);
}

/// An event counter, initially 0, with O_CLOEXEC, O_NONBLOCK as flags. -1 and errno on failure.
static inline int linux_eventfd(int flags) {
    return (int)syscall(SYS_eventfd2, 0u, flags);
}

/// The bit mask of the CPUs that this thread may run on: how many bytes were written, or -1 and errno.
static inline long linux_affinity(void *mask, size_t size) {
    return syscall(SYS_sched_getaffinity, 0, size, mask);
}

/// Names the calling thread: PR_SET_NAME, which keeps 15 bytes.
static inline void linux_name_thread(const char *name) {
    syscall(SYS_prctl, 15, name, 0, 0, 0);
}

/// The process's environment, `NAME=value` each, ending with NULL.
static inline char **linux_environment(void) {
    extern char **environ;
    return environ;
}

/// Adds to a posix_spawn_file_actions_t: in the child, close every descriptor from `from` on (glibc 2.34).
extern int posix_spawn_file_actions_addclosefrom_np(void *actions, int from);

/// Adds to a posix_spawn_file_actions_t: in the child, change the working directory (glibc 2.29).
extern int posix_spawn_file_actions_addchdir_np(void *actions, const char *path);

/// poll(2)'s flag: the other side has closed its end of a stream socket.
static const short linux_pollrdhup = 0x2000;
