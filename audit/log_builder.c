#include <signal.h>
#include <time.h>

#include "audit/log_internal.h"

/* Directories of partial tiles that a power failure may have brought back: some rounds' worth. */
enum { LEFTOVERS = 256 };

/* With lock held: whether there is work now; if not, when (0: when it is signalled). */
static bool
is_due(const struct log *l, uint64_t *when)
{
    uint64_t now = log_round_now();

    *when = 0;
    if (l->paused > 0 && !l->closing)
        return false;
    if (l->closing || l->dead || l->cosigning != NULL || l->pruning != NULL ||
        l->wanted > log_cosign_reach(l))
        return true;
    if (l->next_try > 0)
        *when = l->next_try;
    else if (l->ending.size > 0 || l->resign)
        return true;
    else if (l->queue.len >= (size_t)LOG_QUEUE_WAKE * HASH_LEN)
        return true;
    else if (l->head.size > log_cosign_reach(l))
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
begin_round(struct log *l, struct log_round *round)
{
    enum cofre_err err;

    pthread_mutex_lock(&l->lock);
    wait_until_due(l);
    l->in_round = true;
    err = take_queue(l);
    *round = (struct log_round){l->head,    log_cosign_reach(l), l->wanted,
                                l->closing, l->ending,           l->cosigning,
                                l->pruning};
    l->cosigning = NULL;
    l->pruning = NULL;
    pthread_mutex_unlock(&l->lock);
    return err;
}

static void
end_round(struct log *l, enum cofre_err err, const struct cofre_why *why)
{
    if (err == COFRE_EINTEGRITY)
        (void)log_die(l, err, why);
    pthread_mutex_lock(&l->lock);
    l->in_round = false;
    if (!l->dead) {
        l->trouble_err = err;
        l->trouble = *why;
    }
    l->next_try = 0;
    if (err != COFRE_OK) {
        l->next_try = log_round_now() + l->checkpoint_ms;
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
    struct log_round round;
    struct cofre_why why;
    enum cofre_err err;

    do {
        why.text[0] = 0;
        err = begin_round(l, &round);
        if (round.cosigning != NULL)
            log_cosign_run(l, round.cosigning);
        if (err == COFRE_OK && !l->dead)
            err = log_round_run(l, &round, &why);
        if (round.pruning != NULL)
            log_prune_run(l, round.pruning);
        if (err != COFRE_OK)
            (void)cofre_why_set(&why, err, "%s", cofre_err_text(err));
        end_round(l, err, &why);
    } while (!round.closing && !l->dead);
    return NULL;
}

/* ---- standing still ---- */

void
log_pause(struct log *l)
{
    pthread_mutex_lock(&l->lock);
    l->paused++;
    while (l->in_round)
        pthread_cond_wait(&l->done, &l->lock);
    pthread_mutex_unlock(&l->lock);
}

void
log_resume(struct log *l)
{
    pthread_mutex_lock(&l->lock);
    l->paused--;
    pthread_cond_signal(&l->work);
    pthread_mutex_unlock(&l->lock);
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
