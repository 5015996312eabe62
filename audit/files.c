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

static int
put_unnamed(int parent, const char *name, struct bytes contents)
{
    int fd = openat(parent, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    int result, os_error;

    if (fd < 0)
        return -1;
    result = write_all(fd, contents);
    if (result == 0)
        result = link_unnamed(fd, parent, name);
    os_error = errno;
    close(fd);
    errno = os_error;
    return result;
}

static int
put_spare(int dir, int parent, const char *name, struct bytes contents)
{
    int fd = openat(dir, FILES_SPARE, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    int result, os_error;

    if (fd < 0)
        return -1;
    result = write_all(fd, contents);
    if (result == 0)
        result = linkat(dir, FILES_SPARE, parent, name, 0);
    os_error = errno;
    close(fd);
    (void)unlinkat(dir, FILES_SPARE, 0);
    errno = os_error;
    return result;
}

enum cofre_err
files_put(int dir, const char *path, struct bytes contents, struct cofre_why *why)
{
    const char *name;
    enum cofre_err err = COFRE_OK;
    int parent = parent_open(dir, path, &name);
    int result;

    if (parent < 0) {
        err = failed(why, path);
        /* A name on the way that is no directory is not "absent" to one who writes. */
        return err == COFRE_ENOENT || err == COFRE_EFORMAT ? COFRE_EIO : err;
    }
    result = put_unnamed(parent, name, contents);
    if (result != 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT))
        result = put_spare(dir, parent, name, contents);
    if (result == 0)
        result = fsync(parent);
    if (result != 0)
        err = failed(errno == EEXIST ? NULL : why, path);
    close(parent);
    return err;
}
