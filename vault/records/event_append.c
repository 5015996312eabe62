#include <stdlib.h>
#include <string.h>

#include "cofre/customers.h"
#include "cofre/encode.h"
#include "vault/records/event.h"
#include "vault/records/results.h"

struct append_op {
    size_t n;
    struct event *events;
    struct seen people;
};

static void
op_free(void *p)
{
    struct append_op *op = p;

    if (op == NULL)
        return;
    for (size_t i = 0; i < op->n; i++)
        event_free(&op->events[i]);
    free(op->events);
    free(op);
}

static struct append_op *
op_new(size_t n)
{
    struct append_op *op = calloc(1, sizeof *op);

    if (op != NULL && (op->events = malloc(n * sizeof *op->events)) == NULL) {
        free(op);
        return NULL;
    }
    for (; op != NULL && op->n < n; op->n++)
        event_init(&op->events[op->n]);
    return op;
}

static enum cofre_err
apply(struct cofre_vault *v, struct cofre_call *call)
{
    struct append_op *op = call->op;
    char id[ENCODE_ID_MAX];
    enum cofre_err err;

    buf_puts(&call->body, "{\"results\":[");
    for (size_t i = 0; i < op->n; i++) {
        struct event *e = &op->events[i];
        const struct cofre_fault *fault = NULL;
        struct cofre_fault said;

        if (event_ok(e) && (err = event_apply(v, e)) != COFRE_OK)
            return err;
        if (event_ok(e)) {
            event_tag_once(call, &op->people, e);
            encode_id(id, "evt_", e->row.key);
            results_ok(&call->body, i, e->outcome, id, NULL);
            continue;
        }
        memcpy(said.pointer, e->pointer, sizeof said.pointer);
        memset(said.reason, 0, sizeof said.reason);
        strncpy(said.reason, e->reason, sizeof said.reason - 1);
        fault = &said;
        results_problem(&call->body, i, e->outcome, fault, 1);
    }
    buf_puts(&call->body, "]}");
    return COFRE_OK;
}

/* The path's customer must be there, whatever the events are. */
static enum cofre_err
check_customer(struct event_context *ctx, struct bytes cus, uint8_t id[static STORE_ID])
{
    struct store_customer row;

    if (cus.len == 0)
        return COFRE_OK;
    if (encode_id_parse(cus, "cus_", id) != COFRE_OK)
        return COFRE_ENOENT;
    ctx->customer_id = id;
    return store_customer_get(ctx->conn, id, &row);
}

void
cofre_event_append(struct cofre_vault *v, struct cofre_call *call, struct bytes cus,
                   const struct cofre_event_in *in, size_t n)
{
    struct event_context ctx = {0};
    struct append_op *op = NULL;
    struct catalog *c;
    uint8_t id[STORE_ID];
    enum cofre_err err;

    if (!policy_role(call))
        return;
    if (n == 0 || n > COFRE_BATCH_MAX) {
        cofre_call_fail(call, COFRE_OUT_INVALID, "/events", "must have 1 to 1000 elements");
        return;
    }
    c = catalog_hold(v);
    err = event_context_begin(&ctx, v, c, call->nonce);
    if (err == COFRE_OK)
        err = check_customer(&ctx, cus, id);
    if (err == COFRE_OK && (op = op_new(n)) == NULL)
        err = COFRE_ENOMEM;
    for (size_t i = 0; i < n && err == COFRE_OK; i++)
        err = event_prepare(&ctx, &in[i], &op->events[i]);
    event_context_end(&ctx);
    catalog_release(c);
    if (err == COFRE_OK) {
        commit_prepare(call, op, apply, op_free);
        return;
    }
    policy_error(call, err, NULL);
    op_free(op);
}
