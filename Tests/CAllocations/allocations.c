// Counts allocations: replaces malloc and related functions in the executable that links this, and passes every call on to the
// C library.
#define _GNU_SOURCE
#include "allocations.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

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
int last_allocation(const void **frames, int limit) { return 0; }
#else

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static _Thread_local long count, one_dnn_count;
// Return addresses of the last counted call, the innermost first.
#define FRAMES 12
static _Thread_local const void *last[FRAMES];
static _Thread_local int last_count;

// Address ranges of the code of libraries.
struct ranges {
    struct { uintptr_t from, to; } range[16];
    _Atomic int count;
};

// Libraries whose allocations are not counted, and oneDNN, whose allocations are counted apart.
static struct ranges foreign, one_dnn;

static void add_code(struct ranges *ranges, const struct dl_phdr_info *info) {
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type != PT_LOAD || !(part->p_flags & PF_X) || ranges->count == 16) continue;
        ranges->range[ranges->count].from = info->dlpi_addr + part->p_vaddr;
        ranges->range[ranges->count].to = info->dlpi_addr + part->p_vaddr + part->p_memsz;
        ranges->count++;
    }
}

static int add_foreign(struct dl_phdr_info *info, size_t size, void *context) {
    (void)size, (void)context;
    if (strstr(info->dlpi_name, "libzmq") || strstr(info->dlpi_name, "libstdc++")) add_code(&foreign, info);
    return 0;
}

static int add_one_dnn(struct dl_phdr_info *info, size_t size, void *context) {
    (void)size, (void)context;
    if (strstr(info->dlpi_name, "libdnnl")) add_code(&one_dnn, info);
    return 0;
}

__attribute__((constructor)) static void add_libraries(void) { dl_iterate_phdr(add_foreign, NULL); }

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

static _Thread_local bool is_followed;

static void count_call(const void *caller, const void *frame) {
    uintptr_t address = (uintptr_t)caller;
    if (contains(&foreign, address)) return;
    if (contains(&one_dnn, address)) {
        one_dnn_count++;
        return;
    }
    count++;
    if (is_followed) record_frames(caller, frame);
}

long allocations_of_thread(void) {
    is_followed = true;
    return count;
}

long one_dnn_allocations_of_thread(void) {
    // The program opens it while it runs. All callers are tests of one thread.
    if (one_dnn.count == 0) dl_iterate_phdr(add_one_dnn, NULL);
    return one_dnn_count;
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
#endif
