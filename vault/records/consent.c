#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cofre/customers.h"
#include "cofre/encode.h"
#include "cofre/secret.h"
#include "vault/records/draft.h"
#include "vault/records/person.h"
#include "vault/records/values.h"

struct consent_op {
    uint8_t id[STORE_ID];
    struct store_consent row;
};

static enum cofre_err
apply(struct cofre_vault *v, struct cofre_call *call)
{
    struct consent_op *op = call->op;
    struct store_conn *w = store_writer(v->store);
    struct store_consent old;
    struct store_customer row;
    struct person b;
    enum cofre_err err;

    if ((err = store_customer_get(w, op->id, &row)) != COFRE_OK)
        return err;
    op->row.customer = row.num;
    err = store_consent_get(w, row.num, op->row.purpose, &old);
    if (err != COFRE_OK && err != COFRE_ENOENT)
        return err;
    /* A message that comes late must not bring back a person who has withdrawn since. */
    if (err == COFRE_OK && old.status == STORE_WITHDRAWN && op->row.status == STORE_GRANTED &&
        op->row.time < old.time) {
        cofre_call_fail(call, COFRE_OUT_CONFLICT, "/time", "is before the withdrawal on record");
        return COFRE_OK;
    }
    if ((err = person_open(v, &row, &b)) != COFRE_OK)
        return err;
    person_tag(&b, call);
    call->n = 1;
    secret_wipe(&b, sizeof b);
    buf_putf(&call->body, "{\"purpose\":\"%s\",\"status\":\"%s\",\"time\":", call->purpose,
             op->row.status == STORE_GRANTED ? "granted" : "withdrawn");
    values_put_time(&call->body, op->row.time);
    buf_putc(&call->body, '}');
    return store_consent_put(w, &op->row);
}

void
cofre_consent_put(struct cofre_vault *v, struct cofre_call *call, struct bytes cus,
                  const struct cofre_consent_in *in)
{
    struct consent_op *op;
    struct catalog *c;
    const char *member = NULL;
    const char *reason;
    char pointer[COFRE_POINTER_MAX];

    if (!policy_role(call))
        return;
    if ((op = calloc(1, sizeof *op)) == NULL) {
        policy_error(call, COFRE_ENOMEM, NULL);
        return;
    }
    c = catalog_hold(v);
    reason = draft_consent(c, in, &op->row, &member);
    if (catalog_purpose(c, in->purpose) != NULL)
        snprintf(call->purpose, sizeof call->purpose, "%s", catalog_purpose(c, in->purpose)->name);
    catalog_release(c);
    snprintf(pointer, sizeof pointer, "/%s", member != NULL ? member : "");
    if (reason != NULL && call->purpose[0] == 0)
        cofre_call_fail(call, COFRE_OUT_NOT_FOUND, NULL, NULL);
    else if (reason != NULL)
        cofre_call_fail(call, COFRE_OUT_INVALID, pointer, reason);
    else if (encode_id_parse(cus, "cus_", op->id) != COFRE_OK)
        cofre_call_fail(call, COFRE_OUT_NOT_FOUND, NULL, NULL);
    else {
        commit_prepare(call, op, apply, free);
        return;
    }
    free(op);
}
