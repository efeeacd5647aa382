#pragma once

/// Allocations of the calling thread so far: calls of malloc and its kin, but for those made by libzmq, by the C++ library
/// on its behalf, and by OpenBLAS. -1 where nothing is counted, as under a sanitizer, which has its own malloc.
long allocations_of_thread(void);

/// The code that made the calling thread's last counted allocation: an address for `addr2line`.
const void *last_allocation(void);
