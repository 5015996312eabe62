#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "cofre/admin.h"
#include "cofre/encode.h"
#include "cofre/secret.h"
#include "crypto/token.h"
#include "vault/records/values.h"
#include "vault/vault_internal.h"

enum { TOKEN_ID_RANDOM = 10, FLAG_ERASE = 1 };
static const uint64_t ttl_max_s = UINT64_C(10) * 366 * 86400;

struct issue_op {
    struct store_token row;
    char text[TOKEN_MAX];
};

static void
op_free(void *p)
{
    struct issue_op *op = p;

    if (op == NULL)
        return;
    secret_wipe(op, sizeof *op);
    free(op);
}

static enum cofre_err
apply_issue(struct cofre_vault *v, struct cofre_call *call)
{
    struct issue_op *op = call->op;
    enum cofre_err err = store_token_insert(store_writer(v->store), &op->row);

    if (err != COFRE_OK)
        return err;
    commit_reload(v);
    buf_putf(&call->body, "{\"id\":\"%s\",\"token\":\"%s\",\"role\":\"%s\",\"view\":", op->row.id,
             op->text, cofre_role_text((enum cofre_role)op->row.role));
    if (op->row.view[0] != 0)
        buf_putf(&call->body, "\"%s\"", op->row.view);
    else
        buf_puts(&call->body, "null");
    buf_puts(&call->body, ",\"expires\":");
    values_put_time(&call->body, op->row.expires);
    buf_putc(&call->body, '}');
    return COFRE_OK;
}

static bool
take_purposes(struct cofre_call *call, const struct catalog *c, const struct cofre_token_in *in,
              struct store_token *row)
{
    size_t at = 0;

    for (size_t i = 0; i < in->n_purposes; i++) {
        struct bytes p = in->purposes[i];
        if (catalog_purpose(c, p) == NULL || at + p.len + 2 > sizeof row->purposes) {
            cofre_call_fail(call, COFRE_OUT_INVALID, "--purpose", "is not a purpose of this vault");
            return false;
        }
        if (at > 0)
            row->purposes[at++] = ' ';
        memcpy(row->purposes + at, p.p, p.len);
        at += p.len;
        row->purposes[at] = 0;
    }
    return true;
}

static bool
take_role(struct cofre_call *call, const struct catalog *c, const struct cofre_token_in *in,
          struct store_token *row)
{
    enum cofre_role role;

    if (cofre_role_parse(in->role, &role) != COFRE_OK) {
        cofre_call_fail(call, COFRE_OUT_INVALID, "--role",
                        "is none of ingest, crm, support, compliance");
        return false;
    }
    row->role = role;
    if ((role == COFRE_ROLE_CRM) != (in->view.len > 0))
        cofre_call_fail(call, COFRE_OUT_INVALID, "--view",
                        role == COFRE_ROLE_CRM ? "is required for crm" : "is for crm alone");
    else if (role == COFRE_ROLE_CRM && catalog_view(c, in->view) == NULL)
        cofre_call_fail(call, COFRE_OUT_NOT_FOUND, "--view", "is not a view of this vault");
    else if ((role == COFRE_ROLE_SUPPORT) != (in->n_purposes > 0))
        cofre_call_fail(call, COFRE_OUT_INVALID, "--purpose",
                        role == COFRE_ROLE_SUPPORT ? "is required for support"
                                                   : "is for support alone");
    else if (in->may_erase && role != COFRE_ROLE_INGEST)
        cofre_call_fail(call, COFRE_OUT_INVALID, "--may", "erase is for ingest alone");
    if (cofre_call_ok(call) && in->view.len > 0)
        memcpy(row->view, in->view.p, in->view.len);
    return cofre_call_ok(call);
}

static bool
take(struct cofre_call *call, const struct catalog *c, const struct cofre_token_in *in,
     struct store_token *row)
{
    if (!entry_name_valid(in->name)) {
        cofre_call_fail(call, COFRE_OUT_INVALID, "--name", "is not 1 to 64 of a-z, 0-9, - and _");
        return false;
    }
    memcpy(row->name, in->name.p, in->name.len);
    if (in->ttl_s < 1 || in->ttl_s > ttl_max_s) {
        cofre_call_fail(call, COFRE_OUT_INVALID, "--ttl", "is not between 1 second and 10 years");
        return false;
    }
    row->flags = in->may_erase ? FLAG_ERASE : 0;
    row->issued = vault_now();
    row->expires = row->issued + (int64_t)in->ttl_s * 1000;
    return take_role(call, c, in, row) && take_purposes(call, c, in, row);
}

static enum cofre_err
make_secret(struct cofre_vault *v, struct issue_op *op)
{
    uint8_t secret[TOKEN_SECRET];
    uint8_t id[TOKEN_ID_RANDOM];
    struct buf text = BUF_INIT;
    enum cofre_err err;

    randombytes_buf(secret, sizeof secret);
    randombytes_buf(id, sizeof id);
    token_text(secret, op->text);
    op->row.pepper = v->keys->pepper_version;
    token_hash(&v->keys->pepper, secret, op->row.hash);
    buf_puts(&text, "tok_");
    encode_base32(&text, BYTES_OF(id));
    if ((err = buf_error(&text)) == COFRE_OK)
        memcpy(op->row.id, text.p, text.len);
    buf_free(&text);
    secret_wipe(secret, sizeof secret);
    return err;
}

void
cofre_token_issue(struct cofre_vault *v, struct cofre_call *call, const struct cofre_token_in *in)
{
    struct issue_op *op;
    struct catalog *c;
    enum cofre_err err = COFRE_OK;

    if (!policy_role(call))
        return;
    if ((op = calloc(1, sizeof *op)) == NULL) {
        policy_error(call, COFRE_ENOMEM, NULL);
        return;
    }
    c = catalog_hold(v);
    if (take(call, c, in, &op->row) && (err = make_secret(v, op)) == COFRE_OK) {
        snprintf(call->view, sizeof call->view, "%s", op->row.view);
        cofre_call_field(call, bytes_str(op->row.id));
        cofre_call_field(call, in->role);
        cofre_call_field(call, in->name);
        call->n = 1;
        commit_prepare(call, op, apply_issue, op_free);
        op = NULL; /* moved to call */
    }
    if (err != COFRE_OK)
        policy_error(call, err, NULL);
    catalog_release(c);
    op_free(op);
}

/* ---- list ---- */

struct listing {
    struct cofre_call *call;
    int64_t now;
};

static enum cofre_err
put_token(void *ctx, const struct store_token *row)
{
    struct listing *l = ctx;
    struct buf *out = &l->call->body;
    const char *state = row->revoked != 0 ? "revoked" : row->expires <= l->now ? "expired" : "valid";

    buf_putf(out, "%s{\"id\":\"%s\",\"name\":\"%s\",\"role\":\"%s\",\"view\":\"%s\",\"purposes\":\"%s\"",
             l->call->n > 0 ? "," : "", row->id, row->name,
             cofre_role_text((enum cofre_role)row->role), row->view, row->purposes);
    buf_puts(out, ",\"issued\":");
    values_put_time(out, row->issued);
    buf_puts(out, ",\"expires\":");
    values_put_time(out, row->expires);
    buf_putf(out, ",\"state\":\"%s\"}", state);
    l->call->n++;
    return buf_error(out);
}

void
cofre_token_list(struct cofre_vault *v, struct cofre_call *call)
{
    struct listing l = {.call = call, .now = vault_now()};
    struct store_conn *conn = NULL;
    enum cofre_err err;

    if (!policy_role(call))
        return;
    buf_puts(&call->body, "{\"tokens\":[");
    if ((err = store_snapshot(v->store, &conn, NULL)) == COFRE_OK)
        err = store_token_each(conn, put_token, &l);
    store_snapshot_end(conn);
    buf_puts(&call->body, "]}");
    if (err != COFRE_OK)
        policy_error(call, err, NULL);
}

/* ---- revoke ---- */

static enum cofre_err
apply_revoke(struct cofre_vault *v, struct cofre_call *call)
{
    const char *id = call->op;
    enum cofre_err err = store_token_revoke(store_writer(v->store), id, vault_now());

    if (err != COFRE_OK)
        return err;
    commit_reload(v);
    /* Named in the log only now that it is an id of ours: what was typed may be anything. */
    cofre_call_field(call, bytes_str(id));
    call->n = 1;
    buf_putf(&call->body, "{\"id\":\"%s\",\"state\":\"revoked\"}", id);
    return COFRE_OK;
}

void
cofre_token_revoke(struct cofre_vault *v, struct cofre_call *call, struct bytes id)
{
    char *copy;

    (void)v;
    if (!policy_role(call))
        return;
    if (!entry_name_valid(id)) {
        cofre_call_fail(call, COFRE_OUT_NOT_FOUND, NULL, NULL);
        return;
    }
    if ((copy = strndup((const char *)id.p, id.len)) == NULL) {
        policy_error(call, COFRE_ENOMEM, NULL);
        return;
    }
    commit_prepare(call, copy, apply_revoke, free);
}
