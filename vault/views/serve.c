#include <stdio.h>
#include <string.h>

#include "cofre/encode.h"
#include "cofre/secret.h"
#include "vault/records/values.h"

#include "vault/views/serve.h"

bool
serve_begin(struct serve *s, struct cofre_vault *v, struct cofre_call *call, struct bytes view)
{
    enum cofre_err err;

    *s = (struct serve){.v = v, .call = call};
    if (!policy_role(call))
        return false;
    s->catalog = catalog_hold(v);
    /* Another's view and one that does not exist are the same to a token. */
    if (bytes_equal(view, bytes_str(call->actor.view)))
        s->view = catalog_view(s->catalog, view);
    if (s->view == NULL) {
        cofre_call_fail(call, COFRE_OUT_NOT_FOUND, NULL, NULL);
        return false;
    }
    s->today = normalise_date_of(vault_now());
    s->scope = (struct store_scope){
        .view = s->view->scope->view,
        .epoch = s->view->scope->epoch,
        .purpose = s->view->purpose->num,
        .without_row = s->view->purpose->basis == STORE_LEGITIMATE_INTEREST ||
                       s->view->purpose->basis == STORE_LEGAL_OBLIGATION,
    };
    snprintf(call->view, sizeof call->view, "%s", s->view->view->name);
    snprintf(call->purpose, sizeof call->purpose, "%s", s->view->view->purpose);
    if ((err = store_snapshot(v->store, &s->conn, NULL)) != COFRE_OK) {
        policy_error(call, err, NULL);
        return false;
    }
    return true;
}

void
serve_end(struct serve *s)
{
    for (unsigned i = 0; i < STORE_PARTS; i++)
        buf_free(&s->plain[i]);
    store_snapshot_end(s->conn);
    catalog_release(s->catalog);
}

struct cursor_bind
serve_bind(const struct serve *s, struct bytes list)
{
    return (struct cursor_bind){.key = s->v->keys->cursor,
                                .key_version = s->v->keys->cursor_version,
                                .vault = BYTES_OF(s->v->id),
                                .actor = bytes_str(s->call->actor.id),
                                .view = bytes_str(s->view->view->name),
                                .epoch = s->scope.epoch,
                                .list = list};
}

void
serve_put_id(struct buf *out, const char *prefix, const uint8_t id[static STORE_KEYED])
{
    uint8_t plain[ENCODE_ID_LEN];
    char text[ENCODE_ID_MAX];

    encode_id_unorder(id, plain);
    encode_id(text, prefix, plain);
    buf_putc(out, '"');
    buf_puts(out, text);
    buf_putc(out, '"');
}

enum cofre_err
serve_member(struct serve *s, struct bytes ps, struct store_member *row)
{
    uint8_t id[STORE_KEYED] = {0};
    struct person b;
    enum cofre_err err;

    /* What is no pseudonym at all takes the same way as one that is nobody's. */
    if (encode_id_parse(ps, "ps_", id) != COFRE_OK)
        memset(id, 0, sizeof id);
    encode_id_order(id, id);
    err = store_member_get(s->conn, &s->scope, id, row);
    if (err != COFRE_ENOENT)
        return err;
    if (row->customer.num != 0 && person_open(s->v, &row->customer, &b) == COFRE_OK) {
        person_tag(&b, s->call);
        secret_wipe(&b, sizeof b);
    } else {
        person_tag_nobody(s->call);
    }
    return COFRE_ENOENT;
}

/* Opens the compartments that the view needs. */
static enum cofre_err
open_parts(struct serve *s, const struct person *b, const struct store_customer *row,
           struct record part[static STORE_PARTS])
{
    const struct view *view = s->view->view;
    const bool needs[STORE_PARTS] = {[STORE_IDENTIFIERS] = view->needs_identifiers,
                                     [STORE_REST] = true,
                                     [STORE_SENSITIVE] = view->needs_sensitive};
    enum cofre_err err = COFRE_OK;

    for (unsigned i = 0; i < STORE_PARTS && err == COFRE_OK; i++) {
        part[i] = (struct record){NULL, 0};
        if (needs[i])
            err = person_open_part(s->v, b, row, (enum store_part)i, &s->plain[i], &part[i]);
    }
    return err;
}

static enum store_part
part_of(const struct view_field *f)
{
    return f->identifier ? STORE_IDENTIFIERS : f->sensitive ? STORE_SENSITIVE : STORE_REST;
}

static void
put_fields(struct serve *s, const struct store_customer *row,
           const struct record part[static STORE_PARTS])
{
    const struct view *view = s->view->view;
    struct buf *out = &s->call->body;
    bool first = true;

    for (size_t i = 0; i < view->n_fields; i++) {
        const struct view_field *f = &view->fields[i];
        struct bytes value;
        size_t at = out->len;

        if (f->derived)
            value = values_status(row);
        else if (!record_find(&part[part_of(f)], f->num, &value))
            continue;
        if (!first)
            buf_putc(out, ',');
        buf_putb(out, f->json_name);
        if (transform_put(out, &f->as, f->type, value, &s->today))
            first = false;
        else if (!out->failed)
            out->len = at; /* nothing to show: take the name back */
    }
}

enum cofre_err
serve_record(struct serve *s, const struct store_member *row)
{
    struct record part[STORE_PARTS];
    struct buf *out = &s->call->body;
    struct person b;
    enum cofre_err err;

    if ((err = person_open(s->v, &row->customer, &b)) != COFRE_OK)
        return err;
    if ((err = open_parts(s, &b, &row->customer, part)) == COFRE_OK) {
        buf_puts(out, "{\"pseudonym\":");
        serve_put_id(out, "ps_", row->ps);
        buf_puts(out, ",\"fields\":{");
        put_fields(s, &row->customer, part);
        buf_puts(out, "}}");
        person_tag(&b, s->call);
        s->call->n++;
        err = buf_error(out);
    }
    secret_wipe(&b, sizeof b);
    return err;
}
