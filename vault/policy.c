#include "cofre/oplog.h"
#include "vault/vault_internal.h"

bool
policy_role(struct cofre_call *call)
{
    if (!cofre_call_ok(call))
        return false;
    if (cofre_act_allowed(call->act, call->actor.role))
        return true;
    cofre_call_fail(call, COFRE_OUT_FORBIDDEN, NULL, NULL);
    return false;
}

static enum cofre_outcome
outcome_of(enum cofre_err err)
{
    switch (err) {
    case COFRE_ENOENT:
        return COFRE_OUT_NOT_FOUND;
    case COFRE_EEXIST:
        return COFRE_OUT_EXISTS;
    case COFRE_ECONFLICT:
        return COFRE_OUT_CONFLICT;
    case COFRE_EINVAL:
    case COFRE_EFORMAT:
    case COFRE_ERANGE:
        return COFRE_OUT_INVALID;
    case COFRE_EREFUSED:
        return COFRE_OUT_REFUSED;
    case COFRE_EBUSY:
        return COFRE_OUT_BUSY;
    case COFRE_EAUTH:
    case COFRE_ENOKEY:
    case COFRE_EINTEGRITY:
        return COFRE_OUT_INTEGRITY;
    case COFRE_EIO:
    case COFRE_ENOSPC:
        return COFRE_OUT_STORE;
    case COFRE_ESTOPPED:
        return COFRE_OUT_AUDIT;
    default:
        return COFRE_OUT_INTERNAL;
    }
}

void
policy_error(struct cofre_call *call, enum cofre_err err, const struct cofre_why *why)
{
    enum cofre_outcome out = outcome_of(err);
    const char *cause = why != NULL ? why->text : "";

    /* Whoever reads rows has no more to say than where they lie. */
    if (out == COFRE_OUT_INTEGRITY && cause[0] == 0)
        cause = "a page of vault.db, or a sealed row in it, was altered or damaged";
    /* That it is to be tried again is news for who asked, and not for the operator. */
    if (out == COFRE_OUT_BUSY && cause[0] != 0) {
        cofre_call_fail(call, out, "", cause);
        return;
    }
    if (cofre_outcome(out)->http >= 500)
        oplog_line(OPLOG_ERROR, "%s: %s%s%s", cofre_act_text(call->act), cofre_err_text(err),
                   cause[0] != 0 ? ": " : "", cause);
    cofre_call_fail(call, out, NULL, NULL);
}
