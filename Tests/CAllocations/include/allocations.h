#pragma once

/// The number of allocations of the calling thread: calls of malloc and related functions, without those of libzmq and of
/// the C++ library on its behalf, and without those of ``one_dnn_allocations_of_thread`` once that has been called. -1 where nothing is counted: a sanitizer has its own malloc.
long allocations_of_thread(void);

/// The number of allocations of the calling thread that oneDNN makes, counted from the first call after it was opened.
long one_dnn_allocations_of_thread(void);

/// The call stack of the last counted allocation since the calling thread first asked for the number: return addresses, the
/// innermost first.
///
/// - Returns: How many were written, at most `limit`.
int last_allocation(const void **frames, int limit);

/// The symbol that contains an address; NULL if it is unknown.
const char *name_of_code(const void *address);
