#pragma once

/// The number of allocations of the calling thread: calls of malloc and related functions, without those of libzmq, those of
/// the C++ library on behalf of others, and those of oneDNN. -1 where nothing is counted: a sanitizer has its own malloc.
long allocations_of_thread(void);

/// The number of allocations of the calling thread that oneDNN makes, by malloc and related functions or by C++'s operator
/// new. It counts from the first call of any function of this file after oneDNN was opened.
long one_dnn_allocations_of_thread(void);

/// The number of blocks of memory that oneDNN has freed on the calling thread, counted as its allocations are.
long one_dnn_frees_of_thread(void);

/// The call stack of the last counted allocation since the calling thread first asked for the number: return addresses, the
/// innermost first.
///
/// - Returns: How many were written, at most `limit`.
int last_allocation(const void **frames, int limit);

/// The symbol that contains an address; NULL if it is unknown.
const char *name_of_code(const void *address);
