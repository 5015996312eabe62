#include <stdio.h>

#include "cofre/oplog.h"
#include "vault/keys.h"
#include "vault/signing.h"

#include "vault/upkeep/rotate_audit.h"

/* An entry that nothing comes of: a refusal, a failure, or a dry run. */
static void
record_only(struct cofre_vault *v, struct cofre_call *outer, bool dry_run)
{
    struct cofre_call call;

    cofre_call_init(&call);
    call.actor = outer->actor;
    call.act = COFRE_ACT_KEY_ROTATE;
    call.outcome = outer->outcome;
    cofre_call_field(&call, BYTES_LIT("audit"));
    if (dry_run)
        cofre_call_field(&call, BYTES_LIT("dry-run"));
    cofre_submit_wait(v, &call);
    if (!call.recorded)
        cofre_call_fail(outer, COFRE_OUT_AUDIT, NULL, NULL);
    cofre_call_free(&call);
}

/* What a failed attempt left: finished by now, or in the way. */
static enum cofre_err
clear_way(struct cofre_vault *v, struct cofre_why *why)
{
    if (v->next == NULL)
        return COFRE_OK;
    if (log_signer(v->log) == v->next && log_epoch_wait(v->log, NULL) == COFRE_OK)
        return signing_finish(v, why);
    return cofre_why_set(why, COFRE_EBUSY,
                         "a rotation was begun and is not over; the next start finishes it or drops it");
}

/* Tags are made under a new secret from here on. */
static enum cofre_err
apply_secret(struct cofre_vault *v, struct cofre_call *call)
{
    struct cofre_why *why = call->op;

    return keys_add(v, KEYRING_LOG, 0, NULL, why);
}

static enum cofre_err
prepare(struct cofre_vault *v, struct cofre_why *why)
{
    enum cofre_err err;

    if ((err = clear_way(v, why)) != COFRE_OK ||
        (err = signing_new(v->origin, &v->next)) != COFRE_OK)
        return err;
    if ((err = signing_save(v, why)) == COFRE_OK)
        err = log_epoch_arm(v->log, v->next, why);
    if (err == COFRE_OK && (err = commit_silent(v, why, apply_secret)) != COFRE_OK)
        (void)log_epoch_disarm(v->log);
    if (err != COFRE_OK && signing_drop(v, NULL) != COFRE_OK)
        oplog_line(OPLOG_WARNING, "signing: a key that was never used could not be removed");
    return err;
}

/* The entry.  Where it is not in the log the next key goes, unless nobody can say what the journal holds. */
static enum cofre_err
write_entry(struct cofre_vault *v, struct cofre_call *outer, uint64_t *seq)
{
    struct cofre_call call;
    enum cofre_err err = COFRE_OK;

    cofre_call_init(&call);
    call.actor = outer->actor;
    call.act = COFRE_ACT_AUDIT_ROTATE;
    signing_put_fields(v, &call);
    cofre_submit_wait(v, &call);
    *seq = call.seq;
    if (!cofre_call_ok(&call) || !call.recorded) {
        cofre_call_fail(outer, call.outcome, NULL, NULL);
        err = COFRE_ESTOPPED;
    }
    cofre_call_free(&call);
    if (err != COFRE_OK && !log_dead(v->log) && log_epoch_disarm(v->log) &&
        signing_drop(v, NULL) != COFRE_OK)
        oplog_line(OPLOG_WARNING, "signing: a key that was never used could not be removed");
    return err;
}

static void
put_result(struct cofre_vault *v, struct buf *out, uint64_t seq)
{
    const uint32_t epoch = log_epochs(v->log);

    buf_putf(out, "{\"class\":\"audit\",\"from\":%u,\"to\":%u,\"vkey\":", epoch - 1, epoch);
    signing_put_vkey(out, &v->signer->verifier);
    buf_putf(out, ",\"entry\":%llu,\"size\":%llu}", (unsigned long long)seq,
             (unsigned long long)seq + 1);
}

/* With signing_lock held. */
static void
rotate(struct cofre_vault *v, struct cofre_call *call)
{
    struct cofre_why why = {{0}};
    uint64_t seq;
    enum cofre_err err;

    if ((err = prepare(v, &why)) != COFRE_OK) {
        policy_error(call, err, &why);
        record_only(v, call, false);
        return;
    }
    if (write_entry(v, call, &seq) != COFRE_OK)
        return;
    /* From here on it will be done, whatever happens: by the builder, or by the next start. */
    if ((err = log_epoch_wait(v->log, &why)) == COFRE_OK)
        err = signing_finish(v, &why);
    if (err != COFRE_OK) {
        oplog_line(OPLOG_ERROR, "audit log: the epoch's end is in the log, and not finished: %s", why.text);
        cofre_call_fail(call, COFRE_OUT_AUDIT, "",
                        "the rotation is in the log; the vault finishes it when it can write, or at "
                        "the next start");
        return;
    }
    put_result(v, &call->body, seq);
}

static void
dry(struct cofre_vault *v, struct cofre_call *call)
{
    const uint32_t epoch = log_epochs(v->log);

    buf_putf(&call->body, "{\"class\":\"audit\",\"from\":%u,\"to\":%u,\"dry_run\":true}", epoch, epoch + 1);
    record_only(v, call, true);
}

void
rotate_audit(struct cofre_vault *v, struct cofre_call *call, bool dry_run)
{
    if (dry_run) {
        dry(v, call);
        return;
    }
    if (pthread_mutex_trylock(&v->signing_lock) != 0) {
        cofre_call_fail(call, COFRE_OUT_BUSY, "job", "another rotation of the signing key is under way");
        record_only(v, call, false);
        return;
    }
    rotate(v, call);
    pthread_mutex_unlock(&v->signing_lock);
}
