#include <time.h>

#include "audit/checkpoint.h"
#include "audit/log_internal.h"

#include "audit/log_cosign.h"

/* A note on its way to the builder; lives on the stack of log_cosign. */
struct log_cosigning {
    const struct log_cosigned *c;
    bool done;
    enum cofre_err err;
    struct cofre_why why;
};

/* ---- what is signed, and what is published ---- */

uint64_t
log_cosign_reach(const struct log *l)
{
    return l->held_size > l->signed_size ? l->held_size : l->signed_size;
}

void
log_cosign_hold(struct log *l, struct buf *text, uint64_t size)
{
    struct buf old;

    pthread_mutex_lock(&l->lock);
    old = l->held;
    l->held = *text;
    l->held_size = size;
    pthread_mutex_unlock(&l->lock);
    *text = BUF_INIT; /* moved to held */
    buf_free(&old);
}

bool
log_cosign_expected(const struct log *l, uint64_t until)
{
    return !l->hold || (!l->missed && log_round_now() < until);
}

void
log_cosign_wait(struct log *l, uint64_t until)
{
    const struct timespec when = {(time_t)(until / 1000), (long)(until % 1000) * 1000000};

    if (l->hold)
        (void)pthread_cond_timedwait(&l->done, &l->lock, &when);
    else
        pthread_cond_wait(&l->done, &l->lock);
}

uint64_t
log_cosign_published(struct log *l)
{
    uint64_t size;

    pthread_mutex_lock(&l->lock);
    size = l->signed_size;
    pthread_mutex_unlock(&l->lock);
    return size;
}

void
log_cosign_missed(struct log *l)
{
    pthread_mutex_lock(&l->lock);
    l->missed = true;
    pthread_cond_broadcast(&l->done);
    pthread_mutex_unlock(&l->lock);
}

/* With lock held. */
static enum cofre_err
wait_reach(struct log *l, uint64_t min_size, struct cofre_why *why)
{
    uint64_t failures = l->failures;

    while (log_cosign_reach(l) < min_size && !l->dead && !l->closing && l->failures == failures) {
        if (l->wanted < min_size)
            l->wanted = min_size;
        pthread_cond_signal(&l->work);
        pthread_cond_wait(&l->done, &l->lock);
    }
    if (log_cosign_reach(l) >= min_size)
        return COFRE_OK;
    if (l->dead || l->closing)
        return cofre_why_set(why, COFRE_ESTOPPED, "%s",
                             l->dead ? l->trouble.text : "the log is being closed");
    return cofre_why_set(why, l->trouble_err, "%s", l->trouble.text);
}

enum cofre_err
log_cosign_newest(struct log *l, uint64_t min_size, struct buf *out, struct cofre_why *why)
{
    enum cofre_err err;

    pthread_mutex_lock(&l->lock);
    if (min_size > l->head.size)
        err = cofre_why_set(why, COFRE_EINVAL, "a checkpoint beyond the log's end");
    else if ((err = wait_reach(l, min_size, why)) == COFRE_OK) {
        buf_putb(out, buf_bytes(l->held_size > l->signed_size ? &l->held : &l->checkpoint));
        err = buf_error(out);
    }
    pthread_mutex_unlock(&l->lock);
    return err;
}

/* ---- bringing lines ---- */

enum cofre_err
log_cosign(struct log *l, const struct log_cosigned *c, struct cofre_why *why)
{
    struct log_cosigning job = {.c = c, .err = COFRE_ESTOPPED};

    pthread_mutex_lock(&l->lock);
    while (l->cosigning != NULL && !l->dead && !l->closing)
        pthread_cond_wait(&l->done, &l->lock);
    if (!l->dead && !l->closing) {
        l->cosigning = &job;
        pthread_cond_signal(&l->work);
        while (!job.done && (l->cosigning != &job || (!l->dead && !l->closing)))
            pthread_cond_wait(&l->done, &l->lock);
        if (l->cosigning == &job)
            l->cosigning = NULL;
    }
    pthread_mutex_unlock(&l->lock);
    if (job.err == COFRE_OK)
        return COFRE_OK;
    return cofre_why_set(why, job.err, "%s",
                         job.why.text[0] != 0 ? job.why.text : cofre_err_text(job.err));
}

/* Replaces `checkpoint`, and what is remembered of it. */
static enum cofre_err
publish(struct log *l, struct bytes note, uint64_t size, struct cofre_why *why)
{
    struct buf text = BUF_INIT;
    struct buf old;
    enum cofre_err err;

    buf_putb(&text, note);
    if ((err = buf_error(&text)) == COFRE_OK)
        err = log_files_publish(l->dir, l->tmp_dir, note, why);
    if (err == COFRE_OK) {
        pthread_mutex_lock(&l->lock);
        old = l->checkpoint;
        l->checkpoint = text;
        l->signed_size = size;
        l->missed = false;
        pthread_mutex_unlock(&l->lock);
        text = old;
    }
    buf_free(&text);
    return err;
}

/* Is it the present checkpoint, but for lines?  Only the builder changes that, which calls this. */
static bool
is_present(const struct log *l, struct bytes text)
{
    return l->checkpoint.len > text.len && l->checkpoint.p[text.len] == '\n' &&
           memcmp(l->checkpoint.p, text.p, text.len) == 0;
}

static enum cofre_err
run(struct log *l, const struct log_cosigned *c, struct cofre_why *why)
{
    const struct log_place place = {l->dir, l->tmp_dir};
    struct checkpoint head;
    struct note note;
    enum cofre_err err;

    if ((err = checkpoint_open(c->note, &l->signer->verifier, &head)) != COFRE_OK ||
        (err = note_parse(c->note, &note)) != COFRE_OK)
        return err;
    if (head.size > l->signed_size && !(l->hold && c->publish))
        return cofre_why_set(why, COFRE_EINVAL, "a checkpoint that is not published");
    if (head.size > l->signed_size || is_present(l, note.text))
        err = publish(l, c->note, head.size, why);
    if (err == COFRE_OK && c->witnessed)
        err = log_files_replace(&place, "witnessed", c->note, why);
    return err;
}

void
log_cosign_run(struct log *l, struct log_cosigning *job)
{
    enum cofre_err err = COFRE_ESTOPPED;

    if (!l->dead)
        err = run(l, job->c, &job->why);
    pthread_mutex_lock(&l->lock);
    job->err = err;
    job->done = true;
    pthread_cond_broadcast(&l->done);
    pthread_mutex_unlock(&l->lock);
}
