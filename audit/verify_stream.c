#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "audit/journal.h"
#include "audit/verify_ahead.h"
#include "audit/verify_internal.h"

/* Below so many signed entries, threads cost more than they save. */
enum { THREADS_FROM = 16 * TILES_WIDTH };

struct verify_stream {
    const struct verify_config *config;
    uint64_t signed_size;
    struct verify_marks marks;
    uint64_t next_mark; /* the smallest size of a mark that is still to come, or UINT64_MAX */
    struct verify_report *report;
    struct cofre_why *why;

    struct tiles_edge edge; /* of all entries so far */
    uint8_t prev[HASH_LEN]; /* leaf hash of the last one */
    struct buf tail;        /* the unfinished bundle, from the journal */
    size_t tail_ends[TILES_WIDTH + 1];
    size_t hash_ends[TILES_WIDTH + 1]; /* of a hash tile */
    struct buf scratch;
    struct buf again;        /* a bundle that the journal overlaps */
    uint64_t again_index;    /* UINT64_MAX: none */
    struct bytes again_left; /* from the next entry on, in it */
    uint64_t again_next;     /* its seq */
};

enum cofre_err
verify_stream_new(const struct verify_config *config, uint64_t signed_size,
                  struct verify_stream **out)
{
    struct verify_stream *s = calloc(1, sizeof *s);

    *out = s;
    if (s == NULL)
        return COFRE_ENOMEM;
    s->config = config;
    s->signed_size = signed_size;
    s->again_index = UINT64_MAX;
    tiles_edge_init(&s->edge);
    tree_empty(s->prev); /* the first entry's prev */
    for (size_t i = 0; i <= TILES_WIDTH; i++)
        s->hash_ends[i] = i * HASH_LEN;
    return COFRE_OK;
}

void
verify_stream_free(struct verify_stream *s)
{
    if (s == NULL)
        return;
    buf_free(&s->tail);
    buf_free(&s->scratch);
    buf_free(&s->again);
    free(s);
}

static enum cofre_err
bad_entry(const struct verify_stream *s, uint64_t seq, const char *what)
{
    return cofre_why_set(s->why, COFRE_EINTEGRITY, "entry %" PRIu64 ": %s", seq, what);
}

/* ---- tiles ---- */

static enum cofre_err
check_tile(struct verify_stream *s, const struct tiles_name *name, struct bytes contents,
           const size_t *ends)
{
    const uint64_t hashes = tiles_edge_hashes(name->level, s->signed_size);
    const struct verify_tile tile = {*name, contents, ends,
                                     name->index * TILES_WIDTH + name->width <= hashes};

    return verify_tile_check(s->config->dir, &tile, &s->scratch, s->why);
}

static enum cofre_err
on_full(void *ctx, const struct tiles_name *name, const uint8_t *hashes)
{
    struct verify_stream *s = ctx;

    return check_tile(s, name, (struct bytes){hashes, TILES_HASHES_LEN}, s->hash_ends);
}

static enum cofre_err
check_tail(struct verify_stream *s, const struct tiles_name *name)
{
    return check_tile(s, name, buf_bytes(&s->tail), s->tail_ends);
}

/* The partial tiles of what is unfinished at the end. */
static enum cofre_err
check_last_tiles(struct verify_stream *s)
{
    struct tiles_name name = tiles_edge_last(TILES_ENTRIES, s->edge.size);
    enum cofre_err err = name.width > 0 ? check_tail(s, &name) : COFRE_OK;

    for (int level = 0; level < TILES_LEVELS && err == COFRE_OK; level++) {
        name = tiles_edge_last(level, s->edge.size);
        if (name.width > 0)
            err =
                check_tile(s, &name, (struct bytes){s->edge.hash[level], s->hash_ends[name.width]},
                           s->hash_ends);
    }
    return err;
}

/* ---- marks ---- */

/* What a checkpoint of the present size promises to be there; their contents are checked when
 * the tile is full or the log ends. */
static enum cofre_err
check_promised(const struct verify_stream *s)
{
    enum cofre_err err = COFRE_OK;
    struct tiles_name name;

    for (int level = TILES_ENTRIES; level < TILES_LEVELS && err == COFRE_OK; level++) {
        name = tiles_edge_last(level, s->edge.size);
        if (name.width > 0)
            err = verify_tile_exists(s->config->dir, &name, s->why);
    }
    return err;
}

static enum cofre_err
pass_marks(struct verify_stream *s)
{
    uint8_t root[HASH_LEN];
    uint64_t next = UINT64_MAX;

    tiles_edge_root(&s->edge, root);
    for (struct verify_mark *m = s->marks.mark; m < s->marks.mark + s->marks.n; m++) {
        if (m->size == s->edge.size)
            m->same = memcmp(m->root, root, HASH_LEN) == 0;
        else if (m->size > s->edge.size && m->size < next)
            next = m->size;
    }
    s->next_mark = next;
    return s->edge.size == s->signed_size ? check_promised(s) : COFRE_OK;
}

/* ---- entries ---- */

/* An entry that was checked: into the tree. */
static enum cofre_err
add_leaf(struct verify_stream *s, const uint8_t leaf[static HASH_LEN])
{
    const enum cofre_err err = tiles_edge_add(&s->edge, leaf, on_full, s);

    if (err == COFRE_OK && s->edge.size == s->next_mark)
        return pass_marks(s);
    return err;
}

static enum cofre_err
add_bundle(struct verify_stream *s, const struct verify_bundle *b)
{
    const struct tiles_name name = {TILES_ENTRIES, s->edge.size / TILES_WIDTH, TILES_WIDTH};
    enum cofre_err err = COFRE_OK;

    if (memcmp(b->prev, s->prev, HASH_LEN) != 0)
        return bad_entry(s, s->edge.size, "its prev is not the hash of the entry before");
    if (s->edge.size == 0)
        s->report->first_ts = b->first_ts;
    s->report->last_ts = b->last_ts;
    s->report->bytes += b->bytes;
    memcpy(s->prev, b->leaf[TILES_WIDTH - 1], HASH_LEN);
    for (size_t i = 0; i < TILES_WIDTH && err == COFRE_OK; i++)
        err = add_leaf(s, b->leaf[i]);
    return err == COFRE_OK ? check_tile(s, &name, buf_bytes(&b->file), b->ends) : err;
}

static unsigned
threads_for(const struct verify_stream *s)
{
    cpu_set_t set;
    unsigned n = s->config->threads;

    if (n == 0 && s->signed_size >= THREADS_FROM && sched_getaffinity(0, sizeof set, &set) == 0)
        n = (unsigned)CPU_COUNT(&set);
    return n > 1 ? n : 0;
}

/* Full bundles, as long as there are any. */
static enum cofre_err
take_bundles(struct verify_stream *s)
{
    const struct verify_bundle *b;
    struct verify_ahead *ahead;
    enum cofre_err err =
        verify_ahead_new(s->config->dir, s->edge.size / TILES_WIDTH, threads_for(s), &ahead);

    if (err != COFRE_OK)
        return err;
    while (err == COFRE_OK && (b = verify_ahead_take(ahead))->err == COFRE_OK) {
        err = add_bundle(s, b);
        if (err == COFRE_OK && s->config->progress != NULL)
            s->config->progress(s->config->ctx, s->edge.size, s->signed_size);
    }
    if (err == COFRE_OK && b->err != COFRE_ENOENT)
        err = cofre_why_set(s->why, b->err, "%s", b->why.text);
    verify_ahead_free(ahead);
    return err;
}

/* ---- the journal ---- */

static enum cofre_err
load_again(struct verify_stream *s, uint64_t index)
{
    const struct tiles_name name = {TILES_ENTRIES, index, TILES_WIDTH};
    const enum cofre_err err = tiles_read(s->config->dir, &name, &s->again, s->why);

    s->again_index = err == COFRE_OK ? index : UINT64_MAX;
    s->again_left = buf_bytes(&s->again);
    s->again_next = index * TILES_WIDTH;
    return err == COFRE_ENOENT ? COFRE_EIO : err; /* it was there a moment ago */
}

/* A record of an entry that a full bundle holds as well.  They come in order. */
static enum cofre_err
compare_again(struct verify_stream *s, uint64_t seq, struct bytes line)
{
    struct bytes there = BYTES_NONE;
    enum cofre_err err = COFRE_OK;

    if (seq / TILES_WIDTH != s->again_index)
        err = load_again(s, seq / TILES_WIDTH);
    if (err != COFRE_OK)
        return err;
    if (tiles_bundle_entry(s->again_left, (size_t)(seq - s->again_next), &there) != COFRE_OK ||
        !bytes_equal(there, line))
        return bad_entry(s, seq, "the journal and the bundle differ");
    s->again_left.len -= (size_t)(there.p + there.len - s->again_left.p);
    s->again_left.p = there.p + there.len;
    s->again_next = seq + 1;
    return COFRE_OK;
}

/* Puts a line behind what is in the unfinished bundle. */
static enum cofre_err
tail_put(struct verify_stream *s, size_t i, struct bytes line)
{
    uint8_t len[2];

    if (i == 0)
        s->tail.len = 0;
    s->tail_ends[i] = s->tail.len;
    bytes_set_be16(len, (uint16_t)line.len); /* a record's length is at most ENTRY_MAX */
    buf_put(&s->tail, len, sizeof len);
    buf_putb(&s->tail, line);
    s->tail_ends[i + 1] = s->tail.len;
    return buf_error(&s->tail);
}

static enum cofre_err
take_record(struct verify_stream *s, struct bytes line, const uint8_t leaf[static HASH_LEN])
{
    const uint64_t seq = s->edge.size;
    struct tiles_name name = tiles_edge_last(TILES_ENTRIES, seq);
    struct verify_form form;
    enum cofre_err err = verify_bundle_entry(line, seq, s->prev, &form, s->why);

    if (err == COFRE_OK)
        err = tail_put(s, name.width, line);
    if (err != COFRE_OK)
        return err;
    memcpy(s->prev, leaf, HASH_LEN);
    if (seq == 0)
        s->report->first_ts = form.ts;
    s->report->last_ts = form.ts;
    s->report->bytes += line.len;
    err = add_leaf(s, leaf);
    if (err == COFRE_OK && ++name.width == TILES_WIDTH)
        err = check_tail(s, &name);
    return err;
}

static enum cofre_err
on_record(void *ctx, uint64_t seq, struct bytes line, const uint8_t leaf[static HASH_LEN])
{
    struct verify_stream *s = ctx;

    if (seq < s->edge.size)
        return compare_again(s, seq, line);
    if (seq > s->edge.size)
        return bad_entry(s, s->edge.size, "in no bundle, and not in the journal");
    return take_record(s, line, leaf);
}

/* COFRE_OK and *met false: the journal begins only after the last bundle. */
static enum cofre_err
meet_journal(struct verify_stream *s, struct verify_walk *journal, bool *met)
{
    const enum cofre_err err = verify_walk_journals(s->config->dir, journal, s->why);

    *met = journal->journals == 0 || journal->first_journal <= s->edge.size;
    return err;
}

static enum cofre_err
take_journal(struct verify_stream *s, const struct verify_walk *journal)
{
    struct journal_end end;
    enum cofre_err err;

    if (journal->journals == 0 && s->edge.size == 0 && s->signed_size == 0)
        return COFRE_OK;
    if (journal->journals == 0)
        return cofre_why_set(s->why, COFRE_EINTEGRITY, "journal: its files are missing");
    err = journal_scan(s->config->dir, journal->first_journal, on_record, s, &end, s->why);
    if (err != COFRE_OK)
        return err;
    s->report->torn = end.torn;
    if (end.size < s->edge.size)
        return cofre_why_set(s->why, COFRE_EINTEGRITY,
                             "journal: ends at entry %" PRIu64 ", before the bundles do", end.size);
    return COFRE_OK;
}

/*
 * While somebody writes to the log, journal files go as bundles come: what was the last bundle a
 * moment ago need not meet the journal any more.  So as long as there are new bundles, go on.
 */
static enum cofre_err
take_all(struct verify_stream *s)
{
    struct verify_walk journal;
    uint64_t before;
    bool met;
    enum cofre_err err;

    do {
        before = s->edge.size;
        err = take_bundles(s);
        if (err == COFRE_OK)
            err = meet_journal(s, &journal, &met);
    } while (err == COFRE_OK && !met && s->edge.size > before);
    return err == COFRE_OK ? take_journal(s, &journal) : err;
}

enum cofre_err
verify_stream_run(struct verify_stream *s, struct verify_marks marks, struct verify_report *report,
                  struct cofre_why *why)
{
    enum cofre_err err;

    s->marks = marks;
    s->report = report;
    s->why = why;
    err = pass_marks(s);
    if (err == COFRE_OK)
        err = take_all(s);
    report->size = s->edge.size;
    if (err != COFRE_OK)
        return err;
    if (s->edge.size < s->signed_size)
        return bad_entry(s, s->edge.size, "missing, and under the checkpoint's signature");
    return check_last_tiles(s);
}
