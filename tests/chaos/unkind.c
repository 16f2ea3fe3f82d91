/* A machine that is unkind to the processes that run under it: its clock is off, its disk is full. Preloaded; the file that
   UNKIND names holds two numbers, read at each call: seconds that the clock is off, and whether writes to spools fail. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *told;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("UNKIND");
    int file = path ? open(path, O_RDONLY) : -1;
    if (file < 0) return;
    void *there = mmap(NULL, 16, PROT_READ, MAP_SHARED, file, 0);
    if (there != MAP_FAILED) told = there;
    close(file);
}

#define REAL(name, type) static type real; if (!real) real = (type)dlsym(RTLD_NEXT, #name)

typedef int (*clock_t_)(clockid_t, struct timespec *);
int clock_gettime(clockid_t id, struct timespec *at) {
    REAL(clock_gettime, clock_t_);
    int out = real(id, at);
    if (out == 0 && told && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) at->tv_sec += told[0];
    return out;
}

typedef int (*day_t_)(struct timeval *, void *);
int gettimeofday(struct timeval *at, void *zone) {
    REAL(gettimeofday, day_t_);
    int out = real(at, zone);
    if (out == 0 && told) at->tv_sec += told[0];
    return out;
}

typedef time_t (*time_t_)(time_t *);
time_t time(time_t *at) {
    REAL(time, time_t_);
    time_t out = real(NULL) + (told ? told[0] : 0);
    if (at) *at = out;
    return out;
}

static int full(int file) {
    if (!told || !told[1]) return 0;
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 0) return 0;
    path[size] = 0;
    return strstr(path, "/receive/") || strstr(path, "spool.db");
}

typedef ssize_t (*write_t_)(int, const void *, size_t);
ssize_t write(int file, const void *data, size_t size) {
    REAL(write, write_t_);
    if (full(file)) {
        if (size > 64 && told[1] == 2) return real(file, data, size / 2); /* the last bytes that there are */
        errno = ENOSPC;
        return -1;
    }
    return real(file, data, size);
}

typedef ssize_t (*pwrite_t_)(int, const void *, size_t, off_t);
ssize_t pwrite64(int file, const void *data, size_t size, off_t at) {
    REAL(pwrite64, pwrite_t_);
    if (full(file)) {
        errno = ENOSPC;
        return -1;
    }
    return real(file, data, size, at);
}
ssize_t pwrite(int file, const void *data, size_t size, off_t at) { return pwrite64(file, data, size, at); }
