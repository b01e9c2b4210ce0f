/* A wall clock that is wrong for one program: laid over the C library's by LD_PRELOAD. So many seconds are added as the
 * file says that MILLRACE_CLOCK_AHEAD names, eight bytes in the machine's order, read anew each time. What runs since the
 * machine was started is left as it is: setting a clock does not change it. The name of this run of the machine is read
 * from the file that MILLRACE_CLOCK_BOOT names. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int64_t added(void) {
    static const volatile int64_t *seconds;
    if (!seconds) {
        int file = open(getenv("MILLRACE_CLOCK_AHEAD"), O_RDONLY | O_CLOEXEC);
        void *place = mmap(NULL, sizeof *seconds, PROT_READ, MAP_SHARED, file, 0);
        if (place == MAP_FAILED) abort();
        close(file);
        seconds = place;
    }
    return *seconds;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    long failed = syscall(SYS_clock_gettime, clock, now);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += added();
    return (int)failed;
}

int gettimeofday(struct timeval *now, void *zone) {
    struct timespec precise;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &precise);
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *now) {
    struct timespec precise;
    clock_gettime(CLOCK_REALTIME, &precise);
    if (now) *now = precise.tv_sec;
    return precise.tv_sec;
}

int open64(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = va_arg(rest, mode_t);
    va_end(rest);
    if (!strcmp(path, "/proc/sys/kernel/random/boot_id")) path = getenv("MILLRACE_CLOCK_BOOT");
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}
