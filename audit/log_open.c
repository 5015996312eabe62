#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "audit/log_internal.h"

/* What is being checked while the journal is read at the start. */
struct recovery {
    struct log *l;
    struct log_marks marks;
    struct entry_parsed parsed;
    struct cofre_why *why;
};

/* Links one entry of the journal behind those before. */
static enum cofre_err
link_entry(void *ctx, uint64_t seq, struct bytes line, const uint8_t leaf[static HASH_LEN])
{
    struct recovery *r = ctx;
    struct log *l = r->l;

    if (entry_parse(line, &r->parsed) != COFRE_OK)
        return cofre_why_set(r->why, COFRE_EINTEGRITY, "entry %" PRIu64 ": not in the fixed form",
                             seq);
    if (r->parsed.e.seq != seq || seq != l->edge.size)
        return cofre_why_set(r->why, COFRE_EINTEGRITY, "entry %" PRIu64 ": carries another seq",
                             seq);
    if (memcmp(r->parsed.e.prev, l->prev, HASH_LEN) != 0)
        return cofre_why_set(r->why, COFRE_EINTEGRITY,
                             "entry %" PRIu64 ": its prev is not the hash of the one before", seq);
    tree_edge_append(&l->edge, leaf);
    memcpy(l->prev, leaf, HASH_LEN);
    return log_marks_entry(l, &r->marks, &r->parsed.e, r->why);
}

static enum cofre_err
read_journal(struct recovery *r, struct journal_end *end)
{
    struct log *l = r->l;
    enum cofre_err err;

    if ((err = journal_scan(l->dir, l->bundled, link_entry, r, end, r->why)) != COFRE_OK)
        return err;
    if (end->size < l->bundled)
        return cofre_why_set(r->why, COFRE_EINTEGRITY,
                             "the journal ends after %" PRIu64
                             " entries, the bundles hold %" PRIu64,
                             end->size, l->bundled);
    if (end->size < l->signed_size)
        return cofre_why_set(r->why, COFRE_EINTEGRITY,
                             "the journal ends after %" PRIu64
                             " entries, the checkpoint covers %" PRIu64,
                             end->size, l->signed_size);
    return log_marks_end(l, &r->marks, r->why);
}

static enum cofre_err
recover(struct recovery *r, const struct log_config *config, struct journal_end *end)
{
    struct log *l = r->l;
    enum cofre_err err;

    if ((err = log_keys_load(l, config, &r->marks, r->why)) != COFRE_OK)
        return err;
    if ((err = log_tiles_bundled(l->dir, l->pruned, &l->bundled, r->why)) != COFRE_OK)
        return err;
    if ((err = log_tiles_edge(l->dir, l->bundled, &l->edge, l->prev, r->why)) != COFRE_OK)
        return err;
    if ((err = log_marks_in_tiles(l, &r->marks, r->why)) != COFRE_OK)
        return err;
    return read_journal(r, end); /* the other marks come by in link_entry */
}

/* All that was found will be durable once anything is added to it: journal_open sees to it. */
static void
set_state(struct log *l)
{
    l->durable = l->edge;
    memcpy(l->durable_prev, l->prev, HASH_LEN);
    l->head.size = l->edge.size;
    tree_edge_root(&l->edge, l->head.root);
    l->built = l->bundled;
    l->trimmed = 0;
    l->opened = l->edge.size;
}

static enum cofre_err
open_parts(struct log *l, const struct log_config *config, struct cofre_why *why)
{
    struct recovery *r = calloc(1, sizeof *r);
    enum cofre_err err = COFRE_ENOMEM;

    if (r == NULL)
        return COFRE_ENOMEM;
    r->l = l;
    r->why = why;
    if ((r->marks.parsed = malloc(sizeof *r->marks.parsed)) != NULL)
        err = recover(r, config, &l->end);
    log_marks_free(&r->marks);
    free(r);
    if (err != COFRE_OK)
        return err;
    set_state(l);
    if ((err = log_partials_read(l, why)) != COFRE_OK)
        return err;
    return tiles_builder_new(l->dir, l->bundled, NULL, &l->tiles, why);
}

static struct log *
new_log(const struct log_config *config)
{
    struct log *l = calloc(1, sizeof *l);
    pthread_condattr_t monotonic;

    if (l == NULL)
        return NULL;
    l->dir = config->dir;
    l->tmp_dir = config->tmp_dir;
    l->checkpoint_ms = config->checkpoint_ms > 0 ? config->checkpoint_ms : LOG_CHECKPOINT_MS;
    l->hold = config->hold;
    /* With these attributes none of them can fail on Linux: they only fill the structs. */
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&l->work, &monotonic);
    (void)pthread_cond_init(&l->done, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    (void)pthread_mutex_init(&l->lock, NULL);
    (void)pthread_rwlock_init(&l->files, NULL);
    return l;
}

enum cofre_err
log_open_held(const struct log_config *config, struct log **out, struct cofre_why *why)
{
    struct log *l = new_log(config);
    enum cofre_err err;

    *out = NULL;
    if (l == NULL)
        return COFRE_ENOMEM;
    if ((err = open_parts(l, config, why)) != COFRE_OK) {
        log_free(l);
        return err;
    }
    *out = l;
    return COFRE_OK;
}

enum cofre_err
log_start(struct log *l, struct cofre_why *why)
{
    enum cofre_err err;

    assert(!l->started);
    if ((err = journal_open(l->dir, &l->end, &l->journal, why)) != COFRE_OK ||
        (err = log_partials_start(l, why)) != COFRE_OK ||
        (err = log_prune_start(l, why)) != COFRE_OK ||
        (err = log_builder_start(l, why)) != COFRE_OK)
        return err;
    l->started = true;
    return COFRE_OK;
}

enum cofre_err
log_open(const struct log_config *config, struct log **out, struct cofre_why *why)
{
    enum cofre_err err;

    if ((err = log_open_held(config, out, why)) != COFRE_OK)
        return err;
    if ((err = log_start(*out, why)) != COFRE_OK) {
        log_free(*out);
        *out = NULL;
    }
    return err;
}
