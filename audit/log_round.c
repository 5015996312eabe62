#include <inttypes.h>
#include <time.h>

#include "audit/checkpoint.h"
#include "audit/log_internal.h"

uint64_t
log_round_now(void)
{
    struct timespec t = {0, 0};

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- reading back, and tiles ---- */

/* Holds what the journal gave against what the committer had in its hands. */
static enum cofre_err
compare(struct log *l, const struct journal_item *item, struct cofre_why *why)
{
    const uint8_t *leaf;

    if (item->seq < l->opened)
        return COFRE_OK;
    leaf = l->expected.p + l->expected_at;
    if (memcmp(leaf, item->leaf, HASH_LEN) != 0)
        return cofre_why_set(why, COFRE_EINTEGRITY,
                             "entry %" PRIu64 ": the journal holds other bytes than were written",
                             item->seq);
    return COFRE_OK;
}

static enum cofre_err
add(struct log *l, const struct journal_item *item, struct cofre_why *why)
{
    enum cofre_err err;

    if ((err = compare(l, item, why)) != COFRE_OK)
        return err;
    if ((err = tiles_builder_add(l->tiles, item->entry, item->leaf, why)) != COFRE_OK)
        return err;
    if (item->seq >= l->opened)
        l->expected_at += HASH_LEN;
    l->built++;
    if (l->built % TILES_WIDTH != 0)
        return COFRE_OK;
    pthread_mutex_lock(&l->lock);
    l->bundled = l->built;
    pthread_mutex_unlock(&l->lock);
    return log_tiles_drop_partial(l->dir, l->built, why);
}

static enum cofre_err
open_reader(struct log *l, uint64_t limit, struct cofre_why *why)
{
    if (l->reader != NULL) {
        journal_reader_extend(l->reader, limit);
        return COFRE_OK;
    }
    return journal_reader_new(l->dir, l->built, limit, &l->reader, why);
}

/* Brings the tiles up to a size. */
static enum cofre_err
catch_up(struct log *l, uint64_t size, struct cofre_why *why)
{
    struct journal_item item;
    enum cofre_err err;

    if (l->built == size)
        return COFRE_OK;
    err = open_reader(l, size, why);
    while (err == COFRE_OK && l->built < size) {
        if ((err = journal_reader_next(l->reader, &item, why)) == COFRE_OK)
            err = add(l, &item, why);
    }
    if (err == COFRE_ENOENT)
        err =
            cofre_why_set(why, COFRE_EINTEGRITY, "journal: entry %" PRIu64 " is missing", l->built);
    if (err != COFRE_OK) {
        /* It may be an entry ahead: the next round begins at built again. */
        journal_reader_free(l->reader);
        l->reader = NULL;
    }
    return err;
}

/* ---- signing ---- */

static enum cofre_err
check_root(const struct log *l, const struct log_head *head, struct cofre_why *why)
{
    uint8_t root[HASH_LEN];
    uint64_t size;

    tiles_builder_root(l->tiles, &size, root);
    if (size != head->size || memcmp(root, head->root, HASH_LEN) != 0)
        return cofre_why_set(why, COFRE_EINTEGRITY,
                             "the tree that was read back differs at size %" PRIu64, head->size);
    return COFRE_OK;
}

static enum cofre_err
sign(struct log *l, const struct log_head *head, struct cofre_why *why)
{
    struct buf text = BUF_INIT;
    struct buf old;
    enum cofre_err err;

    l->next_sign = log_round_now() + l->checkpoint_ms;
    if (l->signer == NULL)
        return COFRE_OK; /* the key is lost; the next one signs */
    if ((err = check_root(l, head, why)) != COFRE_OK)
        return err;
    if ((err = log_partials_flush(l, head->size, why)) != COFRE_OK)
        return err;
    checkpoint_sign(&text, l->signer, head->size, head->root);
    /* The first checkpoint of a new key waits for nobody: the former key is gone. */
    if ((err = buf_error(&text)) == COFRE_OK && l->hold && !l->resign) {
        log_cosign_hold(l, &text, head->size);
        return COFRE_OK;
    }
    if (err == COFRE_OK)
        err = log_files_publish(l->dir, l->tmp_dir, buf_bytes(&text), why);
    if (err == COFRE_OK) {
        pthread_mutex_lock(&l->lock);
        old = l->checkpoint;
        l->checkpoint = text;
        l->signed_size = head->size;
        l->resign = false;
        pthread_mutex_unlock(&l->lock);
        text = old;
    }
    buf_free(&text);
    return err;
}

/* Nothing behind the end is looked at before the former key has signed for the last time. */
static enum cofre_err
end_epoch(struct log *l, const struct log_head *end, struct cofre_why *why)
{
    enum cofre_err err;

    if ((err = catch_up(l, end->size, why)) != COFRE_OK ||
        (err = check_root(l, end, why)) != COFRE_OK)
        return err;
    return log_epoch_end(l, end, why);
}

/* ---- the round ---- */

static enum cofre_err
trim(struct log *l, struct cofre_why *why)
{
    uint64_t below = l->built - l->built % TILES_WIDTH;
    enum cofre_err err;

    /* Somebody reads the journal: next time, then. */
    if (below == l->trimmed || pthread_rwlock_trywrlock(&l->files) != 0)
        return COFRE_OK;
    if ((err = journal_trim(l->dir, below, why)) == COFRE_OK)
        l->trimmed = below;
    pthread_rwlock_unlock(&l->files);
    return err;
}

enum cofre_err
log_round_run(struct log *l, const struct log_round *round, struct cofre_why *why)
{
    bool news;
    bool now;
    enum cofre_err err;

    if (round->ending.size > 0 && (err = end_epoch(l, &round->ending, why)) != COFRE_OK)
        return err;
    news = round->head.size > round->signed_size || l->resign;
    now = round->closing || round->wanted > round->signed_size || l->resign ||
          log_round_now() >= l->next_sign;
    if ((err = catch_up(l, round->head.size, why)) != COFRE_OK)
        return err;
    if (news && now && (err = sign(l, &round->head, why)) != COFRE_OK)
        return err;
    return trim(l, why);
}
