#include "acceptance.h"

#include <errno.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

int accept4(int socket, void *address, unsigned *length, int flags);
int accept(int socket, void *address, unsigned *length);

int accept4(int socket, void *address, unsigned *length, int flags) {
    const int connection = (int)syscall(SYS_accept4, socket, address, length, flags);
    if (connection < 0 && errno == EMFILE) {
        usleep(acceptance_pause_microseconds);
        errno = ENFILE;
    }
    return connection;
}

int accept(int socket, void *address, unsigned *length) {
    return accept4(socket, address, length, 0);
}
