#include <stdio.h>
#include <string.h>

#include "cofre/admin.h"
#include "cofre/encode.h"
#include "cofre/secret.h"
#include "vault/records/person.h"
#include "vault/records/values.h"
#include "vault/signing.h"
#include "vault/vault_internal.h"
#include "vault/witnesses.h"

/* Status of the vault, of one customer, of the keys: never a value. */

void
cofre_admin_status(struct cofre_vault *v, struct cofre_call *call)
{
    struct store_conn *conn = NULL;
    struct store_counts counts = {0};
    struct store_head db = {0};
    struct buf *out = &call->body;
    struct log_head log;
    struct catalog *c;
    enum cofre_err err;

    if (!policy_role(call))
        return;
    if ((err = store_snapshot(v->store, &conn, NULL)) == COFRE_OK &&
        (err = store_count(conn, &counts)) == COFRE_OK)
        err = store_head_get(conn, &db);
    store_snapshot_end(conn);
    if (err != COFRE_OK) {
        policy_error(call, err, NULL);
        return;
    }
    atomic_store(&v->customers, counts.customers);
    log_head(v->log, &log);
    c = catalog_hold(v);
    buf_puts(out, "{\"origin\":");
    encode_json_string(out, bytes_str(v->origin));
    buf_puts(out, ",\"vault\":\"");
    encode_hex(out, BYTES_OF(v->id));
    buf_putf(out, "\",\"generation\":%llu,\"log_size\":%llu,\"root\":\"",
             (unsigned long long)db.generation, (unsigned long long)log.size);
    encode_base64(out, BYTES_OF(log.root));
    buf_putf(out,
             "\",\"customers\":%llu,\"events\":%llu,\"consents\":%llu,\"views\":%zu,\"tokens\":%zu",
             (unsigned long long)counts.customers, (unsigned long long)counts.events,
             (unsigned long long)counts.consents, c->n_views, c->n_tokens);
    witnesses_status(v, out);
    buf_putc(out, '}');
    catalog_release(c);
}

/* ---- one customer ---- */

struct showing {
    struct cofre_call *call;
    const struct catalog *c;
    uint64_t n;
};

static enum cofre_err
put_consent(void *ctx, const struct store_consent *row)
{
    struct showing *s = ctx;
    const struct catalog_purpose *p = catalog_purpose_num(s->c, row->purpose);
    struct buf *out = &s->call->body;

    buf_putf(out, "%s{\"purpose\":\"%s\",\"basis\":\"%s\",\"status\":\"%s\",\"source\":\"%s\",\"time\":",
             s->n++ > 0 ? "," : "", p != NULL ? p->name : "", catalog_basis_text(row->basis),
             row->status == STORE_GRANTED ? "granted" : "withdrawn", row->source);
    values_put_time(out, row->time);
    buf_putc(out, '}');
    return buf_error(out);
}

static enum cofre_err
count_event(void *ctx, const struct store_event *row)
{
    struct showing *s = ctx;

    (void)row;
    s->n++;
    return COFRE_OK;
}

static enum cofre_err
put_held(struct cofre_vault *v, struct showing *s, const struct store_customer *row)
{
    struct buf plain = BUF_INIT;
    struct record r;
    struct person b;
    bool first = true;
    enum cofre_err err;

    if ((err = person_open(v, row, &b)) != COFRE_OK)
        return err;
    person_tag(&b, s->call);
    s->call->n = 1;
    for (unsigned part = 0; part < STORE_PARTS && err == COFRE_OK; part++) {
        err = person_open_part(v, &b, row, (enum store_part)part, &plain, &r);
        for (size_t i = 0; err == COFRE_OK && i < r.count; i++) {
            const struct schema_field *f = schema_field_num(s->c->schema, record_get(&r, i).num);
            if (f == NULL)
                continue;
            buf_putf(&s->call->body, "%s\"%s\"", first ? "" : ",", f->name);
            first = false;
        }
    }
    buf_free(&plain);
    secret_wipe(&b, sizeof b);
    return err;
}

static enum cofre_err
show(struct cofre_vault *v, struct store_conn *conn, struct showing *s,
     const uint8_t id[static STORE_ID])
{
    struct buf *out = &s->call->body;
    struct store_customer row;
    char text[ENCODE_ID_MAX];
    enum cofre_err err;

    if ((err = store_customer_get(conn, id, &row)) != COFRE_OK)
        return err;
    encode_id(text, "cus_", row.id);
    buf_putf(out, "{\"id\":\"%s\",\"version\":%llu,\"created\":", text,
             (unsigned long long)row.version);
    values_put_time(out, row.created);
    buf_puts(out, ",\"updated\":");
    values_put_time(out, row.updated);
    buf_puts(out, ",\"status\":\"");
    buf_putb(out, values_status(&row));
    buf_puts(out, "\",\"fields\":[");
    if ((err = put_held(v, s, &row)) != COFRE_OK)
        return err;
    buf_puts(out, "],\"consents\":[");
    if ((err = store_consent_each(conn, row.num, put_consent, s)) != COFRE_OK)
        return err;
    s->n = 0;
    if ((err = store_event_each(conn, row.num, INT64_MIN, INT64_MAX, count_event, s)) != COFRE_OK)
        return err;
    buf_putf(out, "],\"events\":%llu}", (unsigned long long)s->n);
    return buf_error(out);
}

void
cofre_customer_show(struct cofre_vault *v, struct cofre_call *call, struct bytes cus)
{
    struct showing s = {.call = call};
    struct store_conn *conn = NULL;
    struct catalog *c;
    uint8_t id[STORE_ID];
    enum cofre_err err = COFRE_ENOENT;

    if (!policy_role(call))
        return;
    c = catalog_hold(v);
    s.c = c;
    if (encode_id_parse(cus, "cus_", id) == COFRE_OK &&
        (err = store_snapshot(v->store, &conn, NULL)) == COFRE_OK)
        err = show(v, conn, &s, id);
    store_snapshot_end(conn);
    catalog_release(c);
    if (err != COFRE_OK)
        policy_error(call, err, NULL);
}

/* ---- keys ---- */

static enum cofre_err
put_key(struct cofre_vault *v, struct store_conn *conn, const struct keyring_entry *e, bool first,
        struct buf *out)
{
    uint64_t objects = 0;
    enum cofre_err err = COFRE_OK;

    buf_putf(out, "%s{\"class\":\"%s\",\"scope\":%u,\"version\":%u,\"state\":\"%s\",\"created\":",
             first ? "" : ",", keyring_class_text(e->class), e->scope, e->version,
             keyring_state_text(e->state));
    values_put_time(out, e->created);
    buf_puts(out, ",\"activated\":");
    if (e->activated != 0)
        values_put_time(out, e->activated);
    else
        buf_puts(out, "null");
    (void)v;
    if (e->class == KEYRING_KEK) {
        err = store_count_under(conn, e->version, &objects);
        buf_putf(out, ",\"objects\":%llu}", (unsigned long long)objects);
    } else {
        buf_puts(out, ",\"objects\":null}");
    }
    return err;
}

/* Epochs of the log's signing key; a former one's private key is gone. */
static void
put_epochs(struct cofre_vault *v, struct buf *out)
{
    struct note_verifier key;
    uint64_t from = 0;
    uint64_t end;

    buf_puts(out, "\"audit\":[");
    for (uint32_t e = 1; log_epoch(v->log, e, &key, &end); e++) {
        buf_putf(out, "%s{\"epoch\":%u,\"state\":\"%s\",\"from\":%llu,\"end\":", e > 1 ? "," : "", e,
                 end > 0 ? "destroyed" : "active", (unsigned long long)from);
        if (end > 0)
            buf_put_u64_dec(out, end);
        else
            buf_puts(out, "null");
        buf_puts(out, ",\"vkey\":");
        signing_put_vkey(out, &key);
        buf_putc(out, '}');
        from = end;
    }
    buf_putc(out, ']');
}

void
cofre_key_status(struct cofre_vault *v, struct cofre_call *call)
{
    struct store_conn *conn = NULL;
    struct keyring_entry e;
    enum cofre_err err;

    if (!policy_role(call))
        return;
    err = store_snapshot(v->store, &conn, NULL);
    buf_puts(&call->body, "{\"classes\":[");
    pthread_rwlock_rdlock(&v->keys_lock);
    for (size_t i = 0; err == COFRE_OK && keyring_entry(v->ring, i, &e); i++)
        err = put_key(v, conn, &e, i == 0, &call->body);
    pthread_rwlock_unlock(&v->keys_lock);
    buf_puts(&call->body, "],");
    put_epochs(v, &call->body);
    buf_putc(&call->body, '}');
    store_snapshot_end(conn);
    if (err != COFRE_OK)
        policy_error(call, err, NULL);
}
