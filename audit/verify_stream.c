#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "audit/journal.h"
#include "audit/verify_internal.h"

struct verify_stream {
    const struct verify_config *config;
    uint64_t signed_size;
    struct verify_marks marks;
    uint64_t next_mark; /* the smallest size of a mark that is still to come, or UINT64_MAX */
    struct verify_report *report;
    struct cofre_why *why;

    struct tiles_edge edge;          /* of all entries so far */
    uint8_t prev[HASH_LEN];          /* leaf hash of the last one */
    struct buf bundle;               /* the unfinished bundle, or the full one just read */
    size_t ends[TILES_WIDTH + 1];    /* where its first n entries end */
    size_t hash_ends[TILES_WIDTH + 1];
    struct buf scratch;
    struct buf again;                /* a bundle that the journal overlaps */
    uint64_t again_index;            /* UINT64_MAX: none */
    struct entry_parsed entry;
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
    buf_free(&s->bundle);
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
    const struct verify_tile tile = {
        *name, contents, ends, name->index * TILES_WIDTH + name->width <= hashes};

    return verify_tile_check(s->config->dir, &tile, &s->scratch, s->why);
}

static enum cofre_err
on_full(void *ctx, const struct tiles_name *name, const uint8_t *hashes)
{
    struct verify_stream *s = ctx;

    return check_tile(s, name, (struct bytes){hashes, TILES_HASHES_LEN}, s->hash_ends);
}

static enum cofre_err
check_bundle(struct verify_stream *s, struct tiles_name name)
{
    return check_tile(s, &name, (struct bytes){s->bundle.p, s->ends[name.width]}, s->ends);
}

/* The partial tiles of what is unfinished at the end. */
static enum cofre_err
check_last_tiles(struct verify_stream *s)
{
    struct tiles_name name = tiles_edge_last(TILES_ENTRIES, s->edge.size);
    enum cofre_err err = name.width > 0 ? check_bundle(s, name) : COFRE_OK;

    for (int level = 0; level < TILES_LEVELS && err == COFRE_OK; level++) {
        name = tiles_edge_last(level, s->edge.size);
        if (name.width > 0)
            err = check_tile(s, &name,
                             (struct bytes){s->edge.hash[level], s->hash_ends[name.width]},
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

/* The entry is already the next one in s->bundle. */
static enum cofre_err
take_entry(struct verify_stream *s, struct bytes line, const uint8_t leaf[static HASH_LEN])
{
    const uint64_t seq = s->edge.size;
    struct tiles_name name = tiles_edge_last(TILES_ENTRIES, seq);
    enum cofre_err err;

    if (entry_parse(line, &s->entry) != COFRE_OK)
        return bad_entry(s, seq, "not in an entry's form");
    if (s->entry.e.seq != seq)
        return bad_entry(s, seq, "has another seq");
    if (memcmp(s->entry.e.prev, s->prev, HASH_LEN) != 0)
        return bad_entry(s, seq, "its prev is not the hash of the entry before");

    memcpy(s->prev, leaf, HASH_LEN);
    if (seq == 0)
        s->report->first_ts = s->entry.e.ts;
    s->report->last_ts = s->entry.e.ts;
    s->report->bytes += line.len;

    err = tiles_edge_add(&s->edge, leaf, on_full, s);
    if (err == COFRE_OK && ++name.width == TILES_WIDTH)
        err = check_bundle(s, name);
    if (err == COFRE_OK && s->edge.size == s->next_mark)
        err = pass_marks(s);
    if (err == COFRE_OK && name.width == TILES_WIDTH && s->config->progress != NULL)
        s->config->progress(s->config->ctx, s->edge.size, s->signed_size);
    return err;
}

/* Finds where each entry of the bundle that was read ends: 256 of them, and nothing more. */
static enum cofre_err
cut_bundle(struct verify_stream *s, uint64_t index)
{
    size_t at = 0;

    for (size_t i = 0; i < TILES_WIDTH; i++) {
        s->ends[i] = at;
        if (s->bundle.len - at < 2)
            return bad_entry(s, index * TILES_WIDTH + i, "its bundle is cut short");
        at += 2 + (size_t)bytes_get_be16(s->bundle.p + at);
        if (at > s->bundle.len)
            return bad_entry(s, index * TILES_WIDTH + i, "its bundle is cut short");
    }
    s->ends[TILES_WIDTH] = at;
    if (at < s->bundle.len)
        return bad_entry(s, index * TILES_WIDTH + TILES_WIDTH - 1,
                         "more bytes follow it in its bundle");
    return COFRE_OK;
}

static enum cofre_err
take_bundle(struct verify_stream *s, uint64_t index)
{
    uint8_t leaf[HASH_LEN];
    struct bytes line;
    enum cofre_err err = cut_bundle(s, index);

    for (size_t i = 0; i < TILES_WIDTH && err == COFRE_OK; i++) {
        line.p = s->bundle.p + s->ends[i] + 2;
        line.len = s->ends[i + 1] - s->ends[i] - 2;
        tree_leaf(line, leaf);
        err = take_entry(s, line, leaf);
    }
    return err;
}

/* Full bundles, as long as there are any. */
static enum cofre_err
take_bundles(struct verify_stream *s)
{
    struct tiles_name name = {TILES_ENTRIES, s->edge.size / TILES_WIDTH, TILES_WIDTH};
    char path[TILES_PATH_MAX];
    enum cofre_err err;

    while ((err = tiles_read(s->config->dir, &name, &s->bundle, NULL)) == COFRE_OK) {
        err = take_bundle(s, name.index);
        if (err != COFRE_OK) {
            tiles_path(&name, path);
            return cofre_why_add(s->why, err, "%s", path);
        }
        name.index++;
    }
    s->bundle.len = 0;
    if (err == COFRE_ENOENT)
        return COFRE_OK;
    tiles_path(&name, path);
    return cofre_why_set(s->why, err == COFRE_EFORMAT ? COFRE_EINTEGRITY : err, "%s: %s", path,
                         err == COFRE_EFORMAT ? "not a bundle" : "cannot be read");
}

/* ---- the journal ---- */

/* A record of an entry that a full bundle holds as well. */
static enum cofre_err
compare_again(struct verify_stream *s, uint64_t seq, struct bytes line)
{
    const struct tiles_name name = {TILES_ENTRIES, seq / TILES_WIDTH, TILES_WIDTH};
    struct bytes there = BYTES_NONE;
    enum cofre_err err;

    if (name.index != s->again_index) {
        err = tiles_read(s->config->dir, &name, &s->again, s->why);
        if (err != COFRE_OK)
            return err == COFRE_ENOENT ? COFRE_EIO : err; /* it was there a moment ago */
        s->again_index = name.index;
    }
    if (tiles_bundle_entry(buf_bytes(&s->again), seq % TILES_WIDTH, &there) != COFRE_OK ||
        !bytes_equal(there, line))
        return bad_entry(s, seq, "the journal and the bundle differ");
    return COFRE_OK;
}

static enum cofre_err
on_record(void *ctx, uint64_t seq, struct bytes line, const uint8_t leaf[static HASH_LEN])
{
    struct verify_stream *s = ctx;
    uint8_t len[2];

    if (seq < s->edge.size)
        return compare_again(s, seq, line);
    if (seq > s->edge.size)
        return bad_entry(s, s->edge.size, "in no bundle, and not in the journal");
    if (seq % TILES_WIDTH == 0)
        s->bundle.len = 0;
    s->ends[seq % TILES_WIDTH] = s->bundle.len;
    bytes_set_be16(len, (uint16_t)line.len); /* a record's length is at most ENTRY_MAX */
    buf_put(&s->bundle, len, sizeof len);
    buf_putb(&s->bundle, line);
    s->ends[seq % TILES_WIDTH + 1] = s->bundle.len;
    if (buf_error(&s->bundle) != COFRE_OK)
        return COFRE_ENOMEM;
    return take_entry(s, line, leaf);
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
verify_stream_run(struct verify_stream *s, struct verify_marks marks,
                  struct verify_report *report, struct cofre_why *why)
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
