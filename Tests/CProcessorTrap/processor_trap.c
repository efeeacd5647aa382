#define _GNU_SOURCE
#include "processor_trap.h"

#include <cpuid.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

// asm/prctl.h of Linux 6 has these numbers.
enum { get_cpuid = 0x1011, set_cpuid = 0x1012 };

static struct shown_processor shown;
static volatile long count;

static long allow_cpuid(int isAllowed) {
    return syscall(SYS_arch_prctl, set_cpuid, isAllowed);
}

int processor_trap_is_possible(void) {
    if (allow_cpuid(0) != 0) return 0;
    allow_cpuid(1);
    return 1;
}

long processor_trap_count(void) {
    return count;
}

/// Leaf 4 describes a cache by its ways, partitions, bytes of a line and sets. Only the sets are changed.
static void show_cache(unsigned *registers) {
    const unsigned type = registers[0] & 31, level = registers[0] >> 5 & 7;
    if ((type != 1 && type != 3) || level < 1 || level > 3) return;
    const unsigned line = (registers[1] & 0xfff) + 1, ways = (registers[1] >> 22) + 1;
    const unsigned partitions = (registers[1] >> 12 & 0x3ff) + 1;
    registers[2] = shown.cache_bytes[level - 1] / (line * ways * partitions) - 1;
}

/// Executes CPUID in place of the instruction that has trapped, and changes what it shows.
static void handle_trap(int signal, siginfo_t *info, void *context) {
    (void)info;
    greg_t *machine = ((ucontext_t *)context)->uc_mcontext.gregs;
    const unsigned char *instruction = (const unsigned char *)machine[REG_RIP];
    if (instruction[0] != 0x0f || instruction[1] != 0xa2) {
        // Another fault: the instruction is repeated, and ends the process.
        struct sigaction standard = {.sa_handler = SIG_DFL};
        sigaction(signal, &standard, NULL);
        return;
    }
    count++;
    const unsigned leaf = (unsigned)machine[REG_RAX];
    unsigned registers[4];
    allow_cpuid(1);
    __cpuid_count(leaf, (unsigned)machine[REG_RCX], registers[0], registers[1], registers[2], registers[3]);
    allow_cpuid(0);
    if (leaf == 0) {
        memcpy(&registers[1], shown.vendor, 4);
        memcpy(&registers[3], shown.vendor + 4, 4);
        memcpy(&registers[2], shown.vendor + 8, 4);
    }
    if (leaf == 4 || leaf == 0x8000001d) show_cache(registers);
    machine[REG_RAX] = registers[0];
    machine[REG_RBX] = registers[1];
    machine[REG_RCX] = registers[2];
    machine[REG_RDX] = registers[3];
    machine[REG_RIP] += 2;
}

int processor_trap_show(struct shown_processor processor) {
    shown = processor;
    struct sigaction action = {.sa_sigaction = handle_trap, .sa_flags = SA_SIGINFO};
    if (sigaction(SIGSEGV, &action, NULL) != 0) return -1;
    return allow_cpuid(0) == 0 ? 0 : -1;
}
