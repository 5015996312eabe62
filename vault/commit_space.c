#include "cofre/oplog.h"
#include "vault/space.h"

#include "vault/commit_internal.h"

/*
 * When the journal finds no space: the reserve is given up, what is owed is paid from it, and an entry
 * says that nothing is served; another one says when it is again.
 */

/* An entry of the vault's own, alone and at once. */
static enum cofre_err
record(struct cofre_vault *v, enum cofre_act act, enum cofre_outcome outcome, struct cofre_why *why)
{
    struct cofre_call call;
    struct bytes line;
    enum cofre_err err;

    cofre_call_init(&call);
    call.actor.role = COFRE_ROLE_SYSTEM;
    call.act = act;
    call.outcome = outcome;
    cofre_call_field(&call, BYTES_LIT("disk-full"));
    if ((err = commit_batch_stage(v, &call, &line)) == COFRE_OK &&
        (err = log_commit(v->log, why)) != COFRE_OK)
        log_unstage(v->log);
    if (err == COFRE_OK)
        atomic_fetch_add(&v->entries, 1);
    cofre_call_free(&call);
    return err;
}

void
commit_space_lost(struct cofre_vault *v)
{
    struct cofre_why why = {{0}};
    enum cofre_err err = COFRE_OK;

    space_give_up(v);
    if (v->committer.owed)
        err = commit_batch_pay(v, &why);
    if (err == COFRE_OK)
        err = record(v, COFRE_ACT_UNAVAILABLE, COFRE_OUT_AUDIT, &why);
    if (err != COFRE_OK)
        oplog_line(OPLOG_ERROR, "audit log: the last entries, for which space was reserved: %s: %s",
                   cofre_err_text(err), why.text);
}

enum cofre_err
commit_space_ready(struct cofre_vault *v, struct cofre_why *why)
{
    enum cofre_err err = COFRE_OK;

    if (!space_full(v))
        return COFRE_OK;
    if (!space_regain(v))
        return cofre_why_set(why, COFRE_ENOSPC, "disk full at %s", v->dir);
    if (v->committer.owed)
        err = commit_batch_pay(v, why);
    if (err == COFRE_OK)
        err = record(v, COFRE_ACT_AVAILABLE, COFRE_OUT_OK, why);
    if (err != COFRE_OK) {
        space_give_up(v);
        return err;
    }
    v->space.told = false;
    oplog_line(OPLOG_INFO, "%s has room again: the reserve is made, and the vault serves", v->dir);
    return COFRE_OK;
}
