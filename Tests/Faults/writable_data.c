// Leaves the data set of a coordinator writable, so that check-flips.py can change it through /proc/PID/mem.
//
// The coordinator protects the region of the data set by mprotect(2). The kernel lets no other process write to a shared
// mapping that is read-only, so this preloaded library makes the protection writable.
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

int mprotect(void *address, size_t size, int protection) {
    if (protection == PROT_READ) protection |= PROT_WRITE;
    int result = (int)syscall(SYS_mprotect, address, size, protection);
    return result == 0 ? 0 : (int)syscall(SYS_mprotect, address, size, PROT_READ);
}
