#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cofre/admin.h"
#include "cofre/encode.h"
#include "vault/vault_internal.h"

/* Schema and purposes. */

struct doc_op {
    const char *kind;
    char name[COFRE_NAME_MAX + 1];
    uint32_t version; /* that it must become: what it was made from is the newest still */
    struct buf body;
};

/* Purposes are bits of a token's 64; number 0 is nobody's. */
enum { PURPOSES_MAX = 63 };

static void
op_free(void *p)
{
    struct doc_op *op = p;

    if (op == NULL)
        return;
    buf_free(&op->body);
    free(op);
}

static enum cofre_err
apply(struct cofre_vault *v, struct cofre_call *call)
{
    struct doc_op *op = call->op;
    struct store_doc doc = {.name = bytes_str(op->name), .body = buf_bytes(&op->body)};
    enum cofre_err err = store_doc_put(store_writer(v->store), op->kind, &doc);

    if (err != COFRE_OK)
        return err;
    /* Another command may have been quicker since this one was prepared. */
    if (doc.version != op->version)
        return op->version == 1 ? COFRE_EEXIST : COFRE_ECONFLICT;
    if (strcmp(op->kind, CATALOG_PURPOSE) == 0 && doc.num > PURPOSES_MAX)
        return COFRE_EREFUSED;
    commit_reload(v);
    buf_putf(&call->body, "{\"name\":\"%s\",\"version\":%u}", op->name, doc.version);
    return COFRE_OK;
}

static void
name_hash(struct cofre_call *call, struct bytes body)
{
    struct buf hex = BUF_INIT;
    uint8_t sha256[HASH_LEN];

    hash_of(body, sha256);
    encode_hex(&hex, BYTES_OF(sha256));
    cofre_call_field(call, buf_bytes(&hex));
    buf_free(&hex);
}

void
cofre_schema_show(struct cofre_vault *v, struct cofre_call *call)
{
    struct catalog *c;

    if (!policy_role(call))
        return;
    c = catalog_hold(v);
    schema_write(c->schema, &call->body);
    catalog_release(c);
}

void
cofre_schema_apply(struct cofre_vault *v, struct cofre_call *call, struct bytes json, bool dry_run)
{
    struct cofre_why why = {{0}};
    struct schema *next = NULL;
    struct catalog *c = NULL;
    struct doc_op *op = NULL;
    enum cofre_err err;

    if (!policy_role(call))
        return;
    c = catalog_hold(v);
    if ((err = schema_parse(json, &next, &why)) != COFRE_OK ||
        (err = schema_merge(c->schema, next, &why)) != COFRE_OK)
        goto out;
    if ((op = calloc(1, sizeof *op)) == NULL) {
        err = COFRE_ENOMEM;
        goto out;
    }
    op->kind = CATALOG_SCHEMA;
    op->version = c->schema_version + 1;
    snprintf(op->name, sizeof op->name, "customers");
    schema_write(next, &op->body);
    if ((err = buf_error(&op->body)) != COFRE_OK)
        goto out;
    name_hash(call, buf_bytes(&op->body));
    if (dry_run) {
        cofre_call_field(call, BYTES_LIT("dry-run"));
        buf_puts(&call->body, "{\"dry_run\":true}");
        goto out;
    }
    commit_prepare(call, op, apply, op_free);
    op = NULL; /* moved to call */
out:
    if (err == COFRE_EFORMAT || err == COFRE_EREFUSED)
        cofre_call_fail(call, err == COFRE_EFORMAT ? COFRE_OUT_INVALID : COFRE_OUT_REFUSED, "",
                        why.text);
    else if (err != COFRE_OK)
        policy_error(call, err, &why);
    op_free(op);
    schema_free(next);
    catalog_release(c);
}

void
cofre_purpose_list(struct cofre_vault *v, struct cofre_call *call)
{
    struct catalog *c;

    if (!policy_role(call))
        return;
    c = catalog_hold(v);
    buf_puts(&call->body, "{\"purposes\":[");
    for (size_t i = 0; i < c->n_purposes; i++)
        buf_putf(&call->body, "%s{\"name\":\"%s\",\"basis\":\"%s\"}", i > 0 ? "," : "",
                 c->purposes[i].name, catalog_basis_text(c->purposes[i].basis));
    buf_puts(&call->body, "]}");
    call->n = c->n_purposes;
    catalog_release(c);
}

void
cofre_purpose_add(struct cofre_vault *v, struct cofre_call *call, struct bytes name,
                  struct bytes basis)
{
    struct doc_op *op = NULL;
    enum store_basis parsed;
    struct catalog *c;

    if (!policy_role(call))
        return;
    c = catalog_hold(v);
    if (!entry_name_valid(name))
        cofre_call_fail(call, COFRE_OUT_INVALID, "name", "is not 1 to 64 of a-z, 0-9, - and _");
    else if (catalog_basis_parse(basis, &parsed) != COFRE_OK)
        cofre_call_fail(call, COFRE_OUT_INVALID, "basis",
                        "is none of consent, contract, legitimate-interest, legal-obligation");
    else if (catalog_purpose(c, name) != NULL)
        cofre_call_fail(call, COFRE_OUT_EXISTS, "name", "is a purpose already");
    else if (c->n_purposes >= PURPOSES_MAX)
        cofre_call_fail(call, COFRE_OUT_REFUSED, "name", "would be the 64th purpose");
    else if ((op = calloc(1, sizeof *op)) == NULL)
        policy_error(call, COFRE_ENOMEM, NULL);
    if (op != NULL) {
        op->kind = CATALOG_PURPOSE;
        op->version = 1;
        snprintf(op->name, sizeof op->name, "%.*s", (int)name.len, (const char *)name.p);
        snprintf(call->purpose, sizeof call->purpose, "%s", op->name);
        buf_putb(&op->body, basis);
        commit_prepare(call, op, apply, op_free);
    }
    catalog_release(c);
}
