#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cofre/customers.h"
#include "cofre/encode.h"
#include "vault/records/draft.h"
#include "vault/records/person.h"
#include "vault/records/results.h"

/* Create, batch and patch: what the shop's back end writes. */

struct customer_op {
    struct catalog *catalog;
    size_t n;
    struct draft *drafts;
    uint64_t if_match; /* patch */
    uint8_t id[STORE_ID];
};

static void
op_free(void *p)
{
    struct customer_op *op = p;

    if (op == NULL)
        return;
    for (size_t i = 0; i < op->n; i++)
        draft_free(&op->drafts[i]);
    free(op->drafts);
    catalog_release(op->catalog);
    free(op);
}

static struct customer_op *
op_new(struct cofre_vault *v, size_t n)
{
    struct customer_op *op = calloc(1, sizeof *op);

    if (op == NULL)
        return NULL;
    op->catalog = catalog_hold(v);
    if ((op->drafts = malloc(n * sizeof *op->drafts)) == NULL) {
        op_free(op);
        return NULL;
    }
    for (; op->n < n; op->n++)
        draft_init(&op->drafts[op->n]);
    return op;
}

/* The names of all fields that were given, once each. */
static void
name_fields(struct cofre_call *call, const struct customer_op *op)
{
    const struct schema *s = op->catalog->schema;

    for (size_t i = 0; i < s->n_fields; i++) {
        bool given = false;
        for (size_t k = 0; k < op->n && !given; k++)
            given = fields_find(&op->drafts[k].given, s->fields[i].num) != NULL;
        if (given)
            cofre_call_field(call, bytes_str(s->fields[i].name));
    }
}

static void
adopt(struct cofre_call *call, const struct draft *d)
{
    for (size_t i = 0; i < d->n_faults; i++)
        cofre_call_fail(call, d->outcome, d->faults[i].pointer, d->faults[i].reason);
    cofre_call_fail(call, d->outcome, NULL, NULL);
}

static void
put_id(struct cofre_call *call, const struct draft *d)
{
    char id[ENCODE_ID_MAX];

    encode_id(id, "cus_", d->id);
    buf_putf(&call->body, "{\"id\":\"%s\",\"version\":%llu}", id, (unsigned long long)d->version);
    call->version = d->version;
}

/* ---- create ---- */

static enum cofre_err
apply_create(struct cofre_vault *v, struct cofre_call *call)
{
    struct customer_op *op = call->op;
    struct draft *d = op->drafts;
    enum cofre_err err = draft_insert(v, d);

    if (err != COFRE_OK)
        return err;
    if (!draft_ok(d)) {
        buf_reset(&call->subjects); /* nobody was made */
        call->n = 0;
        adopt(call, d);
        return COFRE_OK;
    }
    call->outcome = COFRE_OUT_CREATED;
    put_id(call, d);
    return COFRE_OK;
}

static enum cofre_err
prepare(struct cofre_vault *v, struct cofre_call *call, struct customer_op *op, size_t i,
        const struct cofre_customer_in *in)
{
    struct draft *d = &op->drafts[i];
    enum cofre_err err;

    if ((err = draft_take(d, op->catalog, in, false)) != COFRE_OK || !draft_ok(d))
        return err;
    if ((err = draft_seal(v, d)) != COFRE_OK)
        return err;
    person_tag(&d->person, call);
    return COFRE_OK;
}

void
cofre_customer_create(struct cofre_vault *v, struct cofre_call *call,
                      const struct cofre_customer_in *in)
{
    struct customer_op *op;
    enum cofre_err err;

    if (!policy_role(call))
        return;
    if ((op = op_new(v, 1)) == NULL) {
        policy_error(call, COFRE_ENOMEM, NULL);
        return;
    }
    err = prepare(v, call, op, 0, in);
    name_fields(call, op);
    if (err != COFRE_OK)
        policy_error(call, err, NULL);
    else if (!draft_ok(op->drafts))
        adopt(call, op->drafts);
    else {
        call->n = 1;
        commit_prepare(call, op, apply_create, op_free);
        return;
    }
    op_free(op);
}

/* ---- batch ---- */

static enum cofre_err
apply_batch(struct cofre_vault *v, struct cofre_call *call)
{
    struct customer_op *op = call->op;
    char id[ENCODE_ID_MAX];
    enum cofre_err err;

    buf_puts(&call->body, "{\"results\":[");
    buf_reset(&call->subjects);
    call->n = 0;
    for (size_t i = 0; i < op->n; i++) {
        struct draft *d = &op->drafts[i];

        if (draft_ok(d) && (err = draft_insert(v, d)) != COFRE_OK)
            return err;
        if (!draft_ok(d)) {
            results_problem(&call->body, i, d->outcome, d->faults, d->n_faults);
            continue;
        }
        call->n++;
        person_tag(&d->person, call);
        encode_id(id, "cus_", d->id);
        results_ok(&call->body, i, COFRE_OUT_CREATED, id, ",\"version\":1");
    }
    buf_puts(&call->body, "]}");
    return COFRE_OK;
}

void
cofre_customer_batch(struct cofre_vault *v, struct cofre_call *call,
                     const struct cofre_customer_in *in, size_t n)
{
    struct customer_op *op = NULL;
    enum cofre_err err = COFRE_OK;

    if (!policy_role(call))
        return;
    if (n == 0 || n > COFRE_BATCH_MAX) {
        cofre_call_fail(call, COFRE_OUT_INVALID, "/customers", "must have 1 to 1000 elements");
        return;
    }
    if ((op = op_new(v, n)) == NULL)
        err = COFRE_ENOMEM;
    for (size_t i = 0; i < n && err == COFRE_OK; i++)
        err = prepare(v, call, op, i, &in[i]);
    if (err != COFRE_OK) {
        policy_error(call, err, NULL);
        op_free(op);
        return;
    }
    name_fields(call, op);
    commit_prepare(call, op, apply_batch, op_free);
}

/* ---- patch ---- */

static enum cofre_err
apply_patch(struct cofre_vault *v, struct cofre_call *call)
{
    struct customer_op *op = call->op;
    struct draft *d = op->drafts;
    struct store_customer row;
    enum cofre_err err;

    err = store_customer_get(store_writer(v->store), op->id, &row);
    if (err != COFRE_OK)
        return err; /* not found: the outcome says so */
    if (op->if_match != 0 && op->if_match != row.version) {
        cofre_call_fail(call, COFRE_OUT_PRECONDITION, NULL, NULL);
        return COFRE_OK;
    }
    if ((err = draft_merge(v, d, &row)) != COFRE_OK)
        return err;
    call->n = 1;
    person_tag(&d->person, call);
    if (!draft_ok(d))
        adopt(call, d);
    else
        put_id(call, d);
    return COFRE_OK;
}

void
cofre_customer_patch(struct cofre_vault *v, struct cofre_call *call, struct bytes cus,
                     const struct cofre_field *fields, size_t n, uint64_t if_match)
{
    const struct cofre_customer_in in = {.fields = fields, .n_fields = n};
    struct customer_op *op;
    enum cofre_err err;

    if (!policy_role(call))
        return;
    if ((op = op_new(v, 1)) == NULL) {
        policy_error(call, COFRE_ENOMEM, NULL);
        return;
    }
    op->if_match = if_match;
    err = draft_take(op->drafts, op->catalog, &in, true);
    name_fields(call, op);
    if (err != COFRE_OK)
        policy_error(call, err, NULL);
    else if (!draft_ok(op->drafts))
        adopt(call, op->drafts);
    else if (encode_id_parse(cus, "cus_", op->id) != COFRE_OK)
        cofre_call_fail(call, COFRE_OUT_NOT_FOUND, NULL, NULL);
    else {
        commit_prepare(call, op, apply_patch, op_free);
        return;
    }
    op_free(op);
}
