#include "random.h"

#include "clones.h"

FOR_EVERY_PROCESSOR
void lockstep_philox_fill(
    uint32_t x0, uint32_t x1, uint32_t x2, uint32_t x3, uint32_t key_low, uint32_t key_high, uint32_t *restrict words,
    long count) {
    for (long i = 0; i < count; i++) {
        const struct lockstep_words mixed = lockstep_philox(x0, x1, x2, x3 + (uint32_t)i, key_low, key_high);
        words[i] = mixed.word[0];
        words[count + i] = mixed.word[1];
        words[2 * count + i] = mixed.word[2];
        words[3 * count + i] = mixed.word[3];
    }
}

FOR_EVERY_PROCESSOR
void lockstep_philox_first_words(
    uint32_t x0, uint32_t x1, uint32_t x2, uint32_t x3, uint32_t key_low, uint32_t key_high, uint32_t *restrict words,
    long count) {
    for (long i = 0; i < count; i++)
        words[i] = lockstep_philox(x0, x1, x2 + (uint32_t)i, x3, key_low, key_high).word[0];
}
