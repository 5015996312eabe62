#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cofre/bytes.h"

#include "audit/files.h"

static enum cofre_err
of_errno(int os_error)
{
    switch (os_error) {
    case ENOENT:
    case ENOTDIR:
        return COFRE_ENOENT;
    case ELOOP:
        return COFRE_EFORMAT;
    case EEXIST:
        return COFRE_EEXIST;
    case ENOSPC:
    case EDQUOT:
        return COFRE_ENOSPC;
    default:
        return COFRE_EIO;
    }
}

static enum cofre_err
failed(struct cofre_why *why, const char *path)
{
    const int os_error = errno;

    return cofre_why_os(why, of_errno(os_error), os_error, "%s", path);
}

static enum cofre_err
read_all(int fd, const char *path, size_t len, struct buf *out, struct cofre_why *why)
{
    uint8_t *p = buf_reserve(out, len);
    ssize_t n;

    if (p == NULL)
        return cofre_why_set(why, COFRE_ENOMEM, "%s: out of memory", path);
    while (out->len < len) {
        n = read(fd, out->p + out->len, len - out->len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return failed(why, path);
        if (n == 0)
            return cofre_why_set(why, COFRE_EIO, "%s: became shorter while it was read", path);
        out->len += (size_t)n;
    }
    return COFRE_OK;
}

enum cofre_err
files_read(int dir, const char *path, size_t max, struct buf *out, struct cofre_why *why)
{
    struct stat st;
    enum cofre_err err;
    int fd;

    out->len = 0;
    out->failed = false;
    /* Without O_NONBLOCK, a FIFO put in a file's place would hold us for ever. */
    fd = openat(dir, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return failed(why, path);
    if (fstat(fd, &st) != 0)
        err = failed(why, path);
    else if (!S_ISREG(st.st_mode))
        err = cofre_why_set(why, COFRE_EFORMAT, "%s: not a regular file", path);
    else if (st.st_size < 0 || (uint64_t)st.st_size > max)
        err = cofre_why_set(why, COFRE_EFORMAT, "%s: longer than %zu bytes", path, max);
    else
        err = read_all(fd, path, (size_t)st.st_size, out, why);
    close(fd);
    if (err != COFRE_OK)
        out->len = 0;
    return err;
}

/* Opens a directory below fd, made durably if it is missing. */
static int
enter(int fd, const char *name)
{
    int sub = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (sub >= 0 || errno != ENOENT)
        return sub;
    if (mkdirat(fd, name, 0700) != 0 && errno != EEXIST)
        return -1;
    if (fsync(fd) != 0)
        return -1;
    return openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Opens the directory that path is in, making what is missing; *name is the last step. */
static int
parent_open(int dir, const char *path, const char **name)
{
    char step[FILES_PATH_MAX];
    const char *slash;
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int sub;

    while (fd >= 0 && (slash = strchr(path, '/')) != NULL) {
        assert((size_t)(slash - path) < sizeof step);
        memcpy(step, path, (size_t)(slash - path));
        step[slash - path] = '\0';
        sub = enter(fd, step);
        close(fd);
        fd = sub;
        path = slash + 1;
    }
    *name = path;
    return fd;
}

static int
write_all(int fd, struct bytes contents)
{
    ssize_t n;

    while (contents.len > 0) {
        n = write(fd, contents.p, contents.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        contents.p += n;
        contents.len -= (size_t)n;
    }
    return fsync(fd);
}

/* Reads fd from its beginning; *same is how many bytes are those of contents. */
static int
read_back(int fd, struct bytes contents, size_t *same)
{
    uint8_t chunk[16384];
    ssize_t n;

    for (*same = 0; *same < contents.len; *same += (size_t)n) {
        n = pread(fd, chunk, sizeof chunk, (off_t)*same);
        if (n < 0 && errno == EINTR) {
            n = 0;
            continue;
        }
        if (n < 0)
            return -1;
        if (n == 0 || (size_t)n > contents.len - *same)
            return 0;
        for (ssize_t i = 0; i < n; i++) {
            if (chunk[i] != contents.p[*same + (size_t)i]) {
                *same += (size_t)i;
                return 0;
            }
        }
    }
    return 0;
}

/* Writes, syncs, and looks at what was stored before it gets a name: *same as read_back says. */
static int
fill(int fd, struct bytes contents, size_t *same)
{
    size_t n = 0;

    if (write_all(fd, contents) != 0 || read_back(fd, contents, &n) != 0)
        return -1;
    *same = n;
    if (n == contents.len)
        return 0;
    errno = 0; /* it is no error of the system's */
    return -1;
}

/* AT_EMPTY_PATH needs a capability on older kernels, the other way a mounted /proc. */
static int
link_unnamed(int fd, int parent, const char *name)
{
    char self[32];

    if (linkat(fd, "", parent, name, AT_EMPTY_PATH) == 0)
        return 0;
    if (errno != ENOENT && errno != EPERM)
        return -1;
    (void)snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    return linkat(AT_FDCWD, self, parent, name, AT_SYMLINK_FOLLOW);
}

struct place {
    int dir;
    int parent; /* below dir: where the file goes */
    const char *name;
};

static int
put_unnamed(const struct place *at, struct bytes contents, size_t *same)
{
    int fd = openat(at->parent, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    int result, os_error;

    if (fd < 0)
        return -1;
    result = fill(fd, contents, same);
    if (result == 0)
        result = link_unnamed(fd, at->parent, at->name);
    os_error = errno;
    close(fd);
    errno = os_error;
    return result;
}

static int
put_spare(const struct place *at, struct bytes contents, size_t *same)
{
    const int dir = at->dir;
    int fd = openat(dir, FILES_SPARE, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    int result, os_error;

    if (fd < 0)
        return -1;
    result = fill(fd, contents, same);
    if (result == 0)
        result = linkat(dir, FILES_SPARE, at->parent, at->name, 0);
    os_error = errno;
    close(fd);
    (void)unlinkat(dir, FILES_SPARE, 0);
    errno = os_error;
    return result;
}

enum cofre_err
files_put(int dir, const char *path, struct bytes contents, struct cofre_why *why)
{
    struct place at = {.dir = dir};
    enum cofre_err err = COFRE_OK;
    size_t same = contents.len;
    int result;

    at.parent = parent_open(dir, path, &at.name);
    if (at.parent < 0) {
        err = failed(why, path);
        /* A name on the way that is no directory is not "absent" to one who writes. */
        return err == COFRE_ENOENT || err == COFRE_EFORMAT ? COFRE_EIO : err;
    }
    result = put_unnamed(&at, contents, &same);
    if (result != 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT))
        result = put_spare(&at, contents, &same);
    if (result == 0)
        result = fsync(at.parent);
    if (same < contents.len)
        err = cofre_why_set(why, COFRE_EINTEGRITY, "%s: byte %zu is not what was written", path,
                            same);
    else if (result != 0)
        err = failed(errno == EEXIST ? NULL : why, path);
    close(at.parent);
    return err;
}
