#pragma once

/// Asks the processor to fetch a cache line that will be read soon. Never faults.
static inline void lockstep_prefetch(const void *address) {
    __builtin_prefetch(address, 0, 3);
}
