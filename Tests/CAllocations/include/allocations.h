#pragma once

/// Allocations of the calling thread so far: calls of malloc and its kin, but for those made by libzmq, by the C++ library
/// on its behalf, and by OpenBLAS. -1 where nothing is counted, as under a sanitizer, which has its own malloc.
long allocations_of_thread(void);

/// Who made the last allocation that was counted since the calling thread first asked for their number: return addresses,
/// the innermost first.
///
/// - Returns: How many were written, at most `limit`.
int last_allocation(const void **frames, int limit);

/// The symbol that an address belongs to; NULL if it is not known.
const char *name_of_code(const void *address);
