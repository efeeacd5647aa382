#pragma once

// The compiler vectorises a plain loop for each of these processors, and the program picks the version with the widest
// vectors when it starts. Not under ThreadSanitizer: the function that picks runs before the sanitizer is ready.
#if defined(__x86_64__) && !__has_feature(thread_sanitizer)
#define FOR_EVERY_PROCESSOR __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define FOR_EVERY_PROCESSOR
#endif
