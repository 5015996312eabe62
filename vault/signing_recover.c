#include <stdio.h>

#include "crypto/note_key.h"
#include "vault/anchor.h"
#include "vault/findings.h"
#include "vault/keys.h"

#include "vault/signing.h"

/*
 * `cofre audit recover`: the signing key is lost, and the recovery key certifies the next one.
 *
 * Nothing but the log, the keyring and the file signing is written.  So it works, too, where parts of the vault are
 * older than others: that is found here and left for the next start to refuse; then the anchor is not touched.
 */
struct recovery {
    struct note_signer key;
    struct findings found;
    uint64_t last_size; /* under the last checkpoint of the lost key */
    uint64_t entry;
};

static enum cofre_err
write_entry(struct cofre_vault *v, const char *actor, struct recovery *r, struct cofre_why *why)
{
    struct cofre_call call;
    enum cofre_err err = COFRE_OK;

    cofre_call_init(&call);
    snprintf(call.actor.id, sizeof call.actor.id, "%s", actor);
    call.actor.role = COFRE_ROLE_ADMIN;
    call.act = COFRE_ACT_AUDIT_RECOVER;
    signing_put_fields(v, &call);
    cofre_submit_wait(v, &call);
    r->entry = call.seq;
    if (!cofre_call_ok(&call) || !call.recorded)
        err = cofre_why_set(why, COFRE_ESTOPPED, "the entry could not be written");
    cofre_call_free(&call);
    return err;
}

/* Ends the epoch, or goes on with an end that an attempt before this one began. */
static enum cofre_err
end_epoch(struct cofre_vault *v, const char *actor, struct recovery *r, struct cofre_why *why)
{
    uint64_t end = 0;
    enum cofre_err err = COFRE_OK;

    if (log_signer(v->log) == NULL && !log_epoch_pending(v->log)) {
        /* No thread but this one is at work yet. */
        if ((err = keys_add(v, KEYRING_LOG, 0, NULL, why)) != COFRE_OK ||
            (err = commit_start(v, why)) != COFRE_OK)
            return err;
        err = write_entry(v, actor, r, why);
        commit_stop(v);
    }
    if (err == COFRE_OK && (err = log_epoch_wait(v->log, why)) == COFRE_OK)
        err = signing_finish(v, why);
    if (err == COFRE_OK && log_epoch(v->log, log_epochs(v->log) - 1, NULL, &end))
        r->entry = end - 1;
    return err;
}

static enum cofre_err
recover(struct cofre_vault *v, const struct cofre_vault_config *config, const char *actor,
        struct recovery *r, struct cofre_why *why)
{
    struct anchor now;
    enum cofre_err err;

    if ((err = vault_check(v, config, &r->found, why)) != COFRE_OK)
        return err;
    if (log_signer(v->log) == v->next && !log_epoch_pending(v->log))
        return cofre_why_set(why, COFRE_ECONFLICT,
                             "the signing key is there, and signs: nothing is lost");
    r->last_size = log_signed(v->log);
    /* The key is on disk before anything names it. */
    if ((err = signing_save(v, why)) != COFRE_OK ||
        (err = vault_start_log(v, config, why)) != COFRE_OK ||
        (err = end_epoch(v, actor, r, why)) != COFRE_OK)
        return err;
    if (findings_any(&r->found))
        return COFRE_OK;
    if ((err = anchor_now(v, &now, why)) != COFRE_OK)
        return err;
    return anchor_write(v, &now, why);
}

static void
put_result(struct cofre_vault *v, const struct recovery *r, struct buf *out)
{
    buf_putf(out, "{\"epoch\":%u,\"vkey\":", log_epochs(v->log));
    signing_put_vkey(out, &v->signer->verifier);
    buf_putf(out, ",\"entry\":%llu,\"size\":%llu,\"last_size\":%llu}", (unsigned long long)r->entry,
             (unsigned long long)r->entry + 1, (unsigned long long)r->last_size);
}

enum cofre_err
cofre_vault_recover(const struct cofre_vault_config *config, struct bytes private_key,
                    const char *actor, struct buf *out, struct cofre_why *why)
{
    struct recovery r = {.found = {.collect = true}};
    struct cofre_vault *v = NULL;
    enum cofre_err err;
    enum cofre_err closed;

    if ((err = note_key_parse(private_key, &r.key)) != COFRE_OK)
        return cofre_why_set(why, err, "the recovery key's file does not hold a private key");
    if (r.key.verifier.algorithm != NOTE_ED25519) {
        note_signer_free(&r.key);
        return cofre_why_set(why, COFRE_EFORMAT, "the recovery key's file holds a witness's key");
    }
    if ((err = vault_new(config, &v)) == COFRE_OK) {
        v->certifier = &r.key;
        if ((err = recover(v, config, actor, &r, why)) == COFRE_OK)
            put_result(v, &r, out);
    }
    if (v != NULL) {
        store_leave_files(v->store);
        commit_stop(v);
        closed = log_close(v->log, why);
        err = err != COFRE_OK ? err : closed;
        vault_free(v);
    }
    note_signer_free(&r.key);
    return err == COFRE_OK ? buf_error(out) : err;
}
