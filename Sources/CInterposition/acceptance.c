#include "acceptance.h"
#include "pacing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

int accept4(int socket, void *address, unsigned *length, int flags);
int accept(int socket, void *address, unsigned *length);

/// Connections have numbers below this one; 0: any.
static atomic_int limit;
/// The lowest number for the next connection.
static atomic_int next;

void acceptance_take_turns_below(int new_limit) {
    atomic_store(&limit, new_limit);
}

/// The free number that comes next, from `first` on; -1 if there is none below the limit.
static int duplicate(int connection, int first) {
    const int flags = fcntl(connection, F_GETFD);
    if (flags < 0) return -1;
    const int moved = fcntl(connection, flags & FD_CLOEXEC ? F_DUPFD_CLOEXEC : F_DUPFD, first);
    if (moved < atomic_load(&limit)) return moved;
    close(moved);
    return -1;
}

/// Gives a connection the number that comes next. It keeps its own where that is not possible.
static int in_turn(int connection) {
    // A number beyond the limit is one of a reserve, because all others are in use.
    if (connection >= atomic_load(&limit)) return connection;
    const int first = atomic_load(&next);
    int moved = first > connection ? duplicate(connection, first) : -1;
    // The first turn, and each turn after all numbers have been used.
    if (moved < 0) moved = duplicate(connection, connection + 1);
    if (moved < 0) {
        atomic_store(&next, 0);
        return connection;
    }
    atomic_store(&next, moved + 1);
    close(connection);
    return moved;
}

int accept4(int socket, void *address, unsigned *length, int flags) {
    const int connection = (int)syscall(SYS_accept4, socket, address, length, flags);
    if (connection >= 0) {
        const int error = errno;
        pacing_record_acceptance(address);
        const int number = in_turn(connection);
        errno = error;
        return number;
    }
    if (errno == EMFILE) {
        usleep(acceptance_pause_microseconds);
        errno = ENFILE;
    }
    return connection;
}

int accept(int socket, void *address, unsigned *length) {
    return accept4(socket, address, length, 0);
}
