#include "pacing.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/// What a thread waits for first: connections that are preferred, and the threads' mailboxes.
static atomic_int preferred = -1;
static atomic_int interval;
/// Whether this thread accepts connections over TCP.
static _Thread_local int serves_strangers;
/// The descriptors that this thread waits for, once its mailbox is preferred.
static _Thread_local int prepared = -1;

int pacing_start(int milliseconds) {
    if (atomic_load(&preferred) < 0) {
        const int set = epoll_create1(EPOLL_CLOEXEC);
        if (set < 0) return -1;
        int none = -1;
        if (!atomic_compare_exchange_strong(&preferred, &none, set)) close(set);
    }
    atomic_store(&interval, milliseconds);
    return 0;
}

static int control(int set, int operation, int descriptor, struct epoll_event *event) {
    return (int)syscall(SYS_epoll_ctl, set, operation, descriptor, event);
}

static int prefer(int descriptor, int operation, unsigned events) {
    struct epoll_event event = {events, {.fd = descriptor}};
    return control(atomic_load(&preferred), operation, descriptor, &event);
}

int pacing_prefer(int descriptor) {
    return prefer(descriptor, EPOLL_CTL_ADD, EPOLLIN);
}

void pacing_stop_preferring(int descriptor) {
    prefer(descriptor, EPOLL_CTL_DEL, 0);
}

void pacing_record_acceptance(const void *address) {
    const struct sockaddr *peer = address;
    if (peer && (peer->sa_family == AF_INET || peer->sa_family == AF_INET6)) serves_strangers = 1;
}

static int is_event_counter(int descriptor) {
    char path[40], target[40] = "";
    snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    return readlink(path, target, sizeof target - 1) > 0 && strstr(target, "[eventfd]") != NULL;
}

/// Prefers the thread's mailbox, through which the process's other threads wake it: the only event counter in its set.
/// Returns whether it was found.
static int prefer_mailbox(int set) {
    char path[40], line[200];
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", set);
    FILE *file = fopen(path, "re");
    if (!file) return 0;
    int found = 0, descriptor;
    while (!found && fgets(line, sizeof line, file)) {
        if (sscanf(line, "tfd: %d", &descriptor) == 1 && is_event_counter(descriptor)) {
            found = prefer(descriptor, EPOLL_CTL_ADD, EPOLLIN) == 0;
        }
    }
    fclose(file);
    return found;
}

static int wait_for(int set, struct epoll_event *events, int limit, int timeout) {
    return (int)syscall(SYS_epoll_wait, set, events, limit, timeout);
}

int epoll_ctl(int set, int operation, int descriptor, struct epoll_event *event) {
    const int result = control(set, operation, descriptor, event);
    // libzmq waits until it can write only while it has more to write. For other connections than the preferred ones this fails.
    if (result == 0 && serves_strangers && operation == EPOLL_CTL_MOD) prefer(descriptor, operation, event->events);
    return result;
}

int epoll_wait(int set, struct epoll_event *events, int limit, int timeout) {
    const int pause = atomic_load(&interval);
    if (serves_strangers && pause > 0 && timeout != 0) {
        // Without its mailbox the thread would send too late. Then it does not wait.
        if (prepared != set) prepared = prefer_mailbox(set) ? set : -1;
        if (prepared == set) {
            struct epoll_event ready[64];
            wait_for(atomic_load(&preferred), ready, 64, timeout > 0 && timeout < pause ? timeout : pause);
        }
    }
    return wait_for(set, events, limit, timeout);
}
