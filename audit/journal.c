#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/journal_internal.h"

struct journal {
    int parent;     /* the log's directory; borrowed */
    int dir;        /* journal/ itself; owned */
    int fd;         /* the file that is appended to, or -1 before the first */
    uint64_t bytes; /* in it */
    char name[JOURNAL_NAME_LEN + 1];
    bool dead;
    bool full; /* as journal_roll said */
};

static enum cofre_err
io_error(const struct journal *j, struct cofre_why *why, const char *what)
{
    return cofre_why_os(why, journal_files_error(errno), errno, "journal/%s: %s", j->name, what);
}

static enum cofre_err
stop(struct journal *j, struct cofre_why *why, const char *what)
{
    j->dead = true;
    return cofre_why_set(why, COFRE_ESTOPPED, "journal/%s: %s", j->name, what);
}

static enum cofre_err
stop_os(struct journal *j, struct cofre_why *why, const char *what)
{
    j->dead = true;
    return cofre_why_os(why, COFRE_ESTOPPED, errno, "journal/%s: %s", j->name, what);
}

/* ---- opening ---- */

static enum cofre_err
open_last(struct journal *j, const struct journal_end *end, struct cofre_why *why)
{
    struct stat st;

    memcpy(j->name, end->file, sizeof j->name);
    j->bytes = end->file_bytes;
    j->fd = journal_files_openat(j->dir, strtoull(end->file, NULL, 10), O_RDWR);
    if (j->fd < 0 || fstat(j->fd, &st) != 0)
        return io_error(j, why, "open");
    if (end->torn && ftruncate(j->fd, (off_t)j->bytes) != 0)
        return io_error(j, why, "cut off a torn record");
    if (!end->torn && (uint64_t)st.st_size != j->bytes)
        return cofre_why_set(why, COFRE_EIO, "journal/%s: changed while it was read", j->name);
    if (fsync(j->fd) != 0)
        return io_error(j, why, "fsync");
    return COFRE_OK;
}

enum cofre_err
journal_open(int dir, const struct journal_end *end, struct journal **out, struct cofre_why *why)
{
    struct journal *j = malloc(sizeof *j);
    enum cofre_err err = COFRE_OK;

    *out = NULL;
    if (j == NULL)
        return COFRE_ENOMEM;
    *j = (struct journal){dir, -1, -1, 0, "", false, false};
    j->dir = openat(dir, "journal", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (j->dir < 0)
        err = io_error(j, why, "open");
    else if (end->file[0] != 0)
        err = open_last(j, end, why);
    if (err == COFRE_OK && fsync(j->dir) != 0)
        err = io_error(j, why, "fsync");
    if (err != COFRE_OK) {
        journal_close(j);
        return err;
    }
    *out = j;
    return COFRE_OK;
}

void
journal_close(struct journal *j)
{
    if (j == NULL)
        return;
    if (j->fd >= 0)
        (void)close(j->fd);
    if (j->dir >= 0)
        (void)close(j->dir);
    free(j);
}

bool
journal_dead(const struct journal *j)
{
    return j->dead;
}

/* ---- appending ---- */

void
journal_record(struct buf *batch, struct bytes entry, const uint8_t leaf[static HASH_LEN])
{
    assert(entry.len > 0 && entry.len <= ENTRY_MAX);
    /* All or nothing, also when memory runs out half-way. */
    if (buf_reserve(batch, JOURNAL_HEADER + entry.len + JOURNAL_TRAILER) == NULL)
        return;
    buf_put_le32(batch, (uint32_t)entry.len);
    buf_put_le32(batch, ~(uint32_t)entry.len);
    buf_putb(batch, entry);
    buf_put(batch, leaf, JOURNAL_TRAILER);
}

/* Begins the file whose first entry is next.  Until it is there, the old one stays in use. */
static enum cofre_err
begin_file(struct journal *j, uint64_t next, struct cofre_why *why)
{
    char name[JOURNAL_NAME_LEN + 1];
    int fd;

    journal_files_name(next, name);
    fd = openat(j->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return cofre_why_os(why, journal_files_error(errno), errno, "journal/%s: create", name);
    if (j->fd >= 0)
        (void)close(j->fd);
    j->fd = fd;
    j->bytes = 0;
    j->full = false;
    memcpy(j->name, name, sizeof j->name);
    return fsync(j->dir) == 0 ? COFRE_OK : stop_os(j, why, "fsync of the directory");
}

void
journal_roll(struct journal *j)
{
    j->full = true;
}

/* An append to a file that somebody moved away would be acknowledged, and lost. */
static enum cofre_err
check_linked(struct journal *j, struct cofre_why *why)
{
    struct stat mine;
    struct stat mine_dir;
    struct stat named;

    if (fstat(j->fd, &mine) != 0 || fstatat(j->dir, j->name, &named, AT_SYMLINK_NOFOLLOW) != 0)
        return stop_os(j, why, "not there any more");
    if (mine.st_nlink == 0 || mine.st_ino != named.st_ino || mine.st_dev != named.st_dev)
        return stop(j, why, "another file has its name");
    if (fstat(j->dir, &mine_dir) != 0 ||
        fstatat(j->parent, "journal", &named, AT_SYMLINK_NOFOLLOW) != 0)
        return stop_os(j, why, "the directory is not there any more");
    if (mine_dir.st_ino != named.st_ino || mine_dir.st_dev != named.st_dev)
        return stop(j, why, "another directory has its name");
    if ((uint64_t)mine.st_size != j->bytes)
        return stop(j, why, "its length was changed by somebody else");
    return COFRE_OK;
}

/* One write; what a full disk leaves out shows when the rest is tried. */
static bool
write_all(const struct journal *j, struct bytes batch)
{
    size_t done = 0;
    ssize_t n;

    while (done < batch.len) {
        n = pwrite(j->fd, batch.p + done, batch.len - done, (off_t)(j->bytes + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            errno = EIO;
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

/* Undoes a half write, durably: a crash must not bring back what was never acknowledged. */
static enum cofre_err
cut_back(struct journal *j, struct cofre_why *why)
{
    struct cofre_why cause = {""};
    enum cofre_err err = io_error(j, &cause, "write");

    if (ftruncate(j->fd, (off_t)j->bytes) != 0)
        return stop_os(j, why, "cannot undo a failed write");
    if (fdatasync(j->fd) != 0)
        return stop_os(j, why, "fdatasync");
    return cofre_why_set(why, err, "%s", cause.text);
}

enum cofre_err
journal_append(struct journal *j, uint64_t next, struct bytes batch, struct cofre_why *why)
{
    enum cofre_err err;

    if (j->dead)
        return cofre_why_set(why, COFRE_ESTOPPED, "journal: stopped by an earlier failure");
    if (j->fd < 0 || j->bytes >= JOURNAL_FILE_MAX || (j->full && j->bytes > 0)) {
        if ((err = begin_file(j, next, why)) != COFRE_OK)
            return err;
    }
    if ((err = check_linked(j, why)) != COFRE_OK)
        return err;
    /* A file system that became read-only met an error of its own: nobody knows what it holds. */
    if (!write_all(j, batch))
        return errno == EROFS ? stop_os(j, why, "write") : cut_back(j, why);
    if (fdatasync(j->fd) != 0)
        return stop_os(j, why, "fdatasync");
    j->bytes += batch.len;
    return COFRE_OK;
}

/* ---- trimming ---- */

static enum cofre_err
trim(const struct journal_files *files, uint64_t seq, struct cofre_why *why)
{
    char name[JOURNAL_NAME_LEN + 1];
    size_t i;

    for (i = 0; i + 1 < files->n && files->first[i + 1] <= seq; i++) {
        journal_files_name(files->first[i], name);
        if (unlinkat(files->fd, name, 0) != 0)
            return cofre_why_os(why, COFRE_EIO, errno, "journal/%s: remove", name);
    }
    if (i > 0 && fsync(files->fd) != 0)
        return cofre_why_os(why, COFRE_EIO, errno, "journal: fsync of the directory");
    return COFRE_OK;
}

enum cofre_err
journal_trim(int dir, uint64_t seq, struct cofre_why *why)
{
    struct journal_files files;
    enum cofre_err err;

    if ((err = journal_files_list(dir, &files, why)) != COFRE_OK)
        return err;
    err = trim(&files, seq, why);
    journal_files_close(&files);
    return err;
}
