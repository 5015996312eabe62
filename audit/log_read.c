#include <inttypes.h>

#include "audit/log_internal.h"
#include "audit/log_prune.h"
#include "audit/proof.h"

static uint64_t
bundled(struct log *l)
{
    uint64_t n;

    pthread_mutex_lock(&l->lock);
    n = l->bundled;
    pthread_mutex_unlock(&l->lock);
    return n;
}

/* ---- entries ---- */

struct visit {
    uint64_t next;
    uint64_t end;
    log_entry_fn *fn;
    void *ctx;
};

/* The entries of one full bundle. */
static enum cofre_err
visit_bundle(struct log *l, struct visit *v, struct buf *file, struct cofre_why *why)
{
    const struct tiles_name name = {TILES_ENTRIES, v->next / TILES_WIDTH, TILES_WIDTH};
    const uint64_t first = v->next % TILES_WIDTH;
    struct cofre_why none = {""};
    enum cofre_err err = tiles_read(l->dir, &name, file, &none);
    struct bytes left = buf_bytes(file);
    struct bytes entry;

    if (err == COFRE_ENOENT && v->next < log_prune_first(l))
        return cofre_why_set(why, err, "entries below %" PRIu64 " were pruned", log_prune_first(l));
    if (err != COFRE_OK && err != COFRE_ENOENT && err != COFRE_EFORMAT)
        return cofre_why_set(why, err, "%s", none.text);
    for (uint64_t i = 0; i < TILES_WIDTH && v->next < v->end && err == COFRE_OK; i++) {
        if ((err = tiles_bundle_entry(left, 0, &entry)) != COFRE_OK)
            break;
        left = (struct bytes){entry.p + entry.len, left.len - 2 - entry.len};
        if (i < first)
            continue;
        if ((err = v->fn(v->ctx, v->next, entry)) != COFRE_OK)
            return err;
        v->next++;
    }
    if (err == COFRE_ENOENT || err == COFRE_EFORMAT)
        err = cofre_why_set(why, COFRE_EINTEGRITY, "the bundle of entry %" PRIu64 ": malformed",
                            v->next);
    return err;
}

static enum cofre_err
visit_journal(struct log *l, struct visit *v, struct cofre_why *why)
{
    struct journal_reader *r;
    struct journal_item item;
    enum cofre_err err;

    err = journal_reader_new(l->dir, v->next, v->end, &r, why);
    while (err == COFRE_OK && v->next < v->end) {
        if ((err = journal_reader_next(r, &item, why)) != COFRE_OK)
            break;
        if ((err = v->fn(v->ctx, item.seq, item.entry)) != COFRE_OK)
            goto out;
        v->next++;
    }
    if (err == COFRE_ENOENT)
        err =
            cofre_why_set(why, COFRE_EINTEGRITY, "journal: entry %" PRIu64 " is missing", v->next);
out:
    journal_reader_free(r);
    return err;
}

enum cofre_err
log_read_entries(struct log *l, uint64_t from, uint64_t end, log_entry_fn *fn, void *ctx,
                 struct cofre_why *why)
{
    struct visit v = {from, end, fn, ctx};
    struct buf file = BUF_INIT;
    enum cofre_err err = COFRE_OK;

    while (v.next < v.end && err == COFRE_OK) {
        pthread_rwlock_rdlock(&l->files);
        /* Asked for with files held: what is not in a bundle now stays in the journal till then. */
        if (v.next >= bundled(l)) {
            err = visit_journal(l, &v, why);
            pthread_rwlock_unlock(&l->files);
        } else {
            pthread_rwlock_unlock(&l->files);
            err = visit_bundle(l, &v, &file, why);
        }
    }
    buf_free(&file);
    return err;
}

enum cofre_err
log_entries(struct log *l, uint64_t from, uint64_t limit, log_entry_fn *fn, void *ctx,
            struct cofre_why *why)
{
    struct log_head head;

    log_head(l, &head);
    if (from >= head.size)
        return COFRE_OK;
    if (limit > head.size - from)
        limit = head.size - from;
    return log_read_entries(l, from, from + limit, fn, ctx, why);
}

/* ---- roots ---- */

static enum cofre_err
add_leaf(void *ctx, uint64_t seq, struct bytes line)
{
    struct tree_edge *edge = ctx;
    uint8_t leaf[HASH_LEN];

    (void)seq;
    tree_leaf(line, leaf);
    tree_edge_append(edge, leaf);
    return COFRE_OK;
}

enum cofre_err
log_root_at(struct log *l, uint64_t size, uint8_t root[static HASH_LEN], struct cofre_why *why)
{
    uint64_t in_tiles = bundled(l);
    uint8_t last[HASH_LEN];
    struct tree_edge edge;
    struct log_head head;
    enum cofre_err err;

    log_head(l, &head);
    if (size > head.size)
        return cofre_why_set(why, COFRE_EINVAL,
                             "a root at %" PRIu64 " of a log of %" PRIu64 " entries", size,
                             head.size);
    if (in_tiles > size)
        in_tiles = size;
    err = log_tiles_edge(l->dir, in_tiles, &edge, last, why);
    if (err == COFRE_OK)
        err = log_read_entries(l, in_tiles, size, add_leaf, &edge, why);
    if (err == COFRE_OK)
        tree_edge_root(&edge, root);
    return err;
}

/* ---- checkpoints and proofs ---- */

/* With lock held: waits until the checkpoint covers min_size, or the builder has failed. */
static enum cofre_err
wait_signed(struct log *l, uint64_t min_size, struct cofre_why *why)
{
    uint64_t failures = l->failures;
    uint64_t until = log_round_now() + LOG_COSIGN_WAIT_MS;

    while (l->signed_size < min_size && !l->dead && !l->closing && l->failures == failures &&
           log_cosign_expected(l, until)) {
        if (l->wanted < min_size)
            l->wanted = min_size;
        pthread_cond_signal(&l->work);
        log_cosign_wait(l, until);
    }
    if (l->signed_size >= min_size)
        return COFRE_OK;
    if (!l->dead && !l->closing && l->failures == failures)
        return cofre_why_set(why, COFRE_EBUSY,
                             "the witnesses have not signed a checkpoint that covers it yet");
    if (l->dead || l->closing)
        return cofre_why_set(why, COFRE_ESTOPPED, "%s",
                             l->dead ? l->trouble.text : "the log is being closed");
    return cofre_why_set(why, l->trouble_err, "%s", l->trouble.text);
}

enum cofre_err
log_checkpoint(struct log *l, uint64_t min_size, struct buf *out, struct cofre_why *why)
{
    enum cofre_err err;

    pthread_mutex_lock(&l->lock);
    if (min_size > l->head.size) {
        err = cofre_why_set(why, COFRE_EINVAL,
                            "a checkpoint of %" PRIu64 " for a log of %" PRIu64 " entries",
                            min_size, l->head.size);
    } else if ((err = wait_signed(l, min_size, why)) == COFRE_OK) {
        buf_putb(out, buf_bytes(&l->checkpoint));
        err = buf_error(out);
    }
    pthread_mutex_unlock(&l->lock);
    return err;
}

enum cofre_err
log_prove(struct log *l, uint64_t seq, struct buf *out, struct cofre_why *why)
{
    struct buf checkpoint = BUF_INIT;
    struct log_head head;
    enum cofre_err err;

    log_head(l, &head);
    if (seq >= head.size)
        return cofre_why_set(why, COFRE_ENOENT, "there is no entry %" PRIu64, seq);
    err = log_checkpoint(l, seq + 1, &checkpoint, why);
    if (err == COFRE_OK)
        err = proof_make(l->dir, seq, buf_bytes(&checkpoint), out, why);
    buf_free(&checkpoint);
    return err;
}
