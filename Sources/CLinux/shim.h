// System calls that the C library hides behind _GNU_SOURCE or declares in headers that Swift's Glibc module omits: they
// are called by number. Constants and functions that Swift cannot import are here too.
//
// Two things are avoided on purpose. _GNU_SOURCE, defined here, would change the C library's types in other modules.
// And a header that declares structures (signal.h, sys/stat.h, ...) would make this module one of their owners: every
// module that uses the structures would have to import this one.
#pragma once
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

/// A descriptor that becomes readable when process `process` ends. Close-on-exec. -1 and errno on failure.
static inline int linux_pidfd_open(int process) {
    return (int)syscall(SYS_pidfd_open, process, 0u);
}

/// An event counter, initially 0. The flags are O_CLOEXEC and O_NONBLOCK. -1 and errno on failure.
static inline int linux_eventfd(int flags) {
    return (int)syscall(SYS_eventfd2, 0u, flags);
}

/// Writes the bit mask of the CPUs that this thread may run on. Returns the number of bytes, or -1 and errno.
static inline long linux_affinity(void *mask, size_t size) {
    return syscall(SYS_sched_getaffinity, 0, size, mask);
}

/// Restricts a thread of this process (0: the calling one) to the CPUs of a bit mask. Returns 0, or -1 and errno.
static inline int linux_set_affinity(int thread, const void *mask, size_t size) {
    return (int)syscall(SYS_sched_setaffinity, thread, size, mask);
}

/// The scheduling policy of a thread of this process (0: the calling one), or -1 and errno.
static inline int linux_scheduling_policy(int thread) {
    return (int)syscall(SYS_sched_getscheduler, thread);
}

/// Sets the scheduling policy of a thread of this process (0: the calling one), for policies without priorities.
/// Returns 0, or -1 and errno.
static inline int linux_set_scheduling_policy(int thread, int policy) {
    const struct { int priority; } parameters = {0};
    return (int)syscall(SYS_sched_setscheduler, thread, policy, &parameters);
}

/// SCHED_OTHER and SCHED_BATCH.
static const int linux_scheduling_other = 0;
static const int linux_scheduling_batch = 3;

/// The calling thread's number.
static inline int linux_thread_id(void) {
    return (int)syscall(SYS_gettid);
}

/// Names the calling thread: PR_SET_NAME, which keeps 15 bytes.
static inline void linux_name_thread(const char *name) {
    syscall(SYS_prctl, 15, name, 0, 0, 0);
}

/// A value that the kernel has handed to this process, by its AT_ number (getauxval(3)); 0 if there is none.
extern unsigned long getauxval(unsigned long type);

/// The path by which the program was started; NULL if the kernel has not said it (AT_EXECFN).
static inline const char *linux_started_path(void) {
    return (const char *)getauxval(31);
}

/// The process's environment, `NAME=value` each, ending with NULL.
static inline char **linux_environment(void) {
    extern char **environ;
    return environ;
}

/// The arguments with which the program was started, as the kernel has put them on the stack: their number, the pointers
/// and a NULL lie before the environment. NULL once the environment has been moved.
static inline char **linux_started_arguments(int *count) {
    extern char **environ;
    if (!environ || environ[-1]) return NULL;
    for (long number = 1; number < 65536; number++) {
        if ((long)environ[-2 - number] != number) continue;
        *count = (int)number;
        return environ - 1 - number;
    }
    return NULL;
}

/// Adds to a posix_spawn_file_actions_t: in the child, close every descriptor from `from` on (glibc 2.34).
extern int posix_spawn_file_actions_addclosefrom_np(void *actions, int from);

/// Adds to a posix_spawn_file_actions_t: in the child, change the working directory (glibc 2.29).
extern int posix_spawn_file_actions_addchdir_np(void *actions, const char *path);

/// poll(2)'s flag: the other side has closed its end of a stream socket.
static const short linux_pollrdhup = 0x2000;

/// An anonymous file in memory that can be sealed. Close-on-exec. -1 and errno on failure.
static inline int linux_memfd_create(const char *name) {
    return (int)syscall(SYS_memfd_create, name, 1u | 2u);
}

/// fcntl(2)'s commands for the seals of a memory file, and the seals.
static const int linux_add_seals = 1033;
static const int linux_get_seals = 1034;
static const int linux_seal_seal = 1;
static const int linux_seal_shrink = 2;
static const int linux_seal_grow = 4;
static const int linux_seal_write = 8;
/// No more writable mappings than there are now (Linux 5.1).
static const int linux_seal_future_write = 16;

/// The most descriptors that one message carries here.
enum { linux_maximum_descriptors = 4 };

/// The arguments of sendmsg(2) and recvmsg(2), in the layout of a 64-bit kernel.
struct linux_control {
    size_t size;
    int level, type;
    int descriptors[linux_maximum_descriptors];
};
struct linux_vector {
    void *bytes;
    size_t size;
};
struct linux_message {
    void *name;
    unsigned name_size;
    struct linux_vector *vectors;
    size_t vector_count;
    void *control;
    size_t control_size;
    unsigned flags;
};

/// Sends bytes over a unix socket and, with the first of them, up to four open files (SCM_RIGHTS). It raises no SIGPIPE
/// and does not wait. Returns the number of bytes that were sent, or -1 and errno.
static inline long linux_send(int socket, const void *bytes, size_t size, const int *descriptors, size_t count) {
    struct linux_control control = {16 + 4 * count, 1, 1, {0}};
    for (size_t i = 0; i < count && i < linux_maximum_descriptors; i++) control.descriptors[i] = descriptors[i];
    struct linux_vector vector = {(void *)bytes, size};
    struct linux_message message = {NULL, 0, &vector, 1, count ? &control : NULL, count ? sizeof control : 0, 0};
    return syscall(SYS_sendmsg, socket, &message, 0x4040);
}

/// Receives bytes and the open files that came with them, close-on-exec, without waiting. The kernel closes files
/// beyond the fourth. Returns the number of received bytes (0: the other end is closed), or -1 and errno.
static inline long linux_receive(int socket, void *bytes, size_t size, int *descriptors, size_t *count) {
    struct linux_control control = {0, 0, 0, {0}};
    struct linux_vector vector = {bytes, size};
    struct linux_message message = {NULL, 0, &vector, 1, &control, sizeof control, 0};
    long received = syscall(SYS_recvmsg, socket, &message, 0x40000040);
    *count = 0;
    if (received < 0 || message.control_size < 20 || control.level != 1 || control.type != 1) return received;
    *count = (control.size - 16) / 4;
    for (size_t i = 0; i < *count; i++) descriptors[i] = control.descriptors[i];
    return received;
}

/// The first part of the kernel's struct tcp_info (linux/tcp.h), up to the time in which it had anything to send.
struct linux_tcp_info {
    unsigned char state, others[7];
    unsigned counters[24];
    unsigned long long pacing_rate, most_pacing_rate, bytes_acknowledged, bytes_received;
    unsigned segments_out, segments_in, bytes_not_sent, least_round_trip, data_segments_in, data_segments_out;
    unsigned long long delivery_rate, busy_microseconds;
};

/// Gets what the kernel has counted over a TCP connection since it was made. Returns 0, or -1 and errno.
static inline int linux_tcp_counters(int socket, struct linux_tcp_info *information) {
    unsigned size = sizeof *information;
    // IPPROTO_TCP, TCP_INFO
    return syscall(SYS_getsockopt, socket, 6, 11, information, &size) != 0 ? -1 : 0;
}

/// Gets the number of bytes that wait in a socket's sending queue or have not been acknowledged. Returns 0, or -1 and errno.
static inline int linux_queued_output(int socket, int *bytes) {
    // SIOCOUTQ, tcp(7)
    return syscall(SYS_ioctl, socket, 0x5411, bytes) != 0 ? -1 : 0;
}

/// epoll(7): a set of descriptors that is itself a descriptor, readable when one of its members is or has ended.
struct __attribute__((packed)) linux_event {
    unsigned events;
    int descriptor, unused;
};

static inline int linux_epoll_create(void) {
    return (int)syscall(SYS_epoll_create1, 0x80000);
}

static inline int linux_epoll_add(int set, int descriptor) {
    struct linux_event event = {0x2001, descriptor, 0};
    return (int)syscall(SYS_epoll_ctl, set, 1, descriptor, &event);
}

static inline int linux_epoll_remove(int set, int descriptor) {
    struct linux_event event = {0, 0, 0};
    return (int)syscall(SYS_epoll_ctl, set, 2, descriptor, &event);
}

/// Writes up to `most` members that are ready, and returns their number. Does not wait.
static inline int linux_epoll_ready(int set, struct linux_event *events, int most) {
    return (int)syscall(SYS_epoll_pwait, set, events, most, 0, NULL, 8);
}

/// Makes the kernel drop all packets that arrive for a socket silently, or stop that: socket(7), SO_ATTACH_FILTER with
/// a program of one instruction, "return 0". Returns 0, or -1 and errno.
static inline int linux_drop_arrivals(int socket, int drops) {
    struct {
        unsigned short code;
        unsigned char if_true, if_false;
        unsigned value;
    } nothing = {6, 0, 0, 0};
    struct {
        unsigned short count;
        void *instructions;
    } program = {1, &nothing};
    return (int)syscall(SYS_setsockopt, socket, 1, drops ? 26 : 27, &program, sizeof program);
}

/// A signal's name without SIG, such as TERM (glibc 2.32). NULL for an unknown number.
static inline const char *linux_signal_abbreviation(int signal) {
    extern const char *sigabbrev_np(int signal);
    return sigabbrev_np(signal);
}
