#include <stdlib.h>
#include <time.h>

#include "vault/commit_internal.h"

/*
 * The committer: one thread, the whole queue at a time, no timer.  While one batch is being made
 * durable the next one gathers; that is the batching window.  commit_batch.c has the batch.
 */
enum { SWEEP_MS = 1000 };

void
commit_reload(struct cofre_vault *v)
{
    v->committer.reload = true;
}

void
commit_prepare(struct cofre_call *call, void *op,
               enum cofre_err (*apply)(struct cofre_vault *, struct cofre_call *),
               void (*op_free)(void *))
{
    call->op = op;
    call->apply = apply;
    call->op_free = op_free;
}

/* ---- sums of failed authentications ---- */

/* What could not be recorded counts the next time. */
static void
swept(struct cofre_call *call)
{
    atomic_uint_fast64_t *failures = call->user;

    if (!call->recorded)
        atomic_fetch_add(failures, call->n);
    cofre_call_free(call);
    free(call);
}

static const char *const failure_names[COFRE_AUTH_FAILURES] = {
    [COFRE_AUTH_MISSING] = "missing",
    [COFRE_AUTH_BAD] = "bad-token",
};

/* Puts one entry for each kind of failure that was counted since the last time behind the batch. */
static void
sweep(struct cofre_vault *v, struct commit_batch *b)
{
    for (unsigned k = 0; k < COFRE_AUTH_FAILURES && b->n < COMMIT_BATCH_MAX; k++) {
        uint64_t count = atomic_exchange(&v->auth_failures[k], 0);
        struct cofre_call *call;

        if (count == 0)
            continue;
        if ((call = malloc(sizeof *call)) == NULL) {
            atomic_fetch_add(&v->auth_failures[k], count);
            continue;
        }
        cofre_call_init(call);
        call->actor.role = COFRE_ROLE_SYSTEM;
        call->act = COFRE_ACT_AUTH_FAILED;
        call->http = true;
        call->outcome = COFRE_OUT_TOKEN;
        call->n = count;
        cofre_call_field(call, bytes_str(failure_names[k]));
        call->user = &v->auth_failures[k];
        call->done = swept;
        b->calls[b->n++] = call;
    }
    v->committer.swept = vault_clock();
}

static bool
failures_pending(struct cofre_vault *v)
{
    for (unsigned k = 0; k < COFRE_AUTH_FAILURES; k++)
        if (atomic_load(&v->auth_failures[k]) > 0)
            return true;
    return false;
}

/* ---- the thread ---- */

static void
wait_for_work(struct cofre_vault *v)
{
    struct committer *c = &v->committer;
    struct timespec until;

    while (c->head == NULL && !c->stopping && !atomic_load(&v->space.poke)) {
        if (!failures_pending(v)) {
            pthread_cond_wait(&c->wake, &c->lock);
            continue;
        }
        if (vault_clock() - c->swept >= SWEEP_MS)
            return;
        until = vault_until(SWEEP_MS);
        pthread_cond_timedwait(&c->wake, &c->lock, &until);
    }
}

static void
take(struct committer *c, struct commit_batch *b)
{
    while (c->head != NULL && b->n < COMMIT_BATCH_MAX - COFRE_AUTH_FAILURES) {
        b->calls[b->n++] = c->head;
        c->head = c->head->next;
        c->queued--;
    }
    if (c->head == NULL)
        c->tail = &c->head;
}

/* What the batch left for the next one goes to the queue's front, in its order.  How many there were. */
static size_t
put_back(struct committer *c, struct commit_batch *b)
{
    size_t n = 0;

    pthread_mutex_lock(&c->lock);
    for (size_t i = b->n; i-- > 0;) {
        if (!b->later[i])
            continue;
        b->calls[i]->next = c->head;
        if (c->head == NULL)
            c->tail = &b->calls[i]->next;
        c->head = b->calls[i];
        c->queued++;
        n++;
    }
    pthread_mutex_unlock(&c->lock);
    return n;
}

static void *
commit_thread(void *arg)
{
    struct cofre_vault *v = arg;
    struct committer *c = &v->committer;
    struct commit_batch *b = c->batch;
    bool stop = false;

    while (!stop) {
        memset(b, 0, sizeof *b);
        pthread_mutex_lock(&c->lock);
        wait_for_work(v);
        take(c, b);
        stop = c->stopping && c->head == NULL;
        pthread_mutex_unlock(&c->lock);
        if (stop || vault_clock() - c->swept >= SWEEP_MS)
            sweep(v, b);
        if (b->n > 0 || atomic_exchange(&v->space.poke, false))
            commit_batch_run(v, b);
        stop = put_back(c, b) == 0 && stop;
    }
    return NULL;
}

enum cofre_err
commit_start(struct cofre_vault *v, struct cofre_why *why)
{
    struct committer *c = &v->committer;
    int r;

    c->tail = &c->head;
    if ((c->batch = malloc(sizeof *c->batch)) == NULL)
        return COFRE_ENOMEM;
    if ((r = pthread_create(&c->thread, NULL, commit_thread, v)) != 0)
        return cofre_why_os(why, COFRE_ENOMEM, r, "cannot start the committer");
    c->running = true;
    return COFRE_OK;
}

void
commit_stop(struct cofre_vault *v)
{
    struct committer *c = &v->committer;

    if (c->running) {
        pthread_mutex_lock(&c->lock);
        c->stopping = true;
        pthread_cond_signal(&c->wake);
        pthread_mutex_unlock(&c->lock);
        pthread_join(c->thread, NULL);
        c->running = false;
    }
    free(c->batch);
    c->batch = NULL;
}

void
cofre_submit(struct cofre_vault *v, struct cofre_call *call)
{
    struct committer *c = &v->committer;
    bool accepted;

    call->next = NULL;
    /* The reply of a read is final here: hash it in this thread and not in the only committer's. */
    if (call->apply == NULL && cofre_call_ok(call))
        commit_batch_reply(call);
    pthread_mutex_lock(&c->lock);
    accepted = !c->stopping;
    if (accepted) {
        *c->tail = call;
        c->tail = &call->next;
        c->queued++;
        pthread_cond_signal(&c->wake);
    }
    pthread_mutex_unlock(&c->lock);
    if (accepted)
        return;
    commit_batch_refuse(call, COFRE_OUT_AUDIT);
    call->done(call);
}

struct waiting {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool done;
};

static void
wake(struct cofre_call *call)
{
    struct waiting *w = call->user;

    pthread_mutex_lock(&w->lock);
    w->done = true;
    pthread_cond_signal(&w->cond);
    pthread_mutex_unlock(&w->lock);
}

void
cofre_submit_wait(struct cofre_vault *v, struct cofre_call *call)
{
    struct waiting w = {.lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};
    void *user = call->user;

    call->user = &w;
    call->done = wake;
    cofre_submit(v, call);
    pthread_mutex_lock(&w.lock);
    while (!w.done)
        pthread_cond_wait(&w.cond, &w.lock);
    pthread_mutex_unlock(&w.lock);
    pthread_mutex_destroy(&w.lock);
    pthread_cond_destroy(&w.cond);
    call->user = user;
}

enum cofre_err
commit_silent(struct cofre_vault *v, void *op,
              enum cofre_err (*apply)(struct cofre_vault *, struct cofre_call *))
{
    struct cofre_call call;
    enum cofre_outcome out;

    cofre_call_init(&call);
    call.act = COFRE_ACT_IMPORT_BATCH; /* any that mutates; it leaves no entry */
    call.silent = true;
    commit_prepare(&call, op, apply, NULL);
    cofre_submit_wait(v, &call);
    out = call.outcome;
    cofre_call_free(&call);
    switch (out) {
    case COFRE_OUT_OK:
        return COFRE_OK;
    case COFRE_OUT_AUDIT:
        return COFRE_ESTOPPED;
    case COFRE_OUT_INTEGRITY:
        return COFRE_EINTEGRITY;
    default:
        return COFRE_EIO;
    }
}
