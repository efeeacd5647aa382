// Counts allocations: replaces malloc and related functions in the executable that links this, and passes every call on to the
// C library.
#define _GNU_SOURCE
#include "allocations.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unwind.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define UNCOUNTED 1
#endif
#endif

const char *name_of_code(const void *address) {
    Dl_info info;
    return dladdr(address, &info) ? info.dli_sname : NULL;
}

#ifdef UNCOUNTED
long allocations_of_thread(void) { return -1; }
long one_dnn_allocations_of_thread(void) { return -1; }
long one_dnn_frees_of_thread(void) { return -1; }
int last_allocation(const void **frames, int limit) { return 0; }
#else

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

static _Thread_local long count, one_dnn_count, one_dnn_free_count;
// Return addresses of the last counted call, the innermost first.
#define FRAMES 12
static _Thread_local const void *last[FRAMES];
static _Thread_local int last_count;

// Address ranges of the code of libraries.
struct ranges {
    struct { uintptr_t from, to; } range[16];
    _Atomic int count;
};

// libzmq, whose allocations are not counted; the C++ library, whose operator new allocates for others; oneDNN, whose
// allocations are counted apart.
static struct ranges libzmq, cxx, one_dnn;

static void add_code(struct ranges *ranges, const struct dl_phdr_info *info) {
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type != PT_LOAD || !(part->p_flags & PF_X) || ranges->count == 16) continue;
        ranges->range[ranges->count].from = info->dlpi_addr + part->p_vaddr;
        ranges->range[ranges->count].to = info->dlpi_addr + part->p_vaddr + part->p_memsz;
        ranges->count++;
    }
}

static int add_linked(struct dl_phdr_info *info, size_t size, void *context) {
    (void)size, (void)context;
    if (strstr(info->dlpi_name, "libzmq")) add_code(&libzmq, info);
    if (strstr(info->dlpi_name, "libstdc++")) add_code(&cxx, info);
    return 0;
}

static int add_one_dnn(struct dl_phdr_info *info, size_t size, void *context) {
    (void)size, (void)context;
    if (strstr(info->dlpi_name, "libdnnl")) add_code(&one_dnn, info);
    return 0;
}

__attribute__((constructor)) static void add_libraries(void) { dl_iterate_phdr(add_linked, NULL); }

// Finds oneDNN once the program has opened it. Several threads may ask at once.
static void find_one_dnn(void) {
    static atomic_flag is_searched = ATOMIC_FLAG_INIT;
    if (one_dnn.count > 0) return;
    while (atomic_flag_test_and_set(&is_searched)) {}
    if (one_dnn.count == 0) dl_iterate_phdr(add_one_dnn, NULL);
    atomic_flag_clear(&is_searched);
}

static bool contains(const struct ranges *ranges, uintptr_t address) {
    for (int i = 0; i < ranges->count; i++)
        if (address >= ranges->range[i].from && address < ranges->range[i].to) return true;
    return false;
}

// Follows the frame pointers while each lies a plausible distance above the last.
static void record_frames(const void *caller, const uintptr_t *frame) {
    last[0] = caller;
    last_count = 1;
    while (last_count < FRAMES) {
        const uintptr_t *next = (const uintptr_t *)frame[0];
        // Code without frame pointers may leave anything there.
        if ((uintptr_t)next % 8 || (uintptr_t)next - (uintptr_t)frame - 1 >= 1 << 14) return;
        frame = next;
        last[last_count++] = (const void *)frame[1];
    }
}

// Looks for the first caller outside the C++ library.
static _Unwind_Reason_Code find_caller(struct _Unwind_Context *context, void *found) {
    uintptr_t address = _Unwind_GetIP(context), *caller = found;
    bool is_outside = !contains(&cxx, address);
    // The innermost frames are those of this file.
    if (*caller == 0 && is_outside) return _URC_NO_REASON;
    *caller = address;
    return is_outside ? _URC_END_OF_STACK : _URC_NO_REASON;
}

// Whether the C++ library, which is allocating, does so for oneDNN. It has no frame pointers.
static bool is_for_one_dnn(void) {
    static _Thread_local bool is_unwinding;
    if (one_dnn.count == 0 || is_unwinding) return false;
    is_unwinding = true;
    uintptr_t caller = 0;
    _Unwind_Backtrace(find_caller, &caller);
    is_unwinding = false;
    return contains(&one_dnn, caller);
}

static _Thread_local bool is_followed;

static void count_call(const void *caller, const void *frame) {
    uintptr_t address = (uintptr_t)caller;
    if (contains(&libzmq, address)) return;
    if (contains(&one_dnn, address)) {
        one_dnn_count++;
        return;
    }
    if (contains(&cxx, address)) {
        if (is_for_one_dnn()) one_dnn_count++;
        return;
    }
    count++;
    if (is_followed) record_frames(caller, frame);
}

// C++'s operator delete ends in a jump to free, so that the caller of delete is the caller of free.
static void count_free(const void *caller) {
    if (contains(&one_dnn, (uintptr_t)caller)) one_dnn_free_count++;
}

long allocations_of_thread(void) {
    find_one_dnn();
    is_followed = true;
    return count;
}

long one_dnn_allocations_of_thread(void) {
    find_one_dnn();
    return one_dnn_count;
}

long one_dnn_frees_of_thread(void) {
    find_one_dnn();
    return one_dnn_free_count;
}

int last_allocation(const void **frames, int limit) {
    int found = last_count < limit ? last_count : limit;
    for (int i = 0; i < found; i++) frames[i] = last[i];
    return found;
}

void *malloc(size_t size) {
    count_call(__builtin_return_address(0), __builtin_frame_address(0));
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
    count_call(__builtin_return_address(0), __builtin_frame_address(0));
    return __libc_calloc(number, size);
}

void *realloc(void *memory, size_t size) {
    count_call(__builtin_return_address(0), __builtin_frame_address(0));
    return __libc_realloc(memory, size);
}

void *memalign(size_t alignment, size_t size) {
    count_call(__builtin_return_address(0), __builtin_frame_address(0));
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    count_call(__builtin_return_address(0), __builtin_frame_address(0));
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
    count_call(__builtin_return_address(0), __builtin_frame_address(0));
    *memory = __libc_memalign(alignment, size);
    return *memory ? 0 : ENOMEM;
}

void free(void *memory) {
    if (memory) count_free(__builtin_return_address(0));
    __libc_free(memory);
}
#endif
