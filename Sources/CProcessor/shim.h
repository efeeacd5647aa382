#pragma once

/// Asks the processor to fetch a cache line that will be read soon. Never faults.
static inline void lockstep_prefetch(const void *address) {
    __builtin_prefetch(address, 0, 3);
}

/// A short pause in a spinning loop: it leaves the core's resources to the other hyperthread.
static inline void lockstep_pause(void) {
    __builtin_ia32_pause();
}

/// The thread's control register of vector arithmetic: MXCSR.
static inline unsigned lockstep_control_register(void) {
    unsigned value;
    __asm__ volatile("stmxcsr %0" : "=m"(value));
    return value;
}

/// Sets MXCSR. The compiler does not know the register: the memory clobber keeps it from moving arithmetic across this
/// call.
static inline void lockstep_set_control_register(unsigned value) {
    __asm__ volatile("ldmxcsr %0" : : "m"(value) : "memory");
}
