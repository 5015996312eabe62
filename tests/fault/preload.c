/*
 * A library for LD_PRELOAD that makes chosen system calls fail, or ends the process at them.
 *
 *     COFRE_FAULT="path=/vault/,op=write|fsync,nth=17,do=EIO"
 *
 *   path=TEXT    only calls on a file whose path has TEXT in it.  The path is the one that the kernel
 *                knows (/proc/self/fd); of an unnamed file that of its directory, with "/#" and a number
 *   op=A|B       only these calls; without it, or with `any`, all that change something:
 *                  open    open, openat, creat that may write or make a file
 *                  write   write, writev, pwrite, pwritev
 *                  fsync   fsync, fdatasync
 *                  rename  rename, renameat, renameat2
 *                  link    link, linkat
 *                  unlink  unlink, unlinkat, rmdir
 *                  trunc   truncate, ftruncate
 *                  alloc   fallocate, posix_fallocate
 *                  mkdir   mkdir, mkdirat
 *                and, only when they are named:
 *                  look    open and openat for reading
 *                  read    read, readv, pread
 *   nth=N        the N-th such call (from 1; this is the default), counted in this process
 *   count=FILE   counted in all processes that share FILE, which has 8 zero bytes at the beginning
 *   times=N      N calls from the N-th on; 0: all of them.  1 is the default
 *   while=FILE   only as long as FILE exists; calls are counted all the same
 *   do=WHAT      EIO, ENOSPC, EDQUOT, EROFS, EACCES, EMFILE: fails, nothing was done
 *                short    half of a write is done, and its length returned
 *                half     half of a write is done, and it fails with ENOSPC
 *                kill     SIGKILL instead of the call
 *                torn     half of a write is done, then SIGKILL
 *                after    the call is done, then SIGKILL
 *                skip     nothing is done, and the call says that it was
 *                flip     one bit in the middle of what is written is another
 *                without it nothing happens: to count calls
 *   log=FILE     a line "N PID op path" for each call that is counted
 *
 * What libc calls for itself (stdio) is not seen.  Calls are made with syscall(2), so that nothing of
 * libc's, or of a sanitizer's, is needed.  Where a program was built with gcc's AddressSanitizer, its
 * library comes first in LD_PRELOAD.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "preload_plan.h"

#define EXPORT __attribute__((visibility("default")))

static void
die(void)
{
    (void)syscall(SYS_kill, (long)getpid(), SIGKILL);
}

/* Instead of the call.  True: *result is its outcome, and the call is not to be made. */
static bool
instead(enum preload_deed deed, long *result)
{
    if (deed == KILL || deed == TORN)
        die();
    *result = 0;
    if (deed == FAIL || deed == HALF) {
        errno = preload_plan_error();
        *result = -1;
    }
    return deed == FAIL || deed == HALF || deed == SKIP;
}

static long
done(enum preload_deed deed, long result)
{
    if (deed == AFTER)
        die();
    return result;
}

/* A call with a path in it, or on a descriptor, that is not a write. */
#define CALL(type, judged, ...)                        \
    {                                                  \
        const enum preload_deed deed = judged;         \
        long result;                                   \
                                                       \
        if (instead(deed, &result))                    \
            return (type)result;                       \
        return (type)done(deed, syscall(__VA_ARGS__)); \
    }

/* ---- open ---- */

static int
open_at(int dir, const char *path, int flags, mode_t mode)
{
    const bool changes = (flags & (O_CREAT | O_TRUNC)) != 0 || (flags & O_ACCMODE) != O_RDONLY;
    const enum preload_deed deed = preload_plan_path(changes ? OPEN : LOOK, dir, path);
    long result;

    if (deed == SKIP) /* there is no descriptor to pretend */
        errno = EIO;
    if (deed == SKIP || instead(deed, &result))
        return -1;
    return (int)done(deed, syscall(SYS_openat, dir, path, flags, mode));
}

#define MODE(flags)                                                   \
    mode_t mode = 0;                                                  \
    if (((flags)&O_CREAT) != 0 || ((flags)&O_TMPFILE) == O_TMPFILE) { \
        va_list args;                                                 \
        va_start(args, flags);                                        \
        mode = va_arg(args, mode_t);                                  \
        va_end(args);                                                 \
    }

#define OPENS(name)                                   \
    EXPORT int name(const char *path, int flags, ...) \
    {                                                 \
        MODE(flags)                                   \
        return open_at(AT_FDCWD, path, flags, mode);  \
    }
#define OPENS_AT(name)                                         \
    EXPORT int name(int dir, const char *path, int flags, ...) \
    {                                                          \
        MODE(flags)                                            \
        return open_at(dir, path, flags, mode);                \
    }
OPENS(open)
OPENS(open64)
OPENS_AT(openat)
OPENS_AT(openat64)

EXPORT int
creat(const char *path, mode_t mode)
{
    return open_at(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}

/* ---- reading and writing ---- */

/* at < 0: where the file stands. */
static ssize_t
write_at(int fd, const void *p, size_t len, off_t at)
{
    return at < 0 ? syscall(SYS_write, fd, p, len) : syscall(SYS_pwrite64, fd, p, len, at);
}

static ssize_t
write_flipped(int fd, const void *p, size_t len, off_t at)
{
    uint8_t *copy = malloc(len);
    ssize_t n = -1;

    if (copy != NULL) {
        memcpy(copy, p, len);
        copy[len / 2] ^= 4;
        n = write_at(fd, copy, len, at);
    }
    free(copy);
    return n;
}

static ssize_t
write_as(enum preload_deed deed, int fd, struct iovec what, off_t at)
{
    const void *p = what.iov_base;
    const size_t len = what.iov_len;
    long result;

    if (deed == SHORT && len > 1)
        return write_at(fd, p, len / 2, at);
    if ((deed == TORN || deed == HALF) && len > 1)
        (void)write_at(fd, p, len / 2, at);
    if (deed == SKIP)
        return (ssize_t)len;
    if (deed == FLIP && len > 0)
        return write_flipped(fd, p, len, at);
    if (instead(deed, &result))
        return result;
    return done(deed, write_at(fd, p, len, at));
}

static ssize_t
write_one(int fd, const void *p, size_t len, off_t at)
{
    const struct iovec what = {(void *)(uintptr_t)p, len};

    return write_as(preload_plan_fd(WRITE, fd), fd, what, at);
}

/* Of several pieces the first one is written short, torn or flipped, as if it were alone. */
static ssize_t
write_many(int fd, const struct iovec *v, int n, off_t at)
{
    const enum preload_deed deed = preload_plan_fd(WRITE, fd);

    if (deed != NOTHING && deed != AFTER && n > 0)
        return write_as(deed, fd, v[0], at);
    return done(deed,
                at < 0 ? syscall(SYS_writev, fd, v, n) : syscall(SYS_pwritev, fd, v, n, at, 0));
}

EXPORT ssize_t
write(int fd, const void *p, size_t len)
{
    return write_one(fd, p, len, -1);
}

EXPORT ssize_t
pwrite(int fd, const void *p, size_t len, off_t at)
{
    return write_one(fd, p, len, at);
}

EXPORT ssize_t
pwrite64(int fd, const void *p, size_t len, off_t at)
{
    return write_one(fd, p, len, at);
}

EXPORT ssize_t
writev(int fd, const struct iovec *v, int n)
{
    return write_many(fd, v, n, -1);
}

EXPORT ssize_t
pwritev(int fd, const struct iovec *v, int n, off_t at)
{
    return write_many(fd, v, n, at);
}

EXPORT ssize_t
pwritev64(int fd, const struct iovec *v, int n, off_t at)
{
    return write_many(fd, v, n, at);
}

#define READS(declaration, ...) \
    EXPORT ssize_t declaration CALL(ssize_t, preload_plan_fd(READ, fd), __VA_ARGS__)
READS(read(int fd, void *p, size_t len), SYS_read, fd, p, len)
READS(readv(int fd, const struct iovec *v, int n), SYS_readv, fd, v, n)
READS(pread(int fd, void *p, size_t len, off_t at), SYS_pread64, fd, p, len, at)
READS(pread64(int fd, void *p, size_t len, off_t at), SYS_pread64, fd, p, len, at)

/* ---- the others ---- */

#define ON_FD(op, declaration, ...) \
    EXPORT int declaration CALL(int, preload_plan_fd(op, fd), __VA_ARGS__)
ON_FD(FSYNC, fsync(int fd), SYS_fsync, fd)
ON_FD(FSYNC, fdatasync(int fd), SYS_fdatasync, fd)
ON_FD(TRUNC, ftruncate(int fd, off_t len), SYS_ftruncate, fd, len)
ON_FD(TRUNC, ftruncate64(int fd, off_t len), SYS_ftruncate, fd, len)
ON_FD(ALLOC, fallocate(int fd, int mode, off_t at, off_t len), SYS_fallocate, fd, mode, at, len)
ON_FD(ALLOC, fallocate64(int fd, int mode, off_t at, off_t len), SYS_fallocate, fd, mode, at, len)

#define ON_PATH(op, dir, path, declaration, ...) \
    EXPORT int declaration CALL(int, preload_plan_path(op, dir, path), __VA_ARGS__)
#define HERE AT_FDCWD
ON_PATH(RENAME, HERE, b, rename(const char *a, const char *b), SYS_rename, a, b)
ON_PATH(RENAME, db, b, renameat(int da, const char *a, int db, const char *b), SYS_renameat, da, a,
        db, b)
ON_PATH(RENAME, db, b, renameat2(int da, const char *a, int db, const char *b, unsigned flags),
        SYS_renameat2, da, a, db, b, flags)
ON_PATH(LINK, HERE, b, link(const char *a, const char *b), SYS_link, a, b)
ON_PATH(LINK, db, b, linkat(int da, const char *a, int db, const char *b, int flags), SYS_linkat,
        da, a, db, b, flags)
ON_PATH(UNLINK, HERE, a, unlink(const char *a), SYS_unlink, a)
ON_PATH(UNLINK, d, a, unlinkat(int d, const char *a, int flags), SYS_unlinkat, d, a, flags)
ON_PATH(UNLINK, HERE, a, rmdir(const char *a), SYS_rmdir, a)
ON_PATH(TRUNC, HERE, a, truncate(const char *a, off_t len), SYS_truncate, a, len)
ON_PATH(MKDIR, HERE, a, mkdir(const char *a, mode_t mode), SYS_mkdir, a, mode)
ON_PATH(MKDIR, d, a, mkdirat(int d, const char *a, mode_t mode), SYS_mkdirat, d, a, mode)

/* These two return the error. */
static int
allocate(int fd, off_t at, off_t len)
{
    const int before = errno;
    int failed = fallocate(fd, 0, at, len) == 0 ? 0 : errno;

    errno = before;
    return failed;
}

EXPORT int
posix_fallocate(int fd, off_t at, off_t len)
{
    return allocate(fd, at, len);
}

EXPORT int
posix_fallocate64(int fd, off_t at, off_t len)
{
    return allocate(fd, at, len);
}
