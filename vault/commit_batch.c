#include <stdlib.h>

#include "cofre/oplog.h"
#include "crypto/pae.h"
#include "vault/anchor.h"
#include "vault/idem.h"
#include "vault/rows.h"
#include "vault/space.h"
#include "vault/witnesses.h"

#include "vault/commit_internal.h"

/*
 * One batch:
 *
 *   mutations   one transaction, a savepoint for each; their entries are linked first, and stand in
 *               the outbox of the same transaction, with the log's size and root behind them
 *   COMMIT
 *   the rest    reads, and mutations that were refused: their entries are linked behind
 *   journal     one write, one fdatasync
 *   catalogue   read again, when a mutation changed it: nobody is told before it holds
 *   done()      for each call
 *
 * A crash between COMMIT and the journal leaves entries in the outbox, which the next start puts into the
 * journal.  When the journal refuses (no space), rows are committed whose entries are owed: nothing
 * is served until they are paid.  When nobody can say whether COMMIT took place (an I/O error in it), the
 * log must not go on beside it: the next start finds out, and until then nothing is served.
 *
 * Every entry that says that something was changed stands in the outbox, or the next start would
 * take the database for an older one.
 */

/* ---- the entry of a call ---- */

void
commit_batch_reply(struct cofre_call *call)
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

enum cofre_err
commit_batch_stage(struct cofre_vault *v, struct cofre_call *call, struct bytes *line)
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

void
commit_batch_refuse(struct cofre_call *call, enum cofre_outcome outcome)
{
    call->outcome = outcome;
    call->version = 0;
    call->etag_id[0] = 0;
    call->content_type = NULL;
    buf_reset(&call->body);
    if (call->render != NULL)
        call->render(call);
    commit_batch_reply(call);
}

/* ---- mutations ---- */

static enum cofre_err
apply_one(struct cofre_vault *v, struct cofre_call *call)
{
    enum cofre_err err;

    if (call->apply == NULL)
        return COFRE_OK; /* a dry run: an entry, and no rows */
    if ((err = idem_replay(v, call)) != COFRE_ENOENT)
        return err;
    if ((err = call->apply(v, call)) != COFRE_OK || !cofre_call_ok(call))
        return err;
    if (buf_error(&call->body) != COFRE_OK)
        return COFRE_ENOMEM;
    return idem_keep(v, call);
}

/* Is it a mutation, or says its entry that it was one? */
static bool
mutates(const struct cofre_call *call)
{
    return cofre_call_ok(call) && (call->apply != NULL || cofre_act_mutates(call->act));
}

/* One mutation between savepoints, and its entry (its length goes to *owed) into log and outbox. */
static enum cofre_err
mutate(struct cofre_vault *v, struct cofre_call *call, bool *kept, uint64_t *owed)
{
    struct store_conn *w = store_writer(v->store);
    struct bytes line;
    enum cofre_err err;

    *kept = false;
    if ((err = store_savepoint(w)) != COFRE_OK)
        return err;
    err = apply_one(v, call);
    if (err == COFRE_OK && cofre_call_ok(call)) {
        commit_batch_reply(call);
        if (call->silent)
            *kept = true;
        else if ((err = commit_batch_stage(v, call, &line)) == COFRE_OK) {
            *kept = true;
            *owed += line.len;
            err = store_outbox_add(w, call->seq, line);
        }
    }
    if (err == COFRE_OK && *kept)
        return store_release(w);
    if (err != COFRE_OK && *kept)
        return err; /* an entry is linked whose row is not: the whole batch goes */
    if (err != COFRE_OK) {
        policy_error(call, err, NULL);
        call->n = 0; /* what was counted is undone */
    }
    return store_undo(w);
}

static enum cofre_err
mutate_all(struct cofre_vault *v, struct commit_batch *b)
{
    enum cofre_err err = COFRE_OK;

    for (size_t i = 0; i < b->n && err == COFRE_OK; i++) {
        struct cofre_call *call = b->calls[i];
        bool kept;

        if (!mutates(call))
            continue;
        b->later[i] = b->owed_bytes > space_owed_max(v);
        if (b->later[i])
            continue;
        err = mutate(v, call, &kept, &b->owed_bytes);
        b->staged[i] = kept && !call->silent;
        b->owed += b->staged[i];
        b->rows = b->rows || kept;
    }
    return err;
}

/* COMMIT, with the head that the log will have.  *unknown: it may have taken place, or not. */
static enum cofre_err
conclude(struct cofre_vault *v, bool *unknown)
{
    struct store_head head = {0};
    struct log_head staged;
    enum cofre_err err;

    log_staged_head(v->log, &staged);
    head.log_size = staged.size;
    memcpy(head.log_root, staged.root, sizeof head.log_root);
    err = store_commit(store_writer(v->store), &head);
    if (err == COFRE_OK)
        atomic_store(&v->generation, head.generation);
    *unknown = err != COFRE_OK && err != COFRE_ENOSPC && err != COFRE_ENOMEM && err != COFRE_EBUSY;
    return err;
}

/* No row of the batch is kept, and no entry linked. */
static void
mutations_failed(struct cofre_vault *v, struct commit_batch *b, enum cofre_err err)
{
    oplog_line(OPLOG_ERROR, "store: %s/vault.db: %s (%s)", v->dir, cofre_err_text(err),
               store_cause(store_writer(v->store)));
    log_unstage(v->log);
    for (size_t i = 0; i < b->n; i++) {
        b->staged[i] = false;
        if (mutates(b->calls[i]))
            b->calls[i]->outcome = COFRE_OUT_STORE;
    }
    b->rows = false;
    b->owed = 0;
}

/* The transaction of a batch.  COFRE_ESTOPPED: the database's state is unknown; else what failed is in
 * the calls. */
static enum cofre_err
transact(struct cofre_vault *v, struct commit_batch *b)
{
    struct store_conn *w = store_writer(v->store);
    struct log_head durable;
    bool unknown = false;
    enum cofre_err err;

    if ((err = store_begin(w)) != COFRE_OK) {
        mutations_failed(v, b, err);
        return COFRE_OK;
    }
    log_head(v->log, &durable);
    if ((err = store_outbox_trim(w, durable.size)) == COFRE_OK)
        err = mutate_all(v, b);
    if (err != COFRE_OK || !b->rows)
        store_rollback(w);
    else
        err = conclude(v, &unknown);
    if (err != COFRE_OK)
        mutations_failed(v, b, err);
    else
        atomic_fetch_add(&v->mutations, b->owed);
    return unknown ? COFRE_ESTOPPED : COFRE_OK;
}

/* ---- the batch ---- */

static void
stage_rest(struct cofre_vault *v, struct commit_batch *b)
{
    struct bytes line;

    for (size_t i = 0; i < b->n; i++) {
        struct cofre_call *call = b->calls[i];
        enum cofre_err err;

        if (b->staged[i] || b->later[i] || call->silent)
            continue;
        if (!cofre_call_ok(call))
            commit_batch_refuse(call, call->outcome);
        if ((err = commit_batch_stage(v, call, &line)) != COFRE_OK) {
            /* Too many names, or no memory: the access is refused, and that can be written. */
            oplog_line(OPLOG_ERROR, "%s: entry: %s", cofre_act_text(call->act),
                       cofre_err_text(err));
            buf_reset(&call->fields);
            buf_reset(&call->subjects);
            commit_batch_refuse(call, COFRE_OUT_INTERNAL);
            err = commit_batch_stage(v, call, &line);
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

enum cofre_err
commit_batch_pay(struct cofre_vault *v, struct cofre_why *why)
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
    return COFRE_OK;
}

/* Until it succeeds nobody is authenticated: a token that was revoked may stand in the old one. */
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
    v->committer.stale = err != COFRE_OK;
    atomic_store(&v->catalog_failed, err != COFRE_OK);
}

static void
finish(struct commit_batch *b, bool durable)
{
    for (size_t i = 0; i < b->n; i++) {
        struct cofre_call *call = b->calls[i];

        if (b->later[i])
            continue;
        call->recorded = durable && b->staged[i];
        if (!call->recorded && !(call->silent && durable)) {
            call->n_faults = 0;
            commit_batch_refuse(call, COFRE_OUT_AUDIT);
        }
        if (call->op_free != NULL)
            call->op_free(call->op);
        call->op = NULL;
        call->op_free = NULL;
        call->done(call);
    }
}

/* The path that a person can look at. */
static void
name_place(const struct cofre_vault *v, struct cofre_why *why)
{
    struct cofre_why cause = *why;

    why->text[0] = 0;
    cofre_why_set(why, COFRE_EIO, "%s/audit%s%s", v->dir,
                  strncmp(cause.text, "journal/", 8) == 0 ? "/" : ": ", cause.text);
}

/* It may be the builder that stopped the log: then nobody has told why yet. */
static enum cofre_err
log_cause(struct cofre_vault *v, struct cofre_why *why)
{
    log_trouble(v->log, why);
    name_place(v, why);
    return COFRE_ESTOPPED;
}

/* What must be in order before anything new is begun. */
static enum cofre_err
make_ready(struct cofre_vault *v, struct cofre_why *why)
{
    enum cofre_err err = COFRE_OK;

    if (atomic_load(&v->store_unknown))
        return cofre_why_set(why, COFRE_ESTOPPED,
                             "the database failed in a commit; start the vault again");
    if (log_dead(v->log))
        return log_cause(v, why);
    if (anchor_overdue(v))
        return cofre_why_set(why, COFRE_ESTOPPED, "the anchor could not be written for too long");
    if (witnesses_overdue(v, why))
        return COFRE_ESTOPPED;
    if ((err = commit_space_ready(v, why)) != COFRE_OK)
        return err;
    if (v->committer.owed && (err = commit_batch_pay(v, why)) != COFRE_OK)
        return err;
    if (v->committer.stale)
        reload(v);
    return COFRE_OK;
}

/* Rows and entries, both durable. */
static enum cofre_err
settle(struct cofre_vault *v, struct commit_batch *b, struct cofre_why *why)
{
    bool mutations = false;
    enum cofre_err err;

    if ((err = make_ready(v, why)) != COFRE_OK)
        return err;
    rows_refuse(v, b);
    for (size_t i = 0; i < b->n; i++)
        mutations = mutations || mutates(b->calls[i]);
    v->committer.reload = false;
    if (mutations && (err = transact(v, b)) != COFRE_OK) {
        atomic_store(&v->store_unknown, true);
        return cofre_why_set(why, err, "the database failed in a commit; start the vault again");
    }
    if (b->rows && v->committer.reload)
        v->committer.stale = true;
    stage_rest(v, b);
    if ((err = log_commit(v->log, why)) != COFRE_OK) {
        v->committer.owed = b->owed > 0;
        log_unstage(v->log);
        name_place(v, why);
        if (err == COFRE_ENOSPC)
            commit_space_lost(v);
    }
    return err;
}

void
commit_batch_run(struct cofre_vault *v, struct commit_batch *b)
{
    struct cofre_why why = {{0}};
    enum cofre_err err = settle(v, b, &why);

    if (err == COFRE_OK) {
        atomic_fetch_add(&v->batches, 1);
        for (size_t i = 0; i < b->n; i++)
            atomic_fetch_add(&v->entries, b->staged[i]);
        if (v->committer.stale)
            reload(v);
        if (v->committer.said != COFRE_OK)
            oplog_line(OPLOG_INFO, "the audit log can be written again");
    } else if (v->committer.said != err) {
        /* Once, and not for each batch that is refused from now on. */
        oplog_line(OPLOG_ERROR, "audit log: %s: %s", cofre_err_text(err), why.text);
    }
    v->committer.said = err;
    /* Refused for the witnesses: that is told as theirs, and over when they are back. */
    atomic_store(&v->refused, err == COFRE_OK || witnesses_overdue(v, NULL) ? 0 : vault_clock());
    finish(b, err == COFRE_OK);
}
