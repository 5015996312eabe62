#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "audit/verify_ahead.h"

#include "audit/verify_stream.h"

/* Below so many signed entries, threads cost more than they save. */
enum { THREADS_FROM = 16 * TILES_WIDTH };

enum cofre_err
verify_stream_new(const struct verify_stream_config *config, struct verify_stream **out)
{
    struct verify_stream *s = calloc(1, sizeof *s);

    *out = s;
    if (s == NULL)
        return COFRE_ENOMEM;
    s->c = *config;
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
    free(s->hits);
    free(s);
}

uint64_t
verify_stream_first(const struct verify_stream *s)
{
    return s->first;
}

const uint64_t *
verify_stream_hits(const struct verify_stream *s, size_t *n)
{
    *n = s->n_hits;
    return s->hits;
}

enum cofre_err
verify_stream_bad(const struct verify_stream *s, uint64_t seq, const char *what)
{
    return cofre_why_set(s->why, COFRE_EINTEGRITY, "entry %" PRIu64 ": %s", seq, what);
}

void
verify_stream_time(struct verify_stream *s, uint64_t seq, uint64_t ts)
{
    if (seq == s->first)
        s->report->first_ts = ts;
    if (seq + 1 == s->c.signed_size)
        s->report->signed_ts = ts;
    s->report->last_ts = ts;
}

enum cofre_err
verify_stream_hit(struct verify_stream *s, uint64_t seq)
{
    const size_t room = s->hits_room > 0 ? 2 * s->hits_room : 64;
    uint64_t *grown;

    if (s->n_hits == s->hits_room) {
        if ((grown = realloc(s->hits, room * sizeof *grown)) == NULL)
            return COFRE_ENOMEM;
        s->hits = grown;
        s->hits_room = room;
    }
    s->hits[s->n_hits++] = seq;
    return COFRE_OK;
}

/* ---- tiles ---- */

enum cofre_err
verify_stream_tile(struct verify_stream *s, struct verify_tile tile)
{
    tile.needed = tile.name.index * TILES_WIDTH + tile.name.width <=
                  tiles_edge_hashes(tile.name.level, s->c.signed_size);
    return verify_tile_check(s->c.config->dir, &tile, &s->scratch, s->why);
}

static enum cofre_err
on_full(void *ctx, const struct tiles_name *name, const uint8_t *hashes)
{
    struct verify_stream *s = ctx;

    return verify_stream_tile(s, (struct verify_tile){.name = *name,
                                                      .contents = {hashes, TILES_HASHES_LEN},
                                                      .ends = s->hash_ends});
}

/* The partial tiles of what is unfinished at the end. */
static enum cofre_err
check_last_tiles(struct verify_stream *s)
{
    enum cofre_err err = verify_journal_tail(s);
    struct tiles_name name;

    for (int level = 0; level < TILES_LEVELS && err == COFRE_OK; level++) {
        name = tiles_edge_last(level, s->edge.size);
        if (name.width > 0)
            err = verify_stream_tile(
                s, (struct verify_tile){.name = name,
                                        .contents = {s->edge.hash[level], s->hash_ends[name.width]},
                                        .ends = s->hash_ends});
    }
    return err;
}

/* ---- marks ---- */

/* What a checkpoint of the present size promises to be there; their contents are checked when
 * the tile is full or the log ends. */
static enum cofre_err
check_promised(const struct verify_stream *s)
{
    const struct verify_partials_at at = {s->c.config->dir, s->c.pruned, 0};
    enum cofre_err err = COFRE_OK;
    struct tiles_name name;

    for (int level = TILES_ENTRIES; level < TILES_LEVELS && err == COFRE_OK; level++) {
        name = tiles_edge_last(level, s->edge.size);
        if (name.width > 0)
            err = verify_partials_exists(&at, &name, s->why);
    }
    return err;
}

static enum cofre_err
pass_marks(struct verify_stream *s)
{
    struct verify_mark *const end = s->c.marks->mark + s->c.marks->n;
    uint8_t root[HASH_LEN];
    uint64_t next = UINT64_MAX;

    tiles_edge_root(&s->edge, root);
    for (struct verify_mark *m = s->c.marks->mark; m < end; m++) {
        if (m->size == s->edge.size)
            m->same = memcmp(m->root, root, HASH_LEN) == 0;
        else if (m->size > s->edge.size && m->size < next)
            next = m->size;
    }
    s->next_mark = next;
    return s->edge.size == s->c.signed_size ? check_promised(s) : COFRE_OK;
}

enum cofre_err
verify_stream_leaf(struct verify_stream *s, const uint8_t leaf[static HASH_LEN])
{
    const enum cofre_err err = tiles_edge_add(&s->edge, leaf, on_full, s);

    if (err == COFRE_OK && s->edge.size == s->next_mark)
        return pass_marks(s);
    return err;
}

/* ---- bundles ---- */

/* What is to be done for single entries of a bundle, of which few need anything. */
static enum cofre_err
see_entries(struct verify_stream *s, const struct verify_bundle *b, uint64_t first)
{
    enum cofre_err err = COFRE_OK;
    uint64_t left;

    for (size_t word = 0; word < VERIFY_BUNDLE_SET; word++) {
        for (left = b->events[word]; left != 0 && err == COFRE_OK; left &= left - 1) {
            const size_t i = 64 * word + (size_t)__builtin_ctzll(left);

            err = verify_events_see(s->c.events, first + i, verify_bundle_line(b, i), b->leaf[i]);
        }
        for (left = b->hits[word]; left != 0 && err == COFRE_OK; left &= left - 1)
            err = verify_stream_hit(s, first + 64 * word + (size_t)__builtin_ctzll(left));
    }
    return err;
}

static enum cofre_err
take_entries(struct verify_stream *s, const struct verify_bundle *b, uint64_t first)
{
    if (memcmp(b->prev, s->prev, HASH_LEN) != 0)
        return verify_stream_bad(s, first, "its prev is not the hash of the entry before");
    for (size_t i = 0; i < TILES_WIDTH; i++)
        verify_stream_time(s, first + i, b->ts[i]);
    s->report->bytes += b->bytes;
    return see_entries(s, b, first);
}

static enum cofre_err
add_bundle(struct verify_stream *s, const struct verify_bundle *b)
{
    const struct tiles_name name = {TILES_ENTRIES, s->edge.size / TILES_WIDTH, TILES_WIDTH};
    enum cofre_err err = verify_events_bundle(s->c.events, s->edge.size, b->leaf, b->gone);

    if (b->gone) {
        s->first = s->edge.size + TILES_WIDTH;
        s->report->pruned += TILES_WIDTH;
    } else if (err == COFRE_OK) {
        err = take_entries(s, b, s->edge.size);
    }
    memcpy(s->prev, b->leaf[TILES_WIDTH - 1], HASH_LEN);
    for (size_t i = 0; i < TILES_WIDTH && err == COFRE_OK; i++)
        err = verify_stream_leaf(s, b->leaf[i]);
    if (err == COFRE_OK && !b->gone)
        err = verify_stream_tile(s, (struct verify_tile){.name = name,
                                                         .contents = buf_bytes(&b->file),
                                                         .ends = b->ends,
                                                         .is_file = true});
    return err;
}

static unsigned
threads_for(const struct verify_stream *s)
{
    cpu_set_t set;
    unsigned n = s->c.config->threads;

    if (n == 0 && s->c.signed_size >= THREADS_FROM && sched_getaffinity(0, sizeof set, &set) == 0)
        n = (unsigned)CPU_COUNT(&set);
    return n > 1 ? n : 0;
}

/* Full bundles, as long as there are any. */
static enum cofre_err
take_bundles(struct verify_stream *s)
{
    const struct verify_config *config = s->c.config;
    const struct verify_bundle_source source = {.dir = config->dir,
                                                .pruned = s->c.pruned,
                                                .subject = config->subject};
    const struct verify_bundle *b;
    struct verify_ahead *ahead;
    enum cofre_err err =
        verify_ahead_new(&source, s->edge.size / TILES_WIDTH, threads_for(s), &ahead);

    if (err != COFRE_OK)
        return err;
    while (err == COFRE_OK && (b = verify_ahead_take(ahead))->err == COFRE_OK) {
        err = add_bundle(s, b);
        if (err == COFRE_OK && config->progress != NULL)
            config->progress(config->ctx, s->edge.size, s->c.signed_size);
    }
    if (err == COFRE_OK && b->err != COFRE_ENOENT)
        err = cofre_why_set(s->why, b->err, "%s", b->why.text);
    verify_ahead_free(ahead);
    return err;
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
            err = verify_journal_meet(s, &journal, &met);
    } while (err == COFRE_OK && !met && s->edge.size > before);
    return err == COFRE_OK ? verify_journal_take(s, &journal) : err;
}

enum cofre_err
verify_stream_run(struct verify_stream *s, struct verify_report *report, struct cofre_why *why)
{
    enum cofre_err err;

    s->report = report;
    s->why = why;
    err = pass_marks(s);
    if (err == COFRE_OK)
        err = take_all(s);
    report->size = s->edge.size;
    if (err != COFRE_OK)
        return err;
    if (s->edge.size < s->c.signed_size)
        return verify_stream_bad(s, s->edge.size, "missing, and under the checkpoint's signature");
    return check_last_tiles(s);
}
