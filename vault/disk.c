#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "cofre/oplog.h"

#include "vault/disk.h"

static enum cofre_err
of_errno(int e)
{
    return e == ENOENT ? COFRE_ENOENT : e == ENOSPC || e == EDQUOT ? COFRE_ENOSPC : COFRE_EIO;
}

static enum cofre_err
check_private(int fd, const char *name, size_t max, size_t *size, struct cofre_why *why)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return cofre_why_os(why, COFRE_EIO, errno, "%s", name);
    if (!S_ISREG(st.st_mode))
        return cofre_why_set(why, COFRE_EREFUSED, "%s is not a regular file", name);
    if (st.st_uid != geteuid() && st.st_uid != 0)
        return cofre_why_set(why, COFRE_EREFUSED, "%s belongs to somebody else", name);
    if ((st.st_mode & 077) != 0)
        return cofre_why_set(why, COFRE_EREFUSED, "%s can be read by others (chmod 600 it)", name);
    if (st.st_size < 0 || (uint64_t)st.st_size > max)
        return cofre_why_set(why, COFRE_ERANGE, "%s is larger than %zu bytes", name, max);
    *size = (size_t)st.st_size;
    return COFRE_OK;
}

enum cofre_err
disk_read(int dir, const char *name, size_t max, struct buf *out, struct cofre_why *why)
{
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    enum cofre_err err;
    size_t left = 0;

    if (fd < 0)
        return cofre_why_os(why, of_errno(errno), errno, "%s", name);
    if ((err = check_private(fd, name, max, &left, why)) != COFRE_OK)
        goto out;
    while (left > 0) {
        uint8_t *to = buf_reserve(out, left);
        ssize_t n;

        if (to == NULL) {
            err = COFRE_ENOMEM;
            goto out;
        }
        n = read(fd, to, left);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            err = cofre_why_os(why, COFRE_EIO, n < 0 ? errno : EIO, "reading %s", name);
            goto out;
        }
        out->len += (size_t)n;
        left -= (size_t)n;
    }
out:
    close(fd);
    return err;
}

static enum cofre_err
write_whole(int fd, struct bytes b)
{
    while (b.len > 0) {
        ssize_t n = write(fd, b.p, b.len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return of_errno(n < 0 ? errno : ENOSPC);
        b.p += n;
        b.len -= (size_t)n;
    }
    return fsync(fd) == 0 ? COFRE_OK : of_errno(errno);
}

enum cofre_err
disk_replace(int dir, const char *name, struct bytes contents, struct cofre_why *why)
{
    char tmp[64];
    enum cofre_err err;
    int fd;

    snprintf(tmp, sizeof tmp, "%s.new", name);
    /* A leftover of a crash is overwritten; one process owns the directory. */
    fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return cofre_why_os(why, of_errno(errno), errno, "%s", tmp);
    err = write_whole(fd, contents);
    if (err != COFRE_OK)
        cofre_why_os(why, err, errno, "writing %s", tmp);
    if (close(fd) != 0 && err == COFRE_OK)
        err = cofre_why_os(why, of_errno(errno), errno, "writing %s", tmp);
    if (err == COFRE_OK && renameat(dir, tmp, dir, name) != 0)
        err = cofre_why_os(why, of_errno(errno), errno, "replacing %s", name);
    if (err != COFRE_OK) {
        unlinkat(dir, tmp, 0);
        return err;
    }
    return disk_sync_dir(dir, why);
}

/* ---- former bytes ---- */

static bool
same_file(int dir, const char *a, const char *b)
{
    struct stat x;
    struct stat y;

    return fstatat(dir, a, &x, AT_SYMLINK_NOFOLLOW) == 0 &&
           fstatat(dir, b, &y, AT_SYMLINK_NOFOLLOW) == 0 && x.st_ino == y.st_ino &&
           x.st_dev == y.st_dev;
}

/* In place: the file keeps its length. */
static enum cofre_err
overwrite(int fd)
{
    uint8_t random[4096];
    struct stat st;
    enum cofre_err err = COFRE_OK;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || lseek(fd, 0, SEEK_SET) != 0)
        return COFRE_EIO;
    for (off_t left = st.st_size; left > 0 && err == COFRE_OK; left -= (off_t)sizeof random) {
        randombytes_buf(random, sizeof random);
        err = write_whole(fd, (struct bytes){random, left < (off_t)sizeof random
                                                         ? (size_t)left
                                                         : sizeof random});
    }
    return err;
}

/* Nothing there is fine; another name of the file itself only loses that name. */
static void
shred(int dir, const char *old, const char *name)
{
    enum cofre_err err = COFRE_OK;
    int fd;

    if (!same_file(dir, old, name)) {
        if ((fd = openat(dir, old, O_WRONLY | O_CLOEXEC | O_NOFOLLOW)) < 0 && errno == ENOENT)
            return;
        /* As long as the directory is not synced, a crash may give these bytes the name back. */
        err = fd < 0 || fsync(dir) != 0 ? COFRE_EIO : overwrite(fd);
        if (fd >= 0)
            (void)close(fd);
    }
    if (err == COFRE_OK && unlinkat(dir, old, 0) == 0 && fsync(dir) == 0)
        return;
    oplog_line(OPLOG_WARNING, "%s: the former key could not be overwritten; remove it", old);
}

void
disk_shred_leftovers(int dir, const char *name)
{
    char other[64];

    snprintf(other, sizeof other, "%s.old", name);
    shred(dir, other, name);
    snprintf(other, sizeof other, "%s.new", name);
    shred(dir, other, name);
}

enum cofre_err
disk_replace_shred(int dir, const char *name, struct bytes contents, struct cofre_why *why)
{
    char old[64];
    enum cofre_err err;

    disk_shred_leftovers(dir, name);
    snprintf(old, sizeof old, "%s.old", name);
    /* A second name, so that a crash cannot make the bytes nameless before they are gone. */
    if (linkat(dir, name, dir, old, 0) != 0 && errno != ENOENT)
        return cofre_why_os(why, of_errno(errno), errno, "%s", old);
    err = disk_replace(dir, name, contents, why);
    shred(dir, old, name);
    return err;
}

enum cofre_err
disk_sync_dir(int dir, struct cofre_why *why)
{
    if (fsync(dir) != 0)
        return cofre_why_os(why, of_errno(errno), errno, "syncing the directory");
    return COFRE_OK;
}
