#pragma once

#include <string.h>

/// Asks the processor to fetch a cache line that will be read soon. Never faults.
static inline void lockstep_prefetch(const void *address) {
    __builtin_prefetch(address, 0, 3);
}

/// A short pause in a spinning loop: it leaves the core's resources to the other hyperthread.
static inline void lockstep_pause(void) {
    __builtin_ia32_pause();
}

/// Reads a word, aligned to 8 bytes, that another process may write: what it wrote before is visible afterwards.
static inline unsigned long long lockstep_load_acquire(const void *address) {
    return __atomic_load_n((const unsigned long long *)address, __ATOMIC_ACQUIRE);
}

/// Writes a word, aligned to 8 bytes, for another process: it sees with it what this thread wrote before.
static inline void lockstep_store_release(void *address, unsigned long long value) {
    __atomic_store_n((unsigned long long *)address, value, __ATOMIC_RELEASE);
}

/// A sequentially consistent fence: what this thread writes before it is visible before what it reads after it.
static inline void lockstep_fence(void) {
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
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

/// CRC-32C (RFC 3720, appendix B.4) by the processor's instruction, which takes eight bytes at a time.
///
/// `crc` is the checksum of the bytes before, complemented; so is the result.
__attribute__((target("sse4.2"))) static inline unsigned lockstep_crc32c_by_instruction(
    unsigned crc, const unsigned char *bytes, long count) {
    unsigned long long state = crc;
    for (; count >= 8; bytes += 8, count -= 8) {
        unsigned long long word;
        memcpy(&word, bytes, sizeof word);
        state = __builtin_ia32_crc32di(state, word);
    }
    crc = (unsigned)state;
    for (; count > 0; bytes++, count--) crc = __builtin_ia32_crc32qi(crc, *bytes);
    return crc;
}

/// The same bit by bit, for processors without the instruction.
static inline unsigned lockstep_crc32c_by_bits(unsigned crc, const unsigned char *bytes, long count) {
    for (; count > 0; bytes++, count--) {
        crc ^= *bytes;
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78 : 0);
    }
    return crc;
}

static inline unsigned lockstep_crc32c(unsigned crc, const void *bytes, long count) {
    return __builtin_cpu_supports("sse4.2") ? lockstep_crc32c_by_instruction(crc, (const unsigned char *)bytes, count)
                                            : lockstep_crc32c_by_bits(crc, (const unsigned char *)bytes, count);
}
