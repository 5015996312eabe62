#include <stdio.h>
#include <string.h>

#include "cofre/encode.h"
#include "cofre/secret.h"
#include "crypto/pae.h"
#include "vault/records/draft.h"
#include "vault/records/normalise.h"
#include "vault/records/person.h"

#include "vault/records/event.h"

void
event_init(struct event *e)
{
    memset(e, 0, sizeof *e);
    e->sealed = BUF_INIT;
}

void
event_free(struct event *e)
{
    buf_free(&e->sealed);
}

bool
event_ok(const struct event *e)
{
    return *cofre_outcome(e->outcome)->code == 0;
}

static void
fail(struct event *e, enum cofre_outcome outcome, const char *pointer, const char *reason)
{
    if (!event_ok(e))
        return;
    e->outcome = outcome;
    e->result = EVENT_BAD;
    e->reason = reason;
    snprintf(e->pointer, sizeof e->pointer, "%s", pointer);
}

enum cofre_err
event_context_begin(struct event_context *ctx, struct cofre_vault *v, const struct catalog *c,
                    const uint8_t *nonce)
{
    *ctx = (struct event_context){.v = v, .catalog = c, .nonce = nonce};
    ctx->fields.schema = c->schema;
    ctx->fields.attributes = true;
    vault_today(ctx->fields.today);
    return store_snapshot(v->store, &ctx->conn, NULL);
}

void
event_context_end(struct event_context *ctx)
{
    store_snapshot_end(ctx->conn);
    ctx->conn = NULL;
}

/* ---- whose ---- */

static enum cofre_err
by_external_id(struct event_context *ctx, struct bytes text, struct store_customer *row)
{
    const struct schema_field *f = schema_field(ctx->catalog->schema, BYTES_LIT("external_id"));
    const struct normalise_in in = {.type = f != NULL ? f->type : SCHEMA_TEXT,
                                    .form = NORMALISE_FILE,
                                    .text = text,
                                    .default_country = "",
                                    .today = ctx->fields.today};
    struct buf canonical = BUF_INIT;
    uint8_t value[STORE_KEYED];
    const char *reason = NULL;
    int64_t num;
    enum cofre_err err = COFRE_ENOENT;

    if (f == NULL || normalise_value(&in, &canonical, &reason) != COFRE_OK)
        goto out;
    draft_index_value(ctx->v, f, buf_bytes(&canonical), value);
    err = store_index_find(ctx->conn, f->num, value, &num);
    if (err == COFRE_OK)
        err = store_customer_get_num(ctx->conn, num, row);
out:
    buf_free(&canonical);
    return err;
}

static enum cofre_err
find_customer(struct event_context *ctx, const struct cofre_event_in *in, struct event *e,
              struct store_customer *row)
{
    const char *pointer = in->customer.p != NULL ? "/customer" : "/external_id";
    uint8_t id[STORE_ID];
    enum cofre_err err;

    if (ctx->customer_id != NULL)
        err = store_customer_get(ctx->conn, ctx->customer_id, row);
    else if (in->customer.p != NULL)
        err = encode_id_parse(in->customer, "cus_", id) != COFRE_OK
                  ? COFRE_ENOENT
                  : store_customer_get(ctx->conn, id, row);
    else
        err = by_external_id(ctx, in->external_id, row);
    if (err == COFRE_ENOENT)
        fail(e, COFRE_OUT_NOT_FOUND, pointer, "is no customer of this vault");
    return err;
}

/* ---- what ---- */

static enum cofre_err
take_attributes(struct event_context *ctx, const struct cofre_event_in *in, struct event *e,
                struct fields *f)
{
    char pointer[COFRE_POINTER_MAX];

    for (size_t i = 0; i < in->n_attributes; i++) {
        const char *reason = NULL;
        enum cofre_err err = fields_add(f, &ctx->fields, &in->attributes[i], &reason);

        if (err == COFRE_EINVAL) {
            const struct schema_field *known =
                schema_attribute(ctx->catalog->schema, in->attributes[i].name);
            snprintf(pointer, sizeof pointer, "/attributes%s%s", known != NULL ? "/" : "",
                     known != NULL ? known->name : "");
            fail(e, COFRE_OUT_INVALID, pointer, reason);
        } else if (err != COFRE_OK) {
            return err;
        }
    }
    fields_sort(f);
    return buf_error(&f->text);
}

static void
take_head(struct event_context *ctx, const struct cofre_event_in *in, struct event *e)
{
    const struct schema_kind *kind = schema_kind(ctx->catalog->schema, in->kind);
    const char *reason = NULL;

    if (ctx->customer_id == NULL && (in->customer.p == NULL) == (in->external_id.p == NULL))
        fail(e, COFRE_OUT_INVALID, "/customer", "and external_id: exactly one of them is needed");
    if (in->event_id.len == 0 || in->event_id.len > EVENT_ID_MAX ||
        !encode_utf8_valid(in->event_id) || memchr(in->event_id.p, 0, in->event_id.len) != NULL)
        fail(e, COFRE_OUT_INVALID, "/event_id", "is not 1 to 128 bytes of UTF-8");
    if (kind == NULL)
        fail(e, COFRE_OUT_INVALID, "/kind", "is not a kind of event in the schema");
    else
        e->row.kind = kind->num;
    e->purchase = kind != NULL && strcmp(kind->name, "purchase") == 0;
    if (in->time.p == NULL)
        fail(e, COFRE_OUT_INVALID, "/time", "is required");
    else if (normalise_time(in->time, &e->row.time, &reason) != COFRE_OK)
        fail(e, COFRE_OUT_INVALID, "/time", reason);
}

/* Key and content digest: what makes a repeat a repeat. */
static void
digest(const struct event_context *ctx, const struct cofre_event_in *in, struct event *e,
       struct bytes plain)
{
    uint8_t mac[HASH_LEN];
    uint8_t kind[4];
    uint8_t when[8];
    const struct bytes content[] = {BYTES_OF(e->customer_id), BYTES_OF(kind), BYTES_OF(when),
                                    plain};

    pae_hmac(&ctx->v->keys->index, "cofre/v1/event-id", &in->event_id, 1, mac);
    memcpy(e->row.key, mac, sizeof e->row.key);
    bytes_set_le32(kind, e->row.kind);
    bytes_set_le64(when, (uint64_t)e->row.time);
    pae_hmac(&ctx->v->keys->index, "cofre/v1/event-content", content, 4, mac);
    memcpy(e->row.content, mac, sizeof e->row.content);
}

static enum cofre_err
seal(struct event_context *ctx, const struct cofre_event_in *in, const struct fields *f,
     const struct store_customer *row, struct event *e)
{
    struct record_value values[SCHEMA_FIELDS_MAX + 1];
    struct cofre_call tag = {.subjects = BUF_INIT};
    struct buf plain = BUF_INIT;
    struct person b = {0};
    size_t n = 0;
    enum cofre_err err;

    for (; n < f->n && n < RECORD_FIELDS_MAX - 1; n++)
        values[n] = (struct record_value){f->item[n].field->num, fields_value(f, n)};
    values[n++] = (struct record_value){EVENT_ID_NUM, in->event_id};
    if ((err = record_write(&plain, values, n)) != COFRE_OK ||
        (err = person_open(ctx->v, row, &b)) != COFRE_OK)
        goto out;
    memcpy(e->customer_id, row->id, sizeof e->customer_id);
    e->row.customer = row->num;
    e->customer_flags = row->flags;
    digest(ctx, in, e, buf_bytes(&plain));
    err = person_seal_event(ctx->v, &b, row->id, e->row.key, buf_bytes(&plain), &e->sealed);
    e->row.sealed = buf_bytes(&e->sealed);
    memcpy(tag.nonce, ctx->nonce, sizeof tag.nonce);
    person_tag(&b, &tag);
    if (tag.subjects.len == COFRE_TAG)
        memcpy(e->tag, tag.subjects.p, COFRE_TAG);
out:
    buf_free(&tag.subjects);
    buf_free(&plain);
    secret_wipe(&b, sizeof b);
    return err;
}

enum cofre_err
event_prepare(struct event_context *ctx, const struct cofre_event_in *in, struct event *e)
{
    struct store_customer row;
    struct fields f;
    enum cofre_err err;

    fields_init(&f);
    take_head(ctx, in, e);
    err = take_attributes(ctx, in, e, &f);
    if (err == COFRE_OK && event_ok(e)) {
        err = find_customer(ctx, in, e, &row);
        if (err == COFRE_OK)
            err = seal(ctx, in, &f, &row, e);
        else if (err == COFRE_ENOENT)
            err = COFRE_OK; /* said in e */
    }
    fields_free(&f);
    return err;
}

/* The flags as they are now, and not as they were when the event was prepared. */
static enum cofre_err
flag_purchase(struct store_conn *w, int64_t num)
{
    struct store_customer row;
    enum cofre_err err = store_customer_get_num(w, num, &row);

    if (err != COFRE_OK || (row.flags & STORE_HAS_PURCHASE) != 0)
        return err;
    return store_customer_flag(w, num, row.flags | STORE_HAS_PURCHASE);
}

enum cofre_err
event_apply(struct cofre_vault *v, struct event *e)
{
    struct store_conn *w = store_writer(v->store);
    struct store_event old;
    enum cofre_err err;

    err = store_event_find(w, e->row.key, &old);
    if (err == COFRE_OK) {
        if (memcmp(old.content, e->row.content, sizeof old.content) == 0)
            e->result = EVENT_KNOWN;
        else
            fail(e, COFRE_OUT_CONFLICT, "/event_id", "is known with other content");
        return COFRE_OK;
    }
    if (err != COFRE_ENOENT)
        return err;
    if ((err = store_event_insert(w, &e->row)) == COFRE_ENOENT) {
        fail(e, COFRE_OUT_NOT_FOUND, "", "the customer is gone");
        return COFRE_OK;
    }
    if (err != COFRE_OK)
        return err;
    e->result = EVENT_ADDED;
    e->outcome = COFRE_OUT_CREATED;
    if (!e->purchase || (e->customer_flags & STORE_HAS_PURCHASE) != 0)
        return COFRE_OK;
    return flag_purchase(w, e->row.customer);
}

void
event_tag_once(struct cofre_call *call, struct seen *people, const struct event *e)
{
    if (!seen_add(people, e->row.customer))
        return;
    call->n++;
    buf_put(&call->subjects, e->tag, COFRE_TAG);
}
