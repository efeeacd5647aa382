// epoll_wait(2), and epoll_ctl(2), for libzmq's I/O threads that accept connections over TCP.
//
// libzmq handles what arrives at once. A stranger that sends a few bytes ten thousand times a second wakes an I/O thread as
// often, and each time the thread takes a core from a process that computes. So such a thread first waits for a moment for
// what must not wait: the members' connections, and what this process itself sends. It handles only these until the moment is
// over, and then all that has arrived meanwhile. So it serves strangers a limited number of times a second, however much the
// members send.
#pragma once

#include <sys/epoll.h>

/// Has the I/O threads wait so long from now on; 0, as at the start: not at all.
///
/// Returns -1 with errno if the system refuses a descriptor. Then no thread waits.
int pacing_start(int milliseconds);

/// What happens on this connection does not wait from now on, until the connection is closed. Returns -1 with errno on failure.
int pacing_prefer(int descriptor);

/// What happens on this connection waits as on any other from now on.
void pacing_stop_preferring(int descriptor);

/// Records that the calling thread has accepted a connection with this address.
void pacing_record_acceptance(const void *address);
