#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/journal_internal.h"

/* This many zeros at the end are a block that was never written, and not the end of a record. */
enum { ZEROS_MIN = 64 };

/* What follows the last whole record of a file. */
struct rest {
    uint64_t len;
    uint64_t written; /* up to where the zeros begin that run to the end */
    uint8_t header[JOURNAL_HEADER];
};

static enum cofre_err
read_rest(const struct journal_reader *r, struct rest *out, struct cofre_why *why)
{
    uint8_t chunk[16384];
    ssize_t got;

    *out = (struct rest){0, 0, {0}};
    for (;;) {
        got = pread(r->fd, chunk, sizeof chunk, (off_t)(r->offset + out->len));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return cofre_why_os(why, COFRE_EIO, errno, "journal/%020" PRIu64, r->first);
        if (got == 0)
            return COFRE_OK;
        for (size_t i = 0; i < (size_t)got; i++) {
            if (out->len + i < sizeof out->header)
                out->header[out->len + i] = chunk[i];
            if (chunk[i] != 0)
                out->written = out->len + i + 1;
        }
        out->len += (uint64_t)got;
    }
}

/* True when the first n bytes of header could begin a record. */
static bool
could_begin(const uint8_t header[static JOURNAL_HEADER], uint64_t n)
{
    static_assert(ENTRY_MAX == 0xffff, "the upper half of a length is zero");

    if ((n > 2 && header[2] != 0) || (n > 3 && header[3] != 0))
        return false;
    for (size_t i = 4; i < n; i++) {
        if ((header[i] ^ header[i - 4]) != 0xff)
            return false;
    }
    return true;
}

static bool
is_torn(const struct rest *rest)
{
    uint64_t zeros = rest->len - rest->written;
    uint64_t n = zeros >= ZEROS_MIN || rest->written == 0 ? rest->written : rest->len;
    size_t len;

    if (n < JOURNAL_HEADER)
        return could_begin(rest->header, n);
    return journal_reader_header(rest->header, &len) && n < JOURNAL_HEADER + len + JOURNAL_TRAILER;
}

/* The reader stopped with err, for the cause in met: what does that say of the journal? */
static enum cofre_err
judge(const struct journal_reader *r, bool last, enum cofre_err err, struct cofre_why *met,
      bool *torn)
{
    struct rest rest;

    if (err == COFRE_ENOENT && !last)
        return cofre_why_set(met, COFRE_EINTEGRITY, "journal: no file goes on with entry %" PRIu64,
                             r->seq);
    if (err == COFRE_ENOENT)
        return COFRE_OK;
    if (err != COFRE_EINTEGRITY || !last)
        return err;
    if ((err = read_rest(r, &rest, met)) != COFRE_OK)
        return err;
    *torn = is_torn(&rest);
    return *torn ? COFRE_OK : COFRE_EINTEGRITY;
}

/* What a scan was asked for, and whether it was fn that ended it. */
struct scan {
    uint64_t from;
    journal_fn *fn;
    void *ctx;
    bool stopped;
    const struct journal_files *files;
    size_t at; /* the file that is being read */
};

/* Each file that there is must have been gone through; others may have come since. */
static bool
is_next(struct scan *s, uint64_t first)
{
    if (s->at + 1 == s->files->n)
        return true;
    s->at++;
    return s->files->first[s->at] == first;
}

static enum cofre_err
read_all(struct journal_reader *r, struct scan *s, struct cofre_why *met)
{
    uint64_t first = r->first;
    struct journal_item item;
    enum cofre_err err;

    while ((err = journal_reader_next(r, &item, met)) == COFRE_OK || r->first != first) {
        if (r->first != first && !is_next(s, r->first))
            return cofre_why_set(met, COFRE_EINTEGRITY,
                                 "journal/%020" PRIu64 ": is not where the file before it ends",
                                 s->files->first[s->at]);
        if (err != COFRE_OK)
            return err;
        first = r->first;
        if (item.seq >= s->from) {
            err = s->fn(s->ctx, item.seq, item.entry, item.leaf);
            s->stopped = err != COFRE_OK;
        }
        if (s->stopped)
            return err;
    }
    return err;
}

static enum cofre_err
scan_files(int dir, const struct journal_files *files, struct scan *s, struct journal_end *end,
           struct cofre_why *why)
{
    const size_t i = journal_files_find(files, s->from);
    struct journal_reader *r = NULL;
    struct cofre_why met = {""};
    enum cofre_err err;

    if (i == files->n)
        return cofre_why_set(why, COFRE_EINTEGRITY, "journal: no file holds entry %" PRIu64,
                             s->from);
    s->at = i;
    if ((err = journal_reader_new(dir, files->first[i], UINT64_MAX, &r, why)) != COFRE_OK)
        return err;
    err = read_all(r, s, &met);
    if (!s->stopped)
        err = judge(r, r->first >= files->first[files->n - 1], err, &met, &end->torn);
    if (err != COFRE_OK && met.text[0] != 0)
        (void)cofre_why_set(why, err, "%s", met.text);
    end->size = r->seq;
    end->file_bytes = r->offset;
    journal_files_name(r->first, end->file);
    journal_reader_free(r);
    return err;
}

enum cofre_err
journal_scan(int dir, uint64_t from, journal_fn *fn, void *ctx, struct journal_end *end,
             struct cofre_why *why)
{
    struct journal_files files;
    struct scan s = {.from = from, .fn = fn, .ctx = ctx, .files = &files};
    enum cofre_err err;

    *end = (struct journal_end){0, false, "", 0};
    if ((err = journal_files_list(dir, &files, why)) != COFRE_OK)
        return err;
    if (files.n > 0 || from > 0)
        err = scan_files(dir, &files, &s, end, why);
    journal_files_close(&files);
    return err;
}
