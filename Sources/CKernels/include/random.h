#pragma once

#include <stdint.h>

/// Four random words.
struct lockstep_words {
    uint32_t word[4];
};

/// The counter-based generator Philox4x32-10: ten rounds of two 32 x 32 -> 64 bit products each.
///
/// Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC '11. Four scalars
/// in place of a vector, so that the compiler can vectorise a loop over it.
static inline struct lockstep_words lockstep_philox(
    uint32_t x0, uint32_t x1, uint32_t x2, uint32_t x3, uint32_t key_low, uint32_t key_high) {
    for (int round = 0; round < 10; round++) {
        const uint64_t p0 = (uint64_t)0xD2511F53 * x0;
        const uint64_t p1 = (uint64_t)0xCD9E8D57 * x2;
        x0 = (uint32_t)(p1 >> 32) ^ x1 ^ key_low;
        x1 = (uint32_t)p1;
        x2 = (uint32_t)(p0 >> 32) ^ x3 ^ key_high;
        x3 = (uint32_t)p0;
        // The key schedule is a Weyl sequence: the golden ratio and the square root of 3, minus 1.
        key_low += 0x9E3779B9;
        key_high += 0xBB67AE85;
    }
    return (struct lockstep_words){{x0, x1, x2, x3}};
}

/// The words of the counters (x0, x1, x2, x3 + i): word w of the i-th in `words[w * count + i]`.
void lockstep_philox_fill(
    uint32_t x0, uint32_t x1, uint32_t x2, uint32_t x3, uint32_t key_low, uint32_t key_high, uint32_t *words, long count);

/// The first words of the counters (x0, x1, x2 + i, x3).
void lockstep_philox_first_words(
    uint32_t x0, uint32_t x1, uint32_t x2, uint32_t x3, uint32_t key_low, uint32_t key_high, uint32_t *words, long count);
