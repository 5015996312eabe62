#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "audit/journal_internal.h"
#include "audit/tree.h"

bool
journal_reader_header(const uint8_t p[static JOURNAL_HEADER], size_t *len)
{
    uint32_t n = bytes_get_le32(p);

    *len = n;
    return bytes_get_le32(p + 4) == ~n && n > 0 && n <= ENTRY_MAX;
}

static enum cofre_err
not_a_record(const struct journal_reader *r, struct cofre_why *why)
{
    return cofre_why_set(why, COFRE_EINTEGRITY,
                         "journal/%020" PRIu64 ": no whole record at byte %" PRIu64
                         ", where entry %" PRIu64 " should be",
                         r->first, r->offset, r->seq);
}

/* Reads on until n bytes are there, or the file ends. */
static enum cofre_err
fill(struct journal_reader *r, size_t n, struct cofre_why *why)
{
    ssize_t got = 1;

    if (r->have - r->at >= n)
        return COFRE_OK;
    if (r->have > r->at)
        memmove(r->block, r->block + r->at, r->have - r->at);
    r->have -= r->at;
    r->at = 0;
    while (r->have < n && got != 0) {
        got = pread(r->fd, r->block + r->have, sizeof r->block - r->have,
                    (off_t)(r->offset + r->have));
        if (got < 0 && errno != EINTR)
            return cofre_why_os(why, COFRE_EIO, errno, "journal/%020" PRIu64, r->first);
        if (got > 0)
            r->have += (size_t)got;
    }
    return COFRE_OK;
}

/* The entry of the next record, its leaf hash not looked at.  COFRE_ENOENT: the file ends here. */
static enum cofre_err
peek(struct journal_reader *r, struct bytes *entry, struct cofre_why *why)
{
    enum cofre_err err;
    size_t len;

    if ((err = fill(r, JOURNAL_HEADER, why)) != COFRE_OK)
        return err;
    if (r->have == r->at)
        return COFRE_ENOENT;
    if (r->have - r->at < JOURNAL_HEADER || !journal_reader_header(r->block + r->at, &len))
        return not_a_record(r, why);
    if ((err = fill(r, JOURNAL_HEADER + len + JOURNAL_TRAILER, why)) != COFRE_OK)
        return err;
    if (r->have - r->at < JOURNAL_HEADER + len + JOURNAL_TRAILER)
        return not_a_record(r, why);
    *entry = (struct bytes){r->block + r->at + JOURNAL_HEADER, len};
    return COFRE_OK;
}

static void
step(struct journal_reader *r, size_t len)
{
    size_t record = JOURNAL_HEADER + len + JOURNAL_TRAILER;

    r->at += record;
    r->offset += record;
    r->seq++;
}

/* Goes on to the file that begins with the next record.  COFRE_ENOENT: there is none. */
static enum cofre_err
next_file(struct journal_reader *r, struct cofre_why *why)
{
    int fd;

    if (r->first == r->seq)
        return COFRE_ENOENT;
    fd = journal_files_openat(r->dir, r->seq, O_RDONLY);
    if (fd < 0 && errno == ENOENT)
        return COFRE_ENOENT;
    if (fd < 0)
        return cofre_why_os(why, COFRE_EIO, errno, "journal/%020" PRIu64, r->seq);
    (void)close(r->fd);
    r->fd = fd;
    r->first = r->seq;
    r->offset = 0;
    r->at = r->have = 0;
    return COFRE_OK;
}

enum cofre_err
journal_reader_next(struct journal_reader *r, struct journal_item *out, struct cofre_why *why)
{
    enum cofre_err err;

    if (r->seq >= r->limit)
        return COFRE_ENOENT;
    while ((err = peek(r, &out->entry, why)) == COFRE_ENOENT) {
        if ((err = next_file(r, why)) != COFRE_OK)
            return err;
    }
    if (err != COFRE_OK)
        return err;
    tree_leaf(out->entry, out->leaf);
    if (memcmp(out->entry.p + out->entry.len, out->leaf, JOURNAL_TRAILER) != 0)
        return not_a_record(r, why);
    out->seq = r->seq;
    step(r, out->entry.len);
    return COFRE_OK;
}

/* Steps over what is before `from` in the first file. */
static enum cofre_err
skip_to(struct journal_reader *r, uint64_t from, struct cofre_why *why)
{
    enum cofre_err err = COFRE_OK;
    struct bytes entry;

    while (r->seq < from && (err = peek(r, &entry, why)) == COFRE_OK)
        step(r, entry.len);
    return err;
}

static enum cofre_err
start(struct journal_reader *r, const struct journal_files *files, uint64_t from,
      struct cofre_why *why)
{
    size_t i = journal_files_find(files, from);

    if (i == files->n)
        return cofre_why_set(why, COFRE_ENOENT, "journal: no file holds entry %" PRIu64, from);
    r->first = r->seq = files->first[i];
    r->dir = fcntl(files->fd, F_DUPFD_CLOEXEC, 0);
    r->fd = journal_files_openat(files->fd, r->first, O_RDONLY);
    if (r->dir < 0 || r->fd < 0)
        return cofre_why_os(why, COFRE_EIO, errno, "journal/%020" PRIu64, r->first);
    return skip_to(r, from, why);
}

enum cofre_err
journal_reader_new(int dir, uint64_t from, uint64_t limit, struct journal_reader **out,
                   struct cofre_why *why)
{
    struct journal_reader *r = NULL;
    struct journal_files files;
    enum cofre_err err;

    *out = NULL;
    if ((err = journal_files_list(dir, &files, why)) != COFRE_OK)
        return err;
    if ((r = malloc(sizeof *r)) == NULL) {
        err = COFRE_ENOMEM;
        goto out;
    }
    r->dir = r->fd = -1;
    r->offset = 0;
    r->limit = limit;
    r->at = r->have = 0;
    if ((err = start(r, &files, from, why)) != COFRE_OK)
        goto out;
    *out = r;
    r = NULL; /* moved to *out */
out:
    journal_reader_free(r);
    journal_files_close(&files);
    return err;
}

void
journal_reader_free(struct journal_reader *r)
{
    if (r == NULL)
        return;
    if (r->fd >= 0)
        (void)close(r->fd);
    if (r->dir >= 0)
        (void)close(r->dir);
    free(r);
}

void
journal_reader_extend(struct journal_reader *r, uint64_t limit)
{
    r->limit = limit;
    /* What was read beyond the old limit may have been cut off and written anew since. */
    r->at = r->have = 0;
}
