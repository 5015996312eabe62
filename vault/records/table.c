#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "cofre/secret.h"
#include "vault/records/table_internal.h"

/* Reads some more.  The window has room: rows over their limit are not waited for. */
static enum cofre_err
fill(struct table *t, struct cofre_why *why)
{
    ssize_t n;

    if (sizeof t->buf - t->end < TABLE_CHUNK) {
        memmove(t->buf, t->buf + t->start, t->end - t->start);
        t->end -= t->start;
        t->start = 0;
    }
    assert(sizeof t->buf - t->end >= TABLE_CHUNK);
    do
        n = read(t->fd, t->buf + t->end, TABLE_CHUNK);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return cofre_why_os(why, COFRE_EIO, errno, "reading");
    t->end += (size_t)n;
    t->eof = n == 0;
    return COFRE_OK;
}

void
table_take(struct table *t, const struct table_span *span)
{
    t->start += span->whole;
    t->offset += span->whole;
    t->line += span->lines;
}

/* Passes over everything up to the next line. */
static enum cofre_err
skip_line(struct table *t, struct cofre_why *why)
{
    struct table_span span = {.lines = 0};
    enum cofre_err err;
    const uint8_t *end;

    for (;;) {
        size_t have = t->end - t->start;

        end = have > 0 ? memchr(t->buf + t->start, '\n', have) : NULL;
        span.lines = end != NULL;
        span.whole = end != NULL ? (size_t)(end - (t->buf + t->start)) + 1 : have;
        table_take(t, &span);
        if (end != NULL || t->eof) {
            t->skip_line = false;
            return COFRE_OK;
        }
        if ((err = fill(t, why)) != COFRE_OK)
            return err;
    }
}

/* How far the search for a row's end has come. */
struct search {
    size_t at; /* from start */
    bool quoted;
    uint64_t lines;
};

/* True: a line's end that ends the row stands at s->at. */
static bool
search_on(const struct table *t, bool quotes, struct search *s)
{
    const uint8_t *row = t->buf + t->start;
    size_t have = t->end - t->start;

    for (; s->at < have; s->at++) {
        if (row[s->at] == '"' && quotes)
            s->quoted = !s->quoted;
        if (row[s->at] != '\n')
            continue;
        s->lines++;
        if (!s->quoted)
            return true;
    }
    return false;
}

/* The row ends at s->at: at a line's end, or at the end of what there is. */
static void
end_span(const struct table *t, const struct search *s, bool at_line_end, struct table_span *span)
{
    const uint8_t *row = t->buf + t->start;
    size_t len = s->at;

    if (len > 0 && row[len - 1] == '\r')
        len--;
    *span = (struct table_span){{row, len}, s->at + at_line_end, s->lines, NULL};
    if (len > TABLE_ROW_MAX)
        span->bad = "is longer than 1 MiB";
    else if (s->quoted)
        span->bad = "has a quote that is not closed";
}

static enum cofre_err
find_any(struct table *t, bool quotes, struct table_span *span, struct cofre_why *why)
{
    struct search s = {0, false, 0};
    enum cofre_err err;

    for (;;) {
        bool found = search_on(t, quotes, &s);

        /* One more than the row may have: the \r of its end is no part of it. */
        if (found || t->eof || s.at > TABLE_ROW_MAX + 1) {
            end_span(t, &s, found, span);
            return s.at == 0 && !found ? COFRE_ENOENT : COFRE_OK;
        }
        if ((err = fill(t, why)) != COFRE_OK)
            return err;
    }
}

static bool
is_blank(const struct table *t, struct bytes text)
{
    size_t i = 0;

    /* White space is a value to CSV, and nothing to JSON. */
    while (t->form == TABLE_JSONL && i < text.len && (text.p[i] == ' ' || text.p[i] == '\t'))
        i++;
    return i == text.len;
}

enum cofre_err
table_find(struct table *t, bool quotes, struct table_span *span, struct cofre_why *why)
{
    enum cofre_err err;

    while ((err = find_any(t, quotes, span, why)) == COFRE_OK) {
        if (!is_blank(t, span->text))
            return COFRE_OK;
        table_take(t, span);
    }
    return err;
}

/* A byte order mark is tolerated. */
static enum cofre_err
skip_mark(struct table *t, struct cofre_why *why)
{
    enum cofre_err err;

    while (t->end < 3 && !t->eof)
        if ((err = fill(t, why)) != COFRE_OK)
            return err;
    if (t->end >= 3 && memcmp(t->buf, "\xef\xbb\xbf", 3) == 0)
        t->start = t->offset = 3;
    return COFRE_OK;
}

enum cofre_err
table_open(int fd, enum table_form form, struct table **out, struct cofre_why *why)
{
    struct table *t = malloc(sizeof *t);
    enum cofre_err err;

    *out = NULL;
    if (t == NULL)
        return cofre_why_set(why, COFRE_ENOMEM, "out of memory");
    /* Not buf: most files never touch most of it. */
    memset(t, 0, offsetof(struct table, buf));
    t->fd = fd;
    t->form = form;
    t->line = 1;
    if ((err = skip_mark(t, why)) == COFRE_OK && form == TABLE_CSV)
        err = table_csv_header(t, why);
    if (err != COFRE_OK) {
        table_close(t);
        return err;
    }
    *out = t;
    return COFRE_OK;
}

void
table_close(struct table *t)
{
    if (t == NULL)
        return;
    json_decref(t->json);
    buf_free(&t->header);
    buf_free(&t->spare);
    secret_wipe(t->buf, t->end);
    free(t);
}

struct bytes
table_column(const struct table *t, size_t i)
{
    return i < t->n_columns ? t->columns[i] : BYTES_NONE;
}

enum cofre_err
table_next(struct table *t, const struct table_row **row, struct cofre_why *why)
{
    struct table_span span;
    enum cofre_err err;

    if (t->skip_line && (err = skip_line(t, why)) != COFRE_OK)
        return err;
    if ((err = table_find(t, t->form == TABLE_CSV, &span, why)) != COFRE_OK)
        return err;

    t->row.line = t->line;
    t->row.n = 0;
    t->row.bad = span.bad;
    t->skip_line = span.bad != NULL;
    if (span.bad == NULL && t->form == TABLE_CSV)
        t->skip_line = table_csv_row(t, span.text);
    if (span.bad == NULL && t->form == TABLE_JSONL &&
        (err = table_jsonl_row(t, span.text)) != COFRE_OK)
        return cofre_why_set(why, err, "out of memory");
    if (!t->skip_line)
        table_take(t, &span);
    *row = &t->row;
    return COFRE_OK;
}

uint64_t
table_offset(const struct table *t)
{
    return t->offset;
}
