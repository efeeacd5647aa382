#pragma once

/// What the instruction CPUID is to show instead of the truth. The features stay the true ones.
struct shown_processor {
    /// 12 characters, such as "AuthenticAMD".
    const char *vendor;
    /// Bytes of the caches of level 1 (data), 2 and 3.
    unsigned cache_bytes[3];
};

/// Whether this machine can make CPUID trap: arch_prctl(2), ARCH_CPUID.
int processor_trap_is_possible(void);

/// From now on CPUID shows this to the calling thread, and to threads that it makes.
///
/// - Returns: 0; -1 if CPUID cannot be made to trap.
int processor_trap_show(struct shown_processor processor);

/// How often CPUID has trapped.
long processor_trap_count(void);
