/* A preload shim: the n-th write, sync, truncate, unlink or open of a file below a folder fails with an errno.
   gcc -shared -fPIC -O1 -o fault.so fault.c -ldl; armed by the child itself through ctypes.CDLL(None).fault_arm. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static char kind[16], folder[512];
static long wanted, seen;
static int code, lasting, armed;

/* With n = 0 the calls are only counted; with `on` every later one fails too, as on a disk that is full. */
void fault_arm(const char *call, long n, int error, int on, const char *below) {
    strncpy(kind, call, sizeof kind - 1);
    strncpy(folder, below, sizeof folder - 1);
    wanted = n; code = error; lasting = on; seen = 0; armed = 1;
}

long fault_seen(void) { return seen; }

static int fails(const char *call, const char *path) {
    if (!armed || strcmp(call, kind) || strncmp(path, folder, strlen(folder))) return 0;
    seen++;
    if (wanted == 0 || (lasting ? seen < wanted : seen != wanted)) return 0;
    errno = code;
    return 1;
}

static int fails_at(const char *call, int descriptor) {
    char link[64], path[512];
    if (!armed || strcmp(call, kind)) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return fails(call, path);
}

#define REAL(type, name, ...) static type (*real)(__VA_ARGS__); if (!real) real = dlsym(RTLD_NEXT, name)

ssize_t write(int d, const void *b, size_t n) {
    REAL(ssize_t, "write", int, const void *, size_t);
    return fails_at("write", d) ? -1 : real(d, b, n);
}
ssize_t pwrite64(int d, const void *b, size_t n, off64_t at) {
    REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
    return fails_at("write", d) ? -1 : real(d, b, n, at);
}
ssize_t pwrite(int d, const void *b, size_t n, off_t at) { return pwrite64(d, b, n, at); }
int fsync(int d) { REAL(int, "fsync", int); return fails_at("sync", d) ? -1 : real(d); }
int fdatasync(int d) { REAL(int, "fdatasync", int); return fails_at("sync", d) ? -1 : real(d); }
int ftruncate64(int d, off64_t n) { REAL(int, "ftruncate64", int, off64_t); return fails_at("truncate", d) ? -1 : real(d, n); }
int ftruncate(int d, off_t n) { return ftruncate64(d, n); }
int unlink(const char *path) { REAL(int, "unlink", const char *); return fails("unlink", path) ? -1 : real(path); }
int open64(const char *path, int flags, ...) {
    REAL(int, "open64", const char *, int, mode_t);
    mode_t mode = 0;
    if (flags & O_CREAT) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); }
    return fails("open", path) ? -1 : real(path, flags, mode);
}
int open(const char *path, int flags, ...) {
    mode_t mode = 0;
    if (flags & O_CREAT) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); }
    return open64(path, flags, mode);
}
