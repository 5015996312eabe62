#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cofre/admin.h"
#include "cofre/encode.h"
#include "cofre/oplog.h"
#include "cofre/secret.h"
#include "vault/keys.h"
#include "vault/records/person.h"
#include "vault/upkeep/rotate_audit.h"

/*
 * Rotation of the KEK (rotate_audit.c has the signing key's): a new epoch becomes active at once, so that new customers use it; then every bundle
 * under an older one is unwrapped and wrapped again, in batches, while the vault serves.  Work is found by
 * key version, never by a remembered position, so a job that was cut off simply goes on.
 *
 *   key-rotate    entry: the new epoch is in the keyring, the job in its table (one transaction)
 *   (batches)     transactions without entries
 *   key-rotated   entry, after nothing was found under the old epochs: it says how many were moved
 */
enum { ROTATE_BATCH = 500, ROTATE_BATCH_MAX = 10000, JOB_RUNNING = 0, JOB_DONE = 1 };
#define JOB_KEK "rotate-kek"

struct job {
    struct store_job row;
    bool found;
    bool adopted; /* the epoch is there, its job was lost in a crash: no new key is made */
};

static enum cofre_err
find_running(void *ctx, const struct store_job *row)
{
    struct job *j = ctx;

    if (strcmp(row->kind, JOB_KEK) == 0 && row->state == JOB_RUNNING) {
        j->row = *row;
        j->found = true;
    }
    return COFRE_OK;
}

/* ---- counting ---- */

static enum cofre_err
count_old(struct cofre_vault *v, uint32_t active, uint64_t *left)
{
    struct store_conn *conn = NULL;
    enum cofre_err err;

    *left = 0;
    if ((err = store_snapshot(v->store, &conn, NULL)) != COFRE_OK)
        return err;
    for (uint32_t epoch = 1; epoch < active && err == COFRE_OK; epoch++) {
        uint64_t n = 0;
        err = store_count_under(conn, epoch, &n);
        *left += n;
    }
    store_snapshot_end(conn);
    return err;
}

/* ---- the first step ---- */

/*
 * The keyring first, on disk; a crash before COMMIT, or a transaction that fails, leaves an active epoch with
 * no job: what is sealed under it opens, and key resume finds the rows that are left and adopts the epoch.
 */
static enum cofre_err
apply_begin(struct cofre_vault *v, struct cofre_call *call)
{
    struct job *j = call->op;
    struct cofre_why why = {{0}};
    uint32_t version = 0;
    enum cofre_err err;

    j->row.state = JOB_RUNNING;
    j->row.started = j->row.updated = vault_now();
    snprintf(j->row.kind, sizeof j->row.kind, JOB_KEK);
    if ((err = store_job_put(store_writer(v->store), &j->row)) != COFRE_OK)
        return err;
    if (j->adopted)
        version = keys_kek_active(v);
    else if ((err = keys_add(v, KEYRING_KEK, 0, &version, &why)) != COFRE_OK) {
        oplog_line(OPLOG_ERROR, "keyring: %s", why.text);
        return err;
    }
    j->row.to_version = version;
    j->row.from_version = version - 1;
    buf_putf(&call->body, "{\"from\":%u,\"to\":%u}", version - 1, version);
    return store_job_put(store_writer(v->store), &j->row);
}

/* ---- the batches ---- */

struct move {
    int64_t num;
    uint32_t old;
    uint32_t fresh;
    uint8_t sealed[BUNDLE_SEALED];
};

struct move_op {
    struct cofre_vault *v;
    struct job *job;
    size_t n;
    uint64_t moved;
    struct move *moves;
};

static enum cofre_err
rewrap(void *ctx, const struct store_customer *row)
{
    struct move_op *op = ctx;
    struct move *m = &op->moves[op->n];
    struct person b;
    enum cofre_err err;

    if ((err = person_open(op->v, row, &b)) != COFRE_OK)
        return err;
    m->num = row->num;
    m->old = row->kek;
    person_seal(op->v, row->id, &b, m->sealed, &m->fresh);
    secret_wipe(&b, sizeof b);
    op->n++;
    return COFRE_OK;
}

static enum cofre_err
apply_moves(struct cofre_vault *v, struct cofre_call *call)
{
    struct move_op *op = call->op;
    struct store_conn *w = store_writer(v->store);

    op->moved = 0;
    for (size_t i = 0; i < op->n; i++) {
        const struct move *m = &op->moves[i];
        enum cofre_err err = store_customer_rewrap(w, m->num, m->old, m->fresh, BYTES_OF(m->sealed));

        /* Gone, or moved by somebody else meanwhile: nothing to do. */
        if (err != COFRE_OK && err != COFRE_ECONFLICT && err != COFRE_ENOENT)
            return err;
        op->moved += err == COFRE_OK;
    }
    op->job->row.done += op->moved;
    op->job->row.updated = vault_now();
    return store_job_put(w, &op->job->row);
}

static enum cofre_err
next_batch(struct cofre_vault *v, struct move_op *op, uint32_t active, unsigned batch)
{
    struct store_conn *conn = NULL;
    enum cofre_err err;

    op->n = 0;
    if ((err = store_snapshot(v->store, &conn, NULL)) != COFRE_OK)
        return err;
    for (uint32_t epoch = 1; epoch < active && op->n == 0 && err == COFRE_OK; epoch++)
        err = store_customer_under(conn, epoch, batch, rewrap, op);
    store_snapshot_end(conn);
    return err;
}

static enum cofre_err
move_all(struct cofre_vault *v, struct job *j, const struct cofre_rotate_in *in,
         const struct cofre_progress *p)
{
    unsigned batch = in->batch > 0 ? in->batch : ROTATE_BATCH;
    struct move_op op = {.v = v, .job = j};
    enum cofre_err err = COFRE_OK;

    if (batch > ROTATE_BATCH_MAX)
        batch = ROTATE_BATCH_MAX;
    if ((op.moves = calloc(batch, sizeof *op.moves)) == NULL)
        return COFRE_ENOMEM;
    while ((err = next_batch(v, &op, j->row.to_version, batch)) == COFRE_OK && op.n > 0) {
        if ((err = commit_silent(v, &op, apply_moves)) != COFRE_OK)
            break;
        if (p != NULL && p->fn != NULL)
            p->fn(p->ctx, j->row.done, j->row.total);
        if (p != NULL && p->stop != NULL && p->stop(p->ctx)) {
            err = COFRE_EAGAIN;
            break;
        }
    }
    free(op.moves);
    return err;
}

/* ---- the last step ---- */

static enum cofre_err
apply_end(struct cofre_vault *v, struct cofre_call *call)
{
    struct job *j = call->op;
    struct store_conn *w = store_writer(v->store);
    struct job now = {.found = false};
    uint64_t left = 0;
    enum cofre_err err;

    /* Another command may have ended it: it is stated once. */
    if ((err = store_job_each(w, find_running, &now)) != COFRE_OK)
        return err;
    if (!now.found || now.row.num != j->row.num)
        return COFRE_ECONFLICT;
    /* The proof, in the same transaction as the entry that states it. */
    for (uint32_t epoch = 1; epoch < j->row.to_version && err == COFRE_OK; epoch++) {
        uint64_t n = 0;
        err = store_count_under(w, epoch, &n);
        left += n;
    }
    if (err != COFRE_OK)
        return err;
    if (left > 0)
        return COFRE_ECONFLICT;
    j->row.state = JOB_DONE;
    j->row.updated = vault_now();
    call->n = j->row.done;
    buf_putf(&call->body,
             "{\"class\":\"kek\",\"from\":%u,\"to\":%u,\"done\":%llu,\"left\":0}",
             j->row.from_version, j->row.to_version, (unsigned long long)j->row.done);
    return store_job_put(w, &j->row);
}

/* One entry of the rotation; the outcome goes into the caller's call. */
static bool
step(struct cofre_vault *v, struct cofre_call *outer, enum cofre_act act, struct job *j,
     enum cofre_err (*apply)(struct cofre_vault *, struct cofre_call *))
{
    struct cofre_call call;
    bool ok;

    cofre_call_init(&call);
    call.actor = outer->actor;
    call.act = act;
    cofre_call_field(&call, BYTES_LIT("kek"));
    commit_prepare(&call, j, apply, NULL);
    cofre_submit_wait(v, &call);
    ok = cofre_call_ok(&call);
    if (ok) {
        buf_reset(&outer->body);
        buf_putb(&outer->body, buf_bytes(&call.body));
        outer->n = call.n;
    } else {
        cofre_call_fail(outer, call.outcome, NULL, NULL);
    }
    cofre_call_free(&call);
    return ok;
}

/* A refusal, a failure, or a dry run: one entry, nothing changed. */
static void
record_only(struct cofre_vault *v, struct cofre_call *outer, enum cofre_act act)
{
    struct cofre_call call;

    cofre_call_init(&call);
    call.actor = outer->actor;
    call.act = act;
    call.outcome = outer->outcome;
    cofre_call_field(&call, BYTES_LIT("kek"));
    if (cofre_call_ok(outer))
        cofre_call_field(&call, BYTES_LIT("dry-run"));
    cofre_submit_wait(v, &call);
    if (!call.recorded)
        cofre_call_fail(outer, COFRE_OUT_AUDIT, NULL, NULL);
    cofre_call_free(&call);
}

static void
dry_run(struct cofre_vault *v, struct cofre_call *call)
{
    uint32_t active = keys_kek_active(v);
    uint64_t n = 0;
    enum cofre_err err;

    if ((err = count_old(v, active + 1, &n)) != COFRE_OK)
        policy_error(call, err, NULL);
    buf_putf(&call->body, "{\"class\":\"kek\",\"from\":%u,\"to\":%u,\"objects\":%llu,\"dry_run\":true}",
             active, active + 1, (unsigned long long)n);
    record_only(v, call, COFRE_ACT_KEY_ROTATE);
}

static enum cofre_err
running(struct cofre_vault *v, struct job *j)
{
    struct store_conn *conn = NULL;
    enum cofre_err err;

    if ((err = store_snapshot(v->store, &conn, NULL)) == COFRE_OK)
        err = store_job_each(conn, find_running, j);
    store_snapshot_end(conn);
    return err;
}

static void
finish(struct cofre_vault *v, struct cofre_call *call, struct job *j,
       const struct cofre_rotate_in *in, const struct cofre_progress *progress)
{
    enum cofre_err err = move_all(v, j, in, progress);

    if (err == COFRE_EAGAIN)
        cofre_call_fail(call, COFRE_OUT_BUSY, "", "left off; cofre key resume goes on");
    else if (err != COFRE_OK)
        policy_error(call, err, NULL);
    if (err != COFRE_OK)
        record_only(v, call, COFRE_ACT_KEY_ROTATED);
    else
        (void)step(v, call, COFRE_ACT_KEY_ROTATED, j, apply_end);
}

void
cofre_key_rotate(struct cofre_vault *v, struct cofre_call *call, const struct cofre_rotate_in *in,
                 const struct cofre_progress *progress)
{
    struct job j = {.found = false};
    uint64_t total = 0;
    enum cofre_err err;

    call->act = COFRE_ACT_KEY_ROTATE;
    if (!policy_role(call))
        return;
    if (!in->resume && bytes_equal(in->class, BYTES_LIT("audit"))) {
        rotate_audit(v, call, in->dry_run);
        return;
    }
    if (!in->resume && !bytes_equal(in->class, BYTES_LIT("kek")))
        cofre_call_fail(call, COFRE_OUT_INVALID, "class",
                        "is not one that this version rotates (kek, audit)");
    else if ((err = running(v, &j)) != COFRE_OK)
        policy_error(call, err, NULL);
    else if (in->resume && !j.found && (err = count_old(v, keys_kek_active(v), &total)) != COFRE_OK)
        policy_error(call, err, NULL);
    else if (in->resume && !j.found && total == 0)
        cofre_call_fail(call, COFRE_OUT_NOT_FOUND, "job", "no rotation was cut off");
    else if (!in->resume && j.found)
        cofre_call_fail(call, COFRE_OUT_BUSY, "job",
                        "a rotation was begun and is not over; cofre key resume goes on");
    if (!cofre_call_ok(call)) {
        record_only(v, call, COFRE_ACT_KEY_ROTATE);
        return;
    }
    if (in->dry_run) {
        dry_run(v, call);
        return;
    }
    j.adopted = in->resume && !j.found;
    if (!j.found) {
        if (!j.adopted && (err = count_old(v, keys_kek_active(v) + 1, &total)) != COFRE_OK) {
            policy_error(call, err, NULL);
            record_only(v, call, COFRE_ACT_KEY_ROTATE);
            return;
        }
        j.row.total = total;
        if (!step(v, call, COFRE_ACT_KEY_ROTATE, &j, apply_begin))
            return;
    }
    finish(v, call, &j, in, progress);
}
