#include "pacing.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/// Which set waits for a descriptor, for which events, and with what data.
struct registration {
    /// One more than the set's descriptor; 0: no set waits.
    int set;
    unsigned events;
    epoll_data_t data;
};

/// The most descriptors that have a registration. Memory is taken for those that are used.
static const size_t maximum_registrations = 1 << 20;

/// What a thread waits for first: connections that are preferred, and the threads' mailboxes.
static atomic_int preferred = -1;
static atomic_int interval;
/// The registrations by descriptor; NULL at the start. A descriptor's registration is used by the thread that waits for it.
static _Atomic(struct registration *) registrations;
static size_t registration_count;
/// Whether this thread accepts connections over TCP.
static _Thread_local int serves_strangers;
/// The descriptors that this thread waits for, once its mailbox is preferred.
static _Thread_local int prepared = -1;
/// When this thread last handled all that had arrived, in nanoseconds.
static _Thread_local long long last_complete_wait;

static void make_registrations(void) {
    struct rlimit limit;
    if (atomic_load(&registrations) || getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    registration_count = limit.rlim_max < maximum_registrations ? limit.rlim_max : maximum_registrations;
    atomic_store(&registrations, calloc(registration_count, sizeof(struct registration)));
}

int pacing_start(int milliseconds) {
    make_registrations();
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

static struct registration *registration(int descriptor) {
    struct registration *all = atomic_load(&registrations);
    return all && descriptor >= 0 && (size_t)descriptor < registration_count ? &all[descriptor] : NULL;
}

static long long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static int wait_for(int set, struct epoll_event *events, int limit, int timeout) {
    return (int)syscall(SYS_epoll_wait, set, events, limit, timeout);
}

int epoll_ctl(int set, int operation, int descriptor, struct epoll_event *event) {
    const int result = control(set, operation, descriptor, event);
    if (result != 0) return result;
    struct registration *entry = registration(descriptor);
    if (entry && operation == EPOLL_CTL_DEL) {
        entry->set = 0;
    } else if (entry) {
        *entry = (struct registration){set + 1, event->events | EPOLLERR | EPOLLHUP, event->data};
    }
    // libzmq waits until it can write only while it has more to write. For other connections than the preferred ones this fails.
    if (serves_strangers && operation == EPOLL_CTL_MOD) prefer(descriptor, operation, event->events);
    if (serves_strangers && operation == EPOLL_CTL_DEL) prefer(descriptor, operation, 0);
    return 0;
}

/// Waits for what is preferred. Returns the number of events that this set waits for, as the set would report them.
static int wait_for_preferred(int set, struct epoll_event *events, int limit, int timeout) {
    struct epoll_event ready[64];
    const int count = wait_for(atomic_load(&preferred), ready, limit < 64 ? limit : 64, timeout);
    int own = 0;
    for (int i = 0; i < count; i++) {
        const struct registration *entry = registration(ready[i].data.fd);
        if (!entry || entry->set != set + 1) continue;
        const unsigned awaited = ready[i].events & entry->events;
        if (awaited) events[own++] = (struct epoll_event){awaited, entry->data};
    }
    return own;
}

int epoll_wait(int set, struct epoll_event *events, int limit, int timeout) {
    const int pause = atomic_load(&interval);
    if (serves_strangers && pause > 0 && timeout != 0) {
        // Without its mailbox the thread would send too late. Then it does not wait.
        if (prepared != set) prepared = prefer_mailbox(set) ? set : -1;
        if (prepared == set) {
            const int least = timeout > 0 && timeout < pause ? timeout : pause;
            const int count = wait_for_preferred(set, events, limit, least);
            if (count > 0 && now() - last_complete_wait < pause * 1000000LL) return count;
        }
        const int count = wait_for(set, events, limit, timeout);
        last_complete_wait = now();
        return count;
    }
    return wait_for(set, events, limit, timeout);
}
