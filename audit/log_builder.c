#include <inttypes.h>
#include <signal.h>
#include <time.h>

#include "audit/checkpoint.h"
#include "audit/log_internal.h"

/* Directories of partial tiles that a power failure may have brought back: some rounds' worth. */
enum { LEFTOVERS = 256 };

/* What a round is for, as it was when the round began. */
struct round {
    struct log_head head;
    uint64_t signed_size;
    uint64_t wanted;
    bool closing;
};

static uint64_t
now_ms(void)
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

/* Brings the tiles up to the round's size. */
static enum cofre_err
catch_up(struct log *l, const struct round *round, struct cofre_why *why)
{
    struct journal_item item;
    enum cofre_err err;

    if (l->built == round->head.size)
        return COFRE_OK;
    err = open_reader(l, round->head.size, why);
    while (err == COFRE_OK && l->built < round->head.size) {
        if ((err = journal_reader_next(l->reader, &item, why)) == COFRE_OK)
            err = add(l, &item, why);
    }
    if (err == COFRE_ENOENT)
        err = cofre_why_set(why, COFRE_EINTEGRITY, "journal: entry %" PRIu64 " is missing",
                            l->built);
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

    if ((err = check_root(l, head, why)) != COFRE_OK)
        return err;
    if ((err = tiles_builder_flush(l->tiles, why)) != COFRE_OK)
        return err;
    checkpoint_sign(&text, l->signer, head->size, head->root);
    if ((err = buf_error(&text)) == COFRE_OK)
        err = log_files_publish(l->dir, l->tmp_dir, buf_bytes(&text), why);
    if (err == COFRE_OK) {
        l->next_sign = now_ms() + l->checkpoint_ms;
        pthread_mutex_lock(&l->lock);
        old = l->checkpoint;
        l->checkpoint = text;
        l->signed_size = head->size;
        pthread_mutex_unlock(&l->lock);
        text = old;
    }
    buf_free(&text);
    return err;
}

/* ---- rounds ---- */

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

/* With lock held: whether there is work now; if not, when there will be (0: when it is signalled). */
static bool
is_due(const struct log *l, uint64_t *when)
{
    uint64_t now = now_ms();

    *when = 0;
    if (l->closing || l->dead || l->wanted > l->signed_size)
        return true;
    if (l->next_try > 0)
        *when = l->next_try;
    else if (l->queue.len >= (size_t)LOG_QUEUE_WAKE * HASH_LEN)
        return true;
    else if (l->head.size > l->signed_size)
        *when = l->next_sign;
    else
        return false;
    return now >= *when;
}

/* With lock held. */
static void
wait_until_due(struct log *l)
{
    struct timespec until;
    uint64_t when;

    while (!is_due(l, &when)) {
        until = (struct timespec){(time_t)(when / 1000), (long)(when % 1000) * 1000000};
        if (when == 0)
            pthread_cond_wait(&l->work, &l->lock);
        else
            (void)pthread_cond_timedwait(&l->work, &l->lock, &until);
    }
}

/* With lock held: takes over the hashes of what was committed since the last round. */
static enum cofre_err
take_queue(struct log *l)
{
    if (l->expected_at == l->expected.len) {
        buf_reset(&l->expected);
        l->expected_at = 0;
    }
    if (l->queue.len > 0 && buf_reserve(&l->expected, l->queue.len) == NULL) {
        l->expected.failed = false;
        return COFRE_ENOMEM;
    }
    buf_putb(&l->expected, buf_bytes(&l->queue));
    l->queue.len = 0; /* its memory stays: the committer may have reserved it */
    return COFRE_OK;
}

static enum cofre_err
begin_round(struct log *l, struct round *round)
{
    enum cofre_err err;

    pthread_mutex_lock(&l->lock);
    wait_until_due(l);
    err = take_queue(l);
    *round = (struct round){l->head, l->signed_size, l->wanted, l->closing};
    pthread_mutex_unlock(&l->lock);
    return err;
}

static enum cofre_err
run_round(struct log *l, const struct round *round, struct cofre_why *why)
{
    bool news = round->head.size > round->signed_size;
    bool now = round->closing || round->wanted > round->signed_size || now_ms() >= l->next_sign;
    enum cofre_err err;

    if ((err = catch_up(l, round, why)) != COFRE_OK)
        return err;
    if (news && now && (err = sign(l, &round->head, why)) != COFRE_OK)
        return err;
    return trim(l, why);
}

static void
end_round(struct log *l, enum cofre_err err, const struct cofre_why *why)
{
    if (err == COFRE_EINTEGRITY) {
        (void)log_die(l, err, why);
        return;
    }
    pthread_mutex_lock(&l->lock);
    if (!l->dead) {
        l->trouble_err = err;
        l->trouble = *why;
    }
    l->next_try = 0;
    if (err != COFRE_OK) {
        l->next_try = now_ms() + l->checkpoint_ms;
        l->failures++;
        l->wanted = 0; /* whoever wanted it is told */
    }
    pthread_cond_broadcast(&l->done);
    pthread_mutex_unlock(&l->lock);
}

static void *
build(void *ctx)
{
    struct log *l = ctx;
    struct round round;
    struct cofre_why why;
    enum cofre_err err;

    do {
        why.text[0] = 0;
        err = begin_round(l, &round);
        if (err == COFRE_OK && !l->dead)
            err = run_round(l, &round, &why);
        if (err != COFRE_OK)
            (void)cofre_why_set(&why, err, "%s", cofre_err_text(err));
        end_round(l, err, &why);
    } while (!round.closing && !l->dead);
    return NULL;
}

/* ---- start and stop ---- */

static enum cofre_err
drop_leftovers(struct log *l, struct cofre_why *why)
{
    uint64_t size = l->bundled;
    enum cofre_err err = COFRE_OK;

    for (int i = 0; i < LEFTOVERS && size > 0 && err == COFRE_OK; i++, size -= TILES_WIDTH)
        err = log_tiles_drop_partial(l->dir, size, why);
    return err;
}

enum cofre_err
log_builder_start(struct log *l, struct cofre_why *why)
{
    sigset_t all;
    sigset_t before;
    enum cofre_err err;
    int failed;

    if ((err = drop_leftovers(l, why)) != COFRE_OK)
        return err;
    /* Signals are for the threads of the program, not for this one. */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&l->builder, NULL, build, l);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0)
        return cofre_why_os(why, COFRE_ENOMEM, failed, "the log's builder thread");
    return COFRE_OK;
}

enum cofre_err
log_builder_stop(struct log *l, struct cofre_why *why)
{
    pthread_mutex_lock(&l->lock);
    l->closing = true;
    pthread_cond_signal(&l->work);
    pthread_mutex_unlock(&l->lock);
    (void)pthread_join(l->builder, NULL);
    if (l->trouble_err != COFRE_OK)
        return cofre_why_set(why, l->trouble_err, "%s", l->trouble.text);
    return COFRE_OK;
}
