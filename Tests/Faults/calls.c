// A library for LD_PRELOAD that makes one system call of a process fail, or ends the process at it. check-calls.py uses it.
//
// Only calls on files under $CALLS_ROOT count, each by its kind: open, read, write, sync, rename, truncate, mkdir, remove, mode,
// list, map and lock. $CALLS_FAULT is KIND:FAULT:NUMBER: what happens to the call of this kind with this number, from 1 on. The kind
// `any` stands for all calls that change files. Faults:
//
//     EIO, ENOSPC, EINTR   the call fails with this error and does nothing; with a + appended, so do all later ones
//     short                a read or write is for at most half of its bytes
//     kill                 the process is killed before the call
//     lost                 the same, and what was written since the file's last fsync is gone
//     torn                 the same, and so are the names that were made, renamed or removed since their folder's last fsync
//
// Where the fault happens, a line with the kind, the number and the path is written to the file $CALLS_LOG.
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define NEXT(name) ((__typeof__(&name))next(#name))

enum { MAXIMUM_FILES = 4096, MAXIMUM_CHANGES = 4096 };

// What is undone at a crash.
typedef struct {
    enum { CONTENT, CREATED, RENAMED, REMOVED } kind;
    bool is_durable;
    int file;            // CONTENT: the file, open for reading and writing.
    dev_t device;        // CONTENT: which file.
    ino_t inode;
    char *content;       // CONTENT: what is on the disk; REMOVED, RENAMED: what was at `path`.
    ssize_t size;        // -1: there was no file.
    char path[PATH_MAX]; // CREATED, REMOVED: the name. RENAMED: the new name.
    char old[PATH_MAX];  // RENAMED: the old name.
} Change;

static pthread_mutex_t mutex = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static char *paths[MAXIMUM_FILES];
static Change *changes[MAXIMUM_CHANGES];
static int change_count;
static struct { char kind[16], fault[16]; long number; } plan;
static const char *root;
static long count;
static bool keeps_failing;
static __thread int is_inside;

static void *next(const char *name) { return dlsym(RTLD_NEXT, name); }

__attribute__((constructor)) static void start(void) {
    root = getenv("CALLS_ROOT");
    const char *text = getenv("CALLS_FAULT");
    if (text && sscanf(text, "%15[^:]:%15[^:]:%ld", plan.kind, plan.fault, &plan.number) != 3) abort();
    // Processes that this one starts are not disturbed.
    unsetenv("LD_PRELOAD");
}

static bool counts(const char *path) {
    return root && path && strncmp(path, root, strlen(root)) == 0;
}

// An absolute path without a folder's "." in front.
static bool resolve(int folder, const char *path, char result[PATH_MAX]) {
    if (!path) return false;
    if (path[0] == '/') return snprintf(result, PATH_MAX, "%s", path) < PATH_MAX && counts(result);
    char base[PATH_MAX], link[64];
    snprintf(link, sizeof link, folder == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", folder);
    ssize_t size = syscall(SYS_readlink, link, base, sizeof base - 1);
    if (size < 0) return false;
    base[size] = 0;
    if (strcmp(path, ".") == 0) path = "";
    while (strncmp(path, "./", 2) == 0) path += 2;
    return snprintf(result, PATH_MAX, "%s/%s", base, path) < PATH_MAX && counts(result);
}

static const char *path_of(int file) { return file >= 0 && file < MAXIMUM_FILES ? paths[file] : NULL; }

static void log_line(const char *kind, const char *path) {
    const char *log = getenv("CALLS_LOG");
    if (!log) return;
    int file = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (file < 0) return;
    char line[PATH_MAX + 64];
    int size = snprintf(line, sizeof line, "%s %ld %s\n", kind, count, path);
    syscall(SYS_write, file, line, size);
    syscall(SYS_close, file);
}

// MARK: - What is on the disk

static char *read_all(int file, ssize_t *size) {
    struct stat status;
    if (syscall(SYS_fstat, file, &status) != 0) return NULL;
    char *content = malloc(status.st_size + 1);
    *size = content ? syscall(SYS_pread64, file, content, status.st_size, 0) : 0;
    return content;
}

static char *read_path(const char *path, ssize_t *size) {
    *size = -1;
    int file = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0);
    if (file < 0) return NULL;
    char *content = read_all(file, size);
    syscall(SYS_close, file);
    return content;
}

static Change *add_change(int kind) {
    if (change_count == MAXIMUM_CHANGES) abort();
    Change *change = calloc(1, sizeof *change);
    if (!change) abort();
    change->kind = kind;
    return changes[change_count++] = change;
}

static bool simulates_loss(void) { return strcmp(plan.fault, "lost") == 0 || strcmp(plan.fault, "torn") == 0; }

// Remembers the content of a file on the disk before it changes.
static void will_change(int file) {
    struct stat status;
    if (!simulates_loss() || syscall(SYS_fstat, file, &status) != 0 || !S_ISREG(status.st_mode)) return;
    for (int index = 0; index < change_count; index++) {
        Change *change = changes[index];
        if (change->kind == CONTENT && !change->is_durable && change->device == status.st_dev
            && change->inode == status.st_ino) return;
    }
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    int copy = (int)syscall(SYS_openat, AT_FDCWD, link, O_RDWR | O_CLOEXEC, 0);
    if (copy < 0) return;
    Change *change = add_change(CONTENT);
    change->file = copy;
    change->device = status.st_dev;
    change->inode = status.st_ino;
    change->content = read_all(copy, &change->size);
}

static void did_synchronize(int file) {
    struct stat status;
    const char *path = path_of(file);
    if (!simulates_loss() || !path || syscall(SYS_fstat, file, &status) != 0) return;
    for (int index = 0; index < change_count; index++) {
        Change *change = changes[index];
        if (change->kind == CONTENT) {
            if (change->device == status.st_dev && change->inode == status.st_ino) change->is_durable = true;
        } else if (S_ISDIR(status.st_mode)) {
            size_t size = strlen(path);
            bool is_here = strncmp(change->path, path, size) == 0 && change->path[size] == '/'
                && !strchr(change->path + size + 1, '/');
            if (is_here) change->is_durable = true;
        }
    }
}

static void write_path(const char *path, const char *content, ssize_t size) {
    if (size < 0) {
        syscall(SYS_unlinkat, AT_FDCWD, path, 0);
        return;
    }
    // Not into the file that is there: it may have another name by now.
    syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    int file = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    syscall(SYS_write, file, content, size);
    syscall(SYS_close, file);
}

static void crash(void) {
    bool loses_names = strcmp(plan.fault, "torn") == 0;
    for (int index = change_count - 1; index >= 0 && simulates_loss(); index--) {
        Change *change = changes[index];
        if (change->is_durable) continue;
        if (change->kind == CONTENT) {
            syscall(SYS_ftruncate, change->file, 0);
            syscall(SYS_pwrite64, change->file, change->content, change->size, 0);
        } else if (loses_names && change->kind == RENAMED) {
            syscall(SYS_renameat2, AT_FDCWD, change->path, AT_FDCWD, change->old, 0);
            if (change->size >= 0) write_path(change->path, change->content, change->size);
        } else if (loses_names && change->kind == CREATED) {
            syscall(SYS_unlinkat, AT_FDCWD, change->path, 0);
        } else if (loses_names && change->kind == REMOVED) {
            write_path(change->path, change->content, change->size);
        }
    }
    syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
    for (;;) pause();
}

// MARK: - The fault

typedef enum { PASS, FAIL, SHORT } Outcome;

// Counts a call, which holds the mutex, and says what happens to it; sets errno where it fails.
static Outcome decide(const char *kind, bool is_change, const char *path) {
    bool is_counted = strcmp(plan.kind, kind) == 0 || (is_change && strcmp(plan.kind, "any") == 0);
    if (!is_counted) return PASS;
    count++;
    bool is_first = count == plan.number;
    if (!is_first && !keeps_failing) return PASS;
    if (is_first) log_line(kind, path);
    if (strncmp(plan.fault, "E", 1) == 0) {
        keeps_failing = strchr(plan.fault, '+') != NULL;
        errno = strncmp(plan.fault, "EIO", 3) == 0 ? EIO : strncmp(plan.fault, "ENOSPC", 6) == 0 ? ENOSPC : EINTR;
        return FAIL;
    }
    if (strcmp(plan.fault, "short") == 0) return SHORT;
    crash();
    return PASS;
}

static bool enter(void) {
    if (!root || is_inside) return false;
    is_inside = 1;
    pthread_mutex_lock(&mutex);
    return true;
}

static void leave(void) {
    pthread_mutex_unlock(&mutex);
    is_inside = 0;
}

// MARK: - Calls

static int open_at(int folder, const char *path, int flags, mode_t mode) {
    char full[PATH_MAX];
    if (!enter()) return (int)syscall(SYS_openat, folder, path, flags, mode);
    int result = -1;
    if (!resolve(folder, path, full)) {
        result = (int)syscall(SYS_openat, folder, path, flags, mode);
    } else {
        bool is_change = flags & (O_CREAT | O_TRUNC);
        if (decide("open", is_change, full) == PASS) {
            bool exists = syscall(SYS_faccessat, AT_FDCWD, full, F_OK) == 0;
            if (exists && flags & O_TRUNC) {
                int file = (int)syscall(SYS_openat, folder, path, O_RDONLY | O_CLOEXEC, 0);
                if (file >= 0) {
                    will_change(file);
                    syscall(SYS_close, file);
                }
            }
            result = (int)syscall(SYS_openat, folder, path, flags, mode);
            if (result >= 0 && !exists && simulates_loss()) {
                strcpy(add_change(CREATED)->path, full);
            }
            if (result >= 0 && result < MAXIMUM_FILES) {
                free(paths[result]);
                paths[result] = strdup(full);
            }
        }
    }
    int error = errno;
    leave();
    errno = error;
    return result;
}

int open(const char *path, int flags, ...) {
    va_list list;
    va_start(list, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0;
    va_end(list);
    return open_at(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    va_list list;
    va_start(list, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0;
    va_end(list);
    return open_at(AT_FDCWD, path, flags, mode);
}

int openat(int folder, const char *path, int flags, ...) {
    va_list list;
    va_start(list, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0;
    va_end(list);
    return open_at(folder, path, flags, mode);
}

int close(int file) {
    if (path_of(file) && enter()) {
        free(paths[file]);
        paths[file] = NULL;
        leave();
    }
    return (int)syscall(SYS_close, file);
}

// The body of a function that calls `call` on an open file. A short call is made with half of `size`.
#define ON_FILE(type, kind, is_change, file, size, call)                                                               \
    do {                                                                                                               \
        if (!path_of(file) || !enter()) return call;                                                                   \
        type result = -1;                                                                                              \
        Outcome outcome = decide(kind, is_change, path_of(file));                                                      \
        if (outcome == SHORT && size > 1) size = size / 2;                                                             \
        if (outcome != FAIL) {                                                                                         \
            if (is_change) will_change(file);                                                                          \
            result = call;                                                                                             \
            if (result == 0 && strcmp(kind, "sync") == 0) did_synchronize(file);                                       \
        }                                                                                                              \
        int error = errno;                                                                                             \
        leave();                                                                                                       \
        errno = error;                                                                                                 \
        return result;                                                                                                 \
    } while (0)

ssize_t read(int file, void *bytes, size_t size) {
    ON_FILE(ssize_t, "read", false, file, size, syscall(SYS_read, file, bytes, size));
}

ssize_t pread(int file, void *bytes, size_t size, off_t offset) {
    ON_FILE(ssize_t, "read", false, file, size, syscall(SYS_pread64, file, bytes, size, offset));
}

ssize_t pread64(int file, void *bytes, size_t size, off64_t offset) {
    ON_FILE(ssize_t, "read", false, file, size, syscall(SYS_pread64, file, bytes, size, offset));
}

ssize_t write(int file, const void *bytes, size_t size) {
    ON_FILE(ssize_t, "write", true, file, size, syscall(SYS_write, file, bytes, size));
}

ssize_t pwrite(int file, const void *bytes, size_t size, off_t offset) {
    ON_FILE(ssize_t, "write", true, file, size, syscall(SYS_pwrite64, file, bytes, size, offset));
}

ssize_t pwrite64(int file, const void *bytes, size_t size, off64_t offset) {
    ON_FILE(ssize_t, "write", true, file, size, syscall(SYS_pwrite64, file, bytes, size, offset));
}

static size_t one = 1;

int fsync(int file) { ON_FILE(int, "sync", false, file, one, (int)syscall(SYS_fsync, file)); }

int fdatasync(int file) { ON_FILE(int, "sync", false, file, one, (int)syscall(SYS_fdatasync, file)); }

int ftruncate(int file, off_t size) {
    ON_FILE(int, "truncate", true, file, one, (int)syscall(SYS_ftruncate, file, size));
}

int ftruncate64(int file, off64_t size) {
    ON_FILE(int, "truncate", true, file, one, (int)syscall(SYS_ftruncate, file, size));
}

int fchmod(int file, mode_t mode) { ON_FILE(int, "mode", false, file, one, (int)syscall(SYS_fchmod, file, mode)); }

int flock(int file, int operation) { ON_FILE(int, "lock", false, file, one, (int)syscall(SYS_flock, file, operation)); }

void *mmap(void *address, size_t size, int protection, int flags, int file, off_t offset) {
    if (path_of(file) && enter()) {
        Outcome outcome = decide("map", false, path_of(file));
        int error = errno;
        leave();
        errno = error;
        if (outcome == FAIL) return MAP_FAILED;
    }
    return (void *)syscall(SYS_mmap, address, size, protection, flags, file, offset);
}

static int rename_at(int old_folder, const char *old, int folder, const char *path, unsigned flags) {
    char from[PATH_MAX], to[PATH_MAX];
    if (!resolve(old_folder, old, from) || !resolve(folder, path, to) || !enter()) {
        return (int)syscall(SYS_renameat2, old_folder, old, folder, path, flags);
    }
    int result = -1;
    if (decide("rename", true, to) != FAIL) {
        ssize_t size = -1;
        char *content = simulates_loss() ? read_path(to, &size) : NULL;
        result = (int)syscall(SYS_renameat2, old_folder, old, folder, path, flags);
        if (result == 0 && simulates_loss()) {
            Change *change = add_change(RENAMED);
            strcpy(change->path, to);
            strcpy(change->old, from);
            change->content = content;
            change->size = size;
        }
    }
    int error = errno;
    leave();
    errno = error;
    return result;
}

int rename(const char *old, const char *path) { return rename_at(AT_FDCWD, old, AT_FDCWD, path, 0); }

int renameat(int old_folder, const char *old, int folder, const char *path) {
    return rename_at(old_folder, old, folder, path, 0);
}

int renameat2(int old_folder, const char *old, int folder, const char *path, unsigned flags) {
    return rename_at(old_folder, old, folder, path, flags);
}

static int remove_at(int folder, const char *path, int flags) {
    char full[PATH_MAX];
    if (!resolve(folder, path, full) || !enter()) return (int)syscall(SYS_unlinkat, folder, path, flags);
    int result = -1;
    if (decide("remove", true, full) != FAIL) {
        ssize_t size = -1;
        char *content = simulates_loss() ? read_path(full, &size) : NULL;
        result = (int)syscall(SYS_unlinkat, folder, path, flags);
        if (result == 0 && size >= 0) {
            Change *change = add_change(REMOVED);
            strcpy(change->path, full);
            change->content = content;
            change->size = size;
        }
    }
    int error = errno;
    leave();
    errno = error;
    return result;
}

int unlink(const char *path) { return remove_at(AT_FDCWD, path, 0); }
int unlinkat(int folder, const char *path, int flags) { return remove_at(folder, path, flags); }
int rmdir(const char *path) { return remove_at(AT_FDCWD, path, AT_REMOVEDIR); }

int mkdir(const char *path, mode_t mode) {
    char full[PATH_MAX];
    if (!resolve(AT_FDCWD, path, full) || !enter()) return (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
    int result = decide("mkdir", true, full) == FAIL ? -1 : (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
    int error = errno;
    leave();
    errno = error;
    return result;
}

DIR *opendir(const char *path) {
    char full[PATH_MAX];
    if (resolve(AT_FDCWD, path, full) && enter()) {
        Outcome outcome = decide("list", false, full);
        int error = errno;
        leave();
        errno = error;
        if (outcome == FAIL) return NULL;
    }
    return NEXT(opendir)(path);
}
