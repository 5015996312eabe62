#include <stdlib.h>
#include <time.h>

#include "cofre/oplog.h"
#include "crypto/pae.h"
#include "vault/idem.h"
#include "vault/vault_internal.h"

/*
 * The committer: one thread, the whole queue at a time, no timer.  While one batch is being made
 * durable the next one gathers; that is the batching window.
 *
 *   mutations   one transaction, a savepoint for each; their entries are linked first, and stand in
 *               the outbox of the same transaction, with the log's size and root behind them
 *   COMMIT
 *   the rest    reads, and mutations that were refused: their entries are linked behind
 *   journal     one write, one fdatasync
 *   done()      for each call
 *
 * A crash between COMMIT and the journal leaves entries in the outbox, which the next start puts into the
 * journal.  When the journal refuses (no space), rows are committed whose entries are owed: nothing
 * is served until they are paid.
 */
enum { BATCH_MAX = 1024, SWEEP_MS = 1000 };

struct batch {
    struct cofre_call *calls[BATCH_MAX];
    size_t n;
    bool staged[BATCH_MAX]; /* its entry is linked */
    bool any_rows;
    bool reload;
};

/* Set by apply through commit_reload; the committer's thread alone. */
static _Thread_local bool want_reload;

void
commit_reload(struct cofre_vault *v)
{
    (void)v;
    want_reload = true;
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

/* ---- the entry of a call ---- */

static void
reply_compute(struct cofre_call *call)
{
    struct hmac_key salt;

    call->has_reply = call->body.len > 0;
    if (!call->has_reply)
        return;
    hmac_key_init(&salt, BYTES_OF(call->salt));
    hmac_of(&salt, buf_bytes(&call->body), call->reply);
}

static uint64_t
code_of(const struct cofre_call *call)
{
    const struct cofre_outcome_info *info = cofre_outcome(call->outcome);

    return call->http ? info->http : info->exit;
}

static size_t
field_names(const struct buf *fields, struct bytes out[static ENTRY_FIELDS_MAX])
{
    const uint8_t *p = fields->p;
    size_t left = fields->len;
    size_t n = 0;

    while (left > 0 && n < ENTRY_FIELDS_MAX) {
        size_t len = strnlen((const char *)p, left);
        out[n++] = (struct bytes){p, len};
        len += len < left;
        p += len;
        left -= len;
    }
    return n;
}

/* Links the call's entry; on success *line borrows its bytes. */
static enum cofre_err
stage(struct cofre_vault *v, struct cofre_call *call, struct bytes *line)
{
    struct bytes names[ENTRY_FIELDS_MAX];
    struct entry e = {.act = bytes_str(cofre_act_text(call->act)),
                      .ok = cofre_call_ok(call),
                      .code = (uint32_t)code_of(call),
                      .actor = bytes_str(call->actor.id),
                      .role = bytes_str(cofre_role_text(call->actor.role)),
                      .view = bytes_str(call->view),
                      .purpose = bytes_str(call->purpose),
                      .fields = names,
                      .n = call->n,
                      .has_reply = call->has_reply,
                      .subjects = call->subjects.p,
                      .n_subjects = call->subjects.len / ENTRY_TAG};
    enum cofre_err err;

    if (call->body.failed || call->fields.failed || call->subjects.failed)
        return COFRE_ENOMEM;
    e.n_fields = field_names(&call->fields, names);
    memcpy(e.reply, call->reply, sizeof e.reply);
    memcpy(e.nonce, call->nonce, sizeof e.nonce);
    if ((err = log_stage(v->log, &e, call->leaf, line)) != COFRE_OK)
        return err;
    call->seq = e.seq;
    return COFRE_OK;
}

/* Makes a call a refused one, whose body says so. */
static void
refuse(struct cofre_call *call, enum cofre_outcome outcome)
{
    call->outcome = outcome;
    call->version = 0;
    call->etag_id[0] = 0;
    call->content_type = NULL;
    buf_reset(&call->body);
    if (call->render != NULL)
        call->render(call);
    reply_compute(call);
}

/* ---- mutations ---- */

static enum cofre_err
apply_one(struct cofre_vault *v, struct cofre_call *call)
{
    struct store_conn *w = store_writer(v->store);
    enum cofre_err err;

    if ((err = idem_replay(v, call)) != COFRE_ENOENT)
        return err;
    if ((err = call->apply(v, call)) != COFRE_OK || !cofre_call_ok(call))
        return err;
    if (buf_error(&call->body) != COFRE_OK)
        return COFRE_ENOMEM;
    (void)w;
    return idem_keep(v, call);
}

/* One mutation between savepoints, and its entry into log and outbox. */
static enum cofre_err
mutate(struct cofre_vault *v, struct cofre_call *call, bool *kept)
{
    struct store_conn *w = store_writer(v->store);
    struct bytes line;
    enum cofre_err err;

    *kept = false;
    if ((err = store_savepoint(w)) != COFRE_OK)
        return err;
    err = apply_one(v, call);
    if (err == COFRE_OK && cofre_call_ok(call)) {
        reply_compute(call);
        if (call->silent)
            *kept = true;
        else if ((err = stage(v, call, &line)) == COFRE_OK) {
            *kept = true;
            err = store_outbox_add(w, call->seq, line);
        }
    }
    if (err == COFRE_OK && *kept)
        return store_release(w);
    if (err != COFRE_OK && *kept)
        return err; /* an entry is linked whose row is not: the whole batch goes */
    if (err != COFRE_OK)
        policy_error(call, err, NULL);
    return store_undo(w);
}

/* The transaction of a batch.  On error no row of it is kept, and no entry linked. */
static enum cofre_err
transact(struct cofre_vault *v, struct batch *b)
{
    struct store_conn *w = store_writer(v->store);
    struct store_head head = {0};
    struct log_head durable;
    struct log_head staged;
    enum cofre_err err;

    if ((err = store_begin(w)) != COFRE_OK)
        return err;
    log_head(v->log, &durable);
    if ((err = store_outbox_trim(w, durable.size)) != COFRE_OK)
        goto fail;
    for (size_t i = 0; i < b->n; i++) {
        struct cofre_call *call = b->calls[i];
        if (call->apply == NULL || !cofre_call_ok(call))
            continue;
        if ((err = mutate(v, call, &b->staged[i])) != COFRE_OK)
            goto fail;
        b->any_rows = b->any_rows || b->staged[i];
        atomic_fetch_add(&v->mutations, b->staged[i]);
    }
    if (!b->any_rows) {
        store_rollback(w);
        return COFRE_OK;
    }
    log_staged_head(v->log, &staged);
    head.log_size = staged.size;
    memcpy(head.log_root, staged.root, sizeof head.log_root);
    if ((err = store_commit(w, &head)) != COFRE_OK)
        goto unstage;
    atomic_store(&v->generation, head.generation);
    return COFRE_OK;
fail:
    store_rollback(w);
unstage:
    oplog_line(OPLOG_ERROR, "store: %s (%s)", cofre_err_text(err), store_cause(w));
    log_unstage(v->log);
    return err;
}

static void
mutations_failed(struct batch *b)
{
    for (size_t i = 0; i < b->n; i++) {
        b->staged[i] = false;
        if (b->calls[i]->apply != NULL && cofre_call_ok(b->calls[i]))
            b->calls[i]->outcome = COFRE_OUT_STORE;
    }
    b->any_rows = false;
}

/* ---- the batch ---- */

static void
stage_rest(struct cofre_vault *v, struct batch *b)
{
    struct bytes line;

    for (size_t i = 0; i < b->n; i++) {
        struct cofre_call *call = b->calls[i];
        enum cofre_err err;

        if (b->staged[i] || call->silent)
            continue;
        if (!cofre_call_ok(call))
            refuse(call, call->outcome);
        if ((err = stage(v, call, &line)) != COFRE_OK) {
            /* Too many names, or no memory: the access is refused, and that can be written. */
            oplog_line(OPLOG_ERROR, "%s: entry: %s", cofre_act_text(call->act),
                       cofre_err_text(err));
            buf_reset(&call->fields);
            buf_reset(&call->subjects);
            refuse(call, COFRE_OUT_INTERNAL);
            err = stage(v, call, &line);
        }
        b->staged[i] = err == COFRE_OK;
    }
}

static enum cofre_err
restage_owed(void *ctx, uint64_t seq, struct bytes line)
{
    (void)seq;
    return log_stage_line(ctx, line);
}

/* Pays what a refused journal write left owing: entries of rows that are committed. */
static enum cofre_err
pay(struct cofre_vault *v, struct cofre_why *why)
{
    struct store_conn *conn = NULL;
    struct log_head durable;
    enum cofre_err err;

    log_head(v->log, &durable);
    if ((err = store_snapshot(v->store, &conn, why)) != COFRE_OK)
        return err;
    err = store_outbox_each(conn, durable.size, restage_owed, v->log);
    store_snapshot_end(conn);
    if (err == COFRE_OK)
        err = log_commit(v->log, why);
    if (err != COFRE_OK) {
        log_unstage(v->log);
        return err;
    }
    v->committer.owed = false;
    oplog_line(OPLOG_INFO, "the audit log can be written again");
    return COFRE_OK;
}

static void
reload(struct cofre_vault *v)
{
    struct cofre_why why = {{0}};
    struct catalog *c;
    enum cofre_err err = catalog_read(v, &c, &why);

    if (err == COFRE_OK)
        catalog_replace(v, c);
    else
        oplog_line(OPLOG_ERROR, "catalogue: %s: %s", cofre_err_text(err), why.text);
}

static void
finish(struct batch *b, bool durable)
{
    for (size_t i = 0; i < b->n; i++) {
        struct cofre_call *call = b->calls[i];

        call->recorded = durable && b->staged[i];
        if (!call->recorded && !(call->silent && durable))
            refuse(call, COFRE_OUT_AUDIT);
        if (call->op_free != NULL)
            call->op_free(call->op);
        call->op = NULL;
        call->op_free = NULL;
        call->done(call);
    }
}

static void
run(struct cofre_vault *v, struct batch *b)
{
    struct cofre_why why = {{0}};
    bool mutations = false;
    enum cofre_err err = COFRE_OK;

    if (v->committer.owed)
        err = pay(v, &why);
    for (size_t i = 0; i < b->n; i++)
        mutations = mutations || (b->calls[i]->apply != NULL && cofre_call_ok(b->calls[i]));
    want_reload = false;
    if (err == COFRE_OK && log_dead(v->log))
        err = COFRE_ESTOPPED;
    if (err == COFRE_OK && mutations && transact(v, b) != COFRE_OK)
        mutations_failed(b);
    if (err == COFRE_OK) {
        stage_rest(v, b);
        err = log_commit(v->log, &why);
        if (err != COFRE_OK) {
            v->committer.owed = b->any_rows;
            log_unstage(v->log);
        }
    }
    if (err == COFRE_OK) {
        atomic_fetch_add(&v->batches, 1);
        atomic_fetch_add(&v->entries, b->n);
        if (want_reload && b->any_rows)
            reload(v);
    } else {
        oplog_line(OPLOG_ERROR, "audit log: %s: %s", cofre_err_text(err), why.text);
    }
    finish(b, err == COFRE_OK);
}

/* ---- sums of failed authentications ---- */

static void
swept(struct cofre_call *call)
{
    cofre_call_free(call);
    free(call);
}

static const char *const failure_names[COFRE_AUTH_FAILURES] = {
    [COFRE_AUTH_MISSING] = "missing",
    [COFRE_AUTH_BAD] = "bad-token",
};

/* Puts one entry for each kind of failure that was counted since the last time behind the batch. */
static void
sweep(struct cofre_vault *v, struct batch *b)
{
    for (unsigned k = 0; k < COFRE_AUTH_FAILURES && b->n < BATCH_MAX; k++) {
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
        call->done = swept;
        b->calls[b->n++] = call;
    }
    v->committer.swept = vault_now();
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

    while (c->head == NULL && !c->stopping) {
        if (!failures_pending(v)) {
            pthread_cond_wait(&c->wake, &c->lock);
            continue;
        }
        if (vault_now() - c->swept >= SWEEP_MS)
            return;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += 1;
        pthread_cond_timedwait(&c->wake, &c->lock, &until);
    }
}

static void
take(struct committer *c, struct batch *b)
{
    while (c->head != NULL && b->n < BATCH_MAX - COFRE_AUTH_FAILURES) {
        b->calls[b->n++] = c->head;
        c->head = c->head->next;
        c->queued--;
    }
    if (c->head == NULL)
        c->tail = &c->head;
}

static void *
commit_thread(void *arg)
{
    struct cofre_vault *v = arg;
    struct committer *c = &v->committer;
    struct batch *b = malloc(sizeof *b);
    bool stop = false;

    if (b == NULL)
        abort(); /* at start, before anything was accepted */
    while (!stop) {
        memset(b, 0, sizeof *b);
        pthread_mutex_lock(&c->lock);
        wait_for_work(v);
        take(c, b);
        stop = c->stopping && c->head == NULL;
        pthread_mutex_unlock(&c->lock);
        if (stop || vault_now() - c->swept >= SWEEP_MS)
            sweep(v, b);
        if (b->n > 0)
            run(v, b);
    }
    free(b);
    return NULL;
}

enum cofre_err
commit_start(struct cofre_vault *v, struct cofre_why *why)
{
    struct committer *c = &v->committer;
    int r;

    c->tail = &c->head;
    if ((r = pthread_create(&c->thread, NULL, commit_thread, v)) != 0)
        return cofre_why_os(why, COFRE_ENOMEM, r, "cannot start the committer");
    c->running = true;
    return COFRE_OK;
}

void
commit_stop(struct cofre_vault *v)
{
    struct committer *c = &v->committer;

    if (!c->running)
        return;
    pthread_mutex_lock(&c->lock);
    c->stopping = true;
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->lock);
    pthread_join(c->thread, NULL);
    c->running = false;
}

void
cofre_submit(struct cofre_vault *v, struct cofre_call *call)
{
    struct committer *c = &v->committer;
    bool accepted;

    call->next = NULL;
    /* The reply of a read is final here: hash it in this thread and not in the only committer's. */
    if (call->apply == NULL && cofre_call_ok(call))
        reply_compute(call);
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
    refuse(call, COFRE_OUT_AUDIT);
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
