#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cofre/customers.h"
#include "cofre/encode.h"
#include "cofre/secret.h"
#include "crypto/pae.h"
#include "vault/records/draft.h"
#include "vault/records/normalise.h"
#include "vault/records/person.h"
#include "vault/records/values.h"

/* What the support desk (and, for look-ups, the shop) reads of one live customer. */

/* ---- lookup ---- */

static enum cofre_err
find(struct cofre_vault *v, struct store_conn *conn, const struct schema_field *f,
     struct bytes canonical, struct cofre_call *call)
{
    struct store_customer row;
    struct person b;
    char id[ENCODE_ID_MAX];
    uint8_t value[STORE_KEYED];
    int64_t num;
    enum cofre_err err;

    draft_index_value(v, f, canonical, value);
    if ((err = store_index_find(conn, f->num, value, &num)) != COFRE_OK ||
        (err = store_customer_get_num(conn, num, &row)) != COFRE_OK ||
        (err = person_open(v, &row, &b)) != COFRE_OK)
        return err;
    person_tag(&b, call);
    secret_wipe(&b, sizeof b);
    call->n = 1;
    encode_id(id, "cus_", row.id);
    buf_putf(&call->body, "{\"id\":\"%s\"}", id);
    return COFRE_OK;
}

void
cofre_customer_lookup(struct cofre_vault *v, struct cofre_call *call, struct bytes index,
                      const struct cofre_field *value)
{
    struct fields_context ctx = {0};
    struct store_conn *conn = NULL;
    const struct schema_field *f;
    struct catalog *c;
    struct fields given;
    struct cofre_field named = *value;
    const char *reason = NULL;
    enum cofre_err err;

    if (!policy_role(call))
        return;
    c = catalog_hold(v);
    ctx.schema = c->schema;
    vault_today(ctx.today);
    fields_init(&given);
    named.name = index;
    f = schema_field(c->schema, index);
    if (f == NULL || !f->lookup) {
        cofre_call_fail(call, COFRE_OUT_INVALID, "/index", "is not a field that can be looked up");
        goto out;
    }
    cofre_call_field(call, bytes_str(f->name));
    err = fields_add(&given, &ctx, &named, &reason);
    if (err == COFRE_EINVAL) {
        cofre_call_fail(call, COFRE_OUT_INVALID, "/value", reason);
        goto out;
    }
    if (err == COFRE_OK && (err = store_snapshot(v->store, &conn, NULL)) == COFRE_OK)
        err = find(v, conn, f, fields_value(&given, 0), call);
    if (err != COFRE_OK)
        policy_error(call, err, NULL);
out:
    store_snapshot_end(conn);
    fields_free(&given);
    catalog_release(c);
}

/* ---- reveal ---- */

struct reveal_op {
    int64_t num;
    struct buf sealed; /* the reason */
    struct buf body;
};

static void
op_free(void *p)
{
    struct reveal_op *op = p;

    if (op == NULL)
        return;
    buf_free(&op->sealed);
    buf_free(&op->body);
    free(op);
}

static enum cofre_err
apply(struct cofre_vault *v, struct cofre_call *call)
{
    struct reveal_op *op = call->op;

    buf_putb(&call->body, buf_bytes(&op->body));
    return store_reason_put(store_writer(v->store), op->num, call->nonce, buf_bytes(&op->sealed));
}

static bool
reason_valid(struct bytes reason)
{
    return reason.len >= 1 && reason.len <= 1000 && encode_utf8_valid(reason);
}

/* Names the fields, and refuses what is not in the schema or named twice. */
static bool
take_names(struct cofre_call *call, const struct catalog *c, const struct cofre_reveal_in *in)
{
    if (in->n_fields == 0 || in->n_fields > SCHEMA_FIELDS_MAX)
        cofre_call_fail(call, COFRE_OUT_INVALID, "/fields", "must name 1 to 64 fields");
    for (size_t i = 0; i < in->n_fields && cofre_call_ok(call); i++) {
        char pointer[COFRE_POINTER_MAX];
        const struct schema_field *f = schema_field(c->schema, in->fields[i]);
        bool twice = false;

        for (size_t k = 0; k < i; k++)
            twice = twice || bytes_equal(in->fields[k], in->fields[i]);
        snprintf(pointer, sizeof pointer, "/fields/%zu", i);
        if (f == NULL || twice)
            cofre_call_fail(call, COFRE_OUT_INVALID, pointer,
                            twice ? "is named twice" : "is not in the schema");
        else
            cofre_call_field(call, bytes_str(f->name));
    }
    return cofre_call_ok(call);
}

static bool
take_purpose(struct cofre_call *call, const struct catalog *c, const struct cofre_reveal_in *in)
{
    const struct catalog_purpose *p = catalog_purpose(c, in->purpose);

    if (p == NULL) {
        cofre_call_fail(call, COFRE_OUT_INVALID, "/purpose", "is not a purpose of this vault");
        return false;
    }
    snprintf(call->purpose, sizeof call->purpose, "%s", p->name);
    if (p->num < 64 && (call->actor.purposes & (UINT64_C(1) << p->num)) != 0)
        return true;
    cofre_call_fail(call, COFRE_OUT_REFUSED, "/purpose", "is not one of the token's purposes");
    return false;
}

/* The log commits to the reason without holding it: base32 of HMAC(salt, PAE(label, reason)). */
static void
commit_reason(struct cofre_call *call, struct bytes reason)
{
    struct hmac_key salt;
    struct buf name = BUF_INIT;
    uint8_t mac[HASH_LEN];

    hmac_key_init(&salt, BYTES_OF(call->salt));
    pae_hmac(&salt, "cofre/v1/reason-commitment", &reason, 1, mac);
    buf_puts(&name, "reason-");
    encode_base32(&name, BYTES_OF(mac));
    cofre_call_field(call, buf_bytes(&name));
    buf_free(&name);
}

static enum cofre_err
write_fields(struct cofre_vault *v, const struct catalog *c, const struct store_customer *row,
             const struct person *b, const struct cofre_reveal_in *in, struct buf *out)
{
    struct buf plain[STORE_PARTS] = {BUF_INIT, BUF_INIT, BUF_INIT};
    struct record part[STORE_PARTS];
    bool first = true;
    enum cofre_err err = COFRE_OK;

    for (unsigned i = 0; i < STORE_PARTS && err == COFRE_OK; i++)
        err = person_open_part(v, b, row, (enum store_part)i, &plain[i], &part[i]);
    buf_puts(out, "{\"fields\":{");
    for (size_t i = 0; i < in->n_fields && err == COFRE_OK; i++) {
        const struct schema_field *f = schema_field(c->schema, in->fields[i]);
        struct bytes value;

        if (f->derived)
            value = values_status(row);
        else if (!record_find(&part[fields_part(f)], f->num, &value))
            continue;
        buf_puts(out, first ? "\"" : ",\"");
        buf_puts(out, f->name);
        buf_puts(out, "\":");
        values_put(out, f->type, value);
        first = false;
    }
    buf_puts(out, "}}");
    for (unsigned i = 0; i < STORE_PARTS; i++)
        buf_free(&plain[i]);
    return err != COFRE_OK ? err : buf_error(out);
}

static enum cofre_err
prepare(struct cofre_vault *v, struct cofre_call *call, const struct catalog *c,
        const uint8_t id[static STORE_ID], const struct cofre_reveal_in *in)
{
    struct reveal_op *op = calloc(1, sizeof *op);
    struct store_conn *conn = NULL;
    struct store_customer row;
    struct person b = {0};
    enum cofre_err err = op == NULL ? COFRE_ENOMEM : COFRE_OK;

    if (err == COFRE_OK && (err = store_snapshot(v->store, &conn, NULL)) == COFRE_OK &&
        (err = store_customer_get(conn, id, &row)) == COFRE_OK &&
        (err = person_open(v, &row, &b)) == COFRE_OK &&
        (err = write_fields(v, c, &row, &b, in, &op->body)) == COFRE_OK &&
        (err = person_seal_reason(v, &b, id, call->nonce, in->reason, &op->sealed)) == COFRE_OK) {
        op->num = row.num;
        person_tag(&b, call);
        call->n = 1;
        commit_prepare(call, op, apply, op_free);
        op = NULL; /* moved to call */
    }
    store_snapshot_end(conn);
    secret_wipe(&b, sizeof b);
    op_free(op);
    return err;
}

void
cofre_customer_reveal(struct cofre_vault *v, struct cofre_call *call, struct bytes cus,
                      const struct cofre_reveal_in *in)
{
    struct catalog *c;
    uint8_t id[STORE_ID];
    enum cofre_err err;

    if (!policy_role(call))
        return;
    c = catalog_hold(v);
    if (!reason_valid(in->reason))
        cofre_call_fail(call, COFRE_OUT_INVALID, "/reason", "is not 1 to 1000 bytes of UTF-8");
    else if (take_names(call, c, in) && take_purpose(call, c, in)) {
        commit_reason(call, in->reason);
        err = encode_id_parse(cus, "cus_", id) != COFRE_OK ? COFRE_ENOENT
                                                           : prepare(v, call, c, id, in);
        if (err != COFRE_OK)
            policy_error(call, err, NULL);
    }
    catalog_release(c);
}
