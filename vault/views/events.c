#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cofre/encode.h"
#include "cofre/secret.h"
#include "crypto/pseudonym.h"
#include "vault/records/seen.h"
#include "vault/views/serve.h"

/*
 * Events of a view, by (generalised time, ref): within one day, week or month the order is that of a
 * keyed value of this view, so that neither the order of arrival nor another view's order shows.
 *
 * A page over all records gathers one bucket of time after another; it costs the bucket's keys, not
 * their contents.  Position in a cursor: LE64 first ms of the bucket, then the last ref.
 */
struct key {
    int64_t bucket;
    uint8_t ref[PSEUDONYM_LEN]; /* encode_id_order of it: refs sort as their texts do */
    int64_t event;
};

struct gather {
    struct serve *s;
    uint64_t kinds; /* those asked for */
    struct key *keys;
    size_t n;
    size_t cap;
    int64_t bucket; /* of the keys that come, when they are of one bucket */
    bool resumed;   /* after is set */
    struct key after;
    /* output */
    uint64_t limit;
    struct key last;
    bool more;
    struct seen people; /* those that have a tag */
};

static int
key_order(const void *a, const void *b)
{
    const struct key *x = a;
    const struct key *y = b;

    if (x->bucket != y->bucket)
        return x->bucket < y->bucket ? -1 : 1;
    return memcmp(x->ref, y->ref, sizeof x->ref);
}

static bool
kind_wanted(const struct gather *g, uint32_t num)
{
    const struct schema *schema = g->s->catalog->schema;
    const struct schema_kind *kind = schema_kind_num(schema, (uint16_t)num);

    return kind != NULL && (g->kinds >> (kind - schema->kinds) & 1) != 0;
}

static enum cofre_err
add_key(struct gather *g, int64_t bucket, int64_t event, const uint8_t key[static STORE_KEYED],
        uint32_t kind)
{
    struct key k = {.bucket = bucket, .event = event};

    if (!kind_wanted(g, kind))
        return COFRE_OK;
    pseudonym_event_ref(&g->s->view->scope->key, (struct bytes){key, STORE_KEYED}, k.ref);
    encode_id_order(k.ref, k.ref);
    if (g->resumed && key_order(&k, &g->after) <= 0)
        return COFRE_OK;
    if (g->n == g->cap) {
        size_t cap = g->cap == 0 ? 256 : g->cap * 2;
        struct key *more = realloc(g->keys, cap * sizeof *more);
        if (more == NULL)
            return COFRE_ENOMEM;
        g->keys = more;
        g->cap = cap;
    }
    g->keys[g->n++] = k;
    return COFRE_OK;
}

static enum cofre_err
on_key(void *ctx, int64_t event, const uint8_t key[static STORE_KEYED], uint32_t kind)
{
    struct gather *g = ctx;

    return add_key(g, g->bucket, event, key, kind);
}

static enum cofre_err
on_event(void *ctx, const struct store_event *row)
{
    struct gather *g = ctx;
    int64_t from;
    int64_t to;

    transform_time_bucket(g->s->view->view->time, row->time, &from, &to);
    return add_key(g, from, row->num, row->key, row->kind);
}

/* ---- writing ---- */

static void
put_attributes(struct serve *s, const struct record *r)
{
    const struct view *view = s->view->view;
    struct buf *out = &s->call->body;
    bool first = true;

    for (size_t i = 0; i < view->n_attributes; i++) {
        const struct view_field *f = &view->attributes[i];
        struct bytes value;
        size_t at = out->len;

        if (!record_find(r, f->num, &value))
            continue;
        if (!first)
            buf_putc(out, ',');
        buf_putb(out, f->json_name);
        if (transform_put(out, &f->as, f->type, value, &s->today))
            first = false;
        else if (!out->failed)
            out->len = at;
    }
}

static void
tag_once(struct gather *g, int64_t customer, const struct person *b)
{
    if (seen_add(&g->people, customer))
        person_tag(b, g->s->call);
}

static enum cofre_err
put_event(struct gather *g, const struct key *k)
{
    struct serve *s = g->s;
    struct buf *out = &s->call->body;
    struct store_event row;
    struct store_member member;
    struct record r;
    struct person b;
    enum cofre_err err;

    if ((err = store_view_event(s->conn, &s->scope, k->event, &row, &member)) != COFRE_OK ||
        (err = person_open(s->v, &member.customer, &b)) != COFRE_OK)
        return err;
    err = person_open_event(s->v, &b, member.customer.id, &row, &s->plain[0], &r);
    if (err == COFRE_OK) {
        buf_puts(out, s->call->n > 0 ? ",{\"pseudonym\":" : "{\"pseudonym\":");
        serve_put_id(out, "ps_", member.ps);
        buf_puts(out, ",\"ref\":");
        serve_put_id(out, "ev_", k->ref);
        buf_puts(out, ",\"kind\":\"");
        buf_puts(out, schema_kind_num(s->catalog->schema, (uint16_t)row.kind)->name);
        buf_puts(out, "\",\"time\":");
        transform_time_put(out, s->view->view->time, row.time);
        buf_puts(out, ",\"attributes\":{");
        put_attributes(s, &r);
        buf_puts(out, "}}");
        tag_once(g, row.customer, &b);
        s->call->n++;
        g->last = *k;
        err = buf_error(out);
    }
    secret_wipe(&b, sizeof b);
    return err;
}

/* Writes what was gathered, in order, up to the limit; what is left over makes more true. */
static enum cofre_err
put_gathered(struct gather *g)
{
    enum cofre_err err = COFRE_OK;

    if (g->n > 1)
        qsort(g->keys, g->n, sizeof *g->keys, key_order);
    for (size_t i = 0; i < g->n && err == COFRE_OK; i++) {
        if (g->s->call->n == g->limit) {
            g->more = true;
            break;
        }
        err = put_event(g, &g->keys[i]);
    }
    g->n = 0;
    return err;
}

static enum cofre_err
all_records(struct gather *g, int64_t from)
{
    struct serve *s = g->s;
    enum cofre_err err = COFRE_OK;
    int64_t to;
    int64_t t;

    while (g->kinds != 0 && !g->more && (err = store_event_next_time(s->conn, from, &t)) == COFRE_OK) {
        transform_time_bucket(s->view->view->time, t, &g->bucket, &to);
        err = store_view_event_keys(s->conn, &s->scope, g->bucket, to, on_key, g);
        if (err != COFRE_OK || (err = put_gathered(g)) != COFRE_OK)
            return err;
        from = to;
    }
    return err == COFRE_ENOENT ? COFRE_OK : err;
}

static enum cofre_err
one_record(struct gather *g, struct bytes ps, int64_t from)
{
    struct store_member member;
    enum cofre_err err;

    if ((err = serve_member(g->s, ps, &member)) != COFRE_OK)
        return err;
    err = store_event_each(g->s->conn, member.customer.num, from, INT64_MAX, on_event, g);
    if (err == COFRE_OK)
        err = put_gathered(g);
    if (err == COFRE_OK && g->people.n == 0) {
        struct person b; /* no events: the answer is about the person all the same */
        if ((err = person_open(g->s->v, &member.customer, &b)) == COFRE_OK)
            tag_once(g, member.customer.num, &b);
        secret_wipe(&b, sizeof b);
    }
    return err;
}

/* ---- the request ---- */

static bool
take_filters(struct gather *g, const struct cofre_page *page, int64_t *from)
{
    struct serve *s = g->s;
    const struct schema *schema = s->catalog->schema;

    *from = INT64_MIN;
    g->kinds = s->view->view->kinds;
    if (page->kind.p != NULL) {
        const struct schema_kind *kind = schema_kind(schema, page->kind);
        uint64_t bit = kind != NULL ? UINT64_C(1) << (kind - schema->kinds) : 0;
        g->kinds &= bit;
        if (g->kinds == 0)
            cofre_call_fail(s->call, COFRE_OUT_INVALID, "?kind", "is not a kind of this view");
    }
    if (page->since.p != NULL && transform_since(s->view->view->time, page->since, from) != COFRE_OK)
        cofre_call_fail(s->call, COFRE_OUT_INVALID, "?since",
                        "is not a time as this view shows it, nor a date");
    return cofre_call_ok(s->call);
}

/* The list's name binds cursors to record and filters, as they were understood: never client text. */
static void
list_name(struct buf *out, const struct gather *g, struct bytes ps, int64_t from)
{
    uint8_t id[STORE_KEYED];

    if (ps.p == NULL || encode_id_parse(ps, "ps_", id) != COFRE_OK)
        memset(id, 0, sizeof id);
    buf_puts(out, ps.p != NULL ? "record-events" : "events");
    buf_put(out, id, sizeof id);
    buf_put_le64(out, g->kinds);
    buf_put_le64(out, (uint64_t)from);
}

static void
put_next(struct gather *g, const struct cursor_bind *bind)
{
    uint8_t position[CURSOR_POSITION] = {0};
    struct buf *out = &g->s->call->body;

    if (!g->more) {
        buf_puts(out, "],\"next\":null}");
        return;
    }
    bytes_set_le64(position, (uint64_t)g->last.bucket);
    memcpy(position + 8, g->last.ref, sizeof g->last.ref);
    buf_puts(out, "],\"next\":\"");
    cursor_put(out, bind, position);
    buf_puts(out, "\"}");
}

static bool
take_cursor(struct gather *g, const struct cursor_bind *bind, struct bytes text, int64_t *from)
{
    uint8_t position[CURSOR_POSITION];

    if (text.p == NULL)
        return true;
    if (cursor_open(text, bind, position) != COFRE_OK) {
        cofre_call_fail(g->s->call, COFRE_OUT_BAD_CURSOR, "?cursor",
                        "is not one of ours for this list");
        return false;
    }
    g->resumed = true;
    g->after.bucket = (int64_t)bytes_get_le64(position);
    memcpy(g->after.ref, position + 8, sizeof g->after.ref);
    if (g->after.bucket > *from)
        *from = g->after.bucket;
    return true;
}

void
cofre_view_events(struct cofre_vault *v, struct cofre_call *call, struct bytes view,
                  struct bytes ps, const struct cofre_page *page)
{
    struct gather g = {.limit = page->limit};
    struct buf list = BUF_INIT;
    struct cursor_bind bind;
    struct serve s;
    int64_t from;
    enum cofre_err err;

    g.s = &s;
    if (!serve_begin(&s, v, call, view))
        goto out;
    for (size_t i = 0; i < s.view->view->n_attributes; i++)
        cofre_call_field(call, bytes_str(s.view->view->attributes[i].name));
    if (!take_filters(&g, page, &from))
        goto out;
    list_name(&list, &g, ps, from);
    bind = serve_bind(&s, buf_bytes(&list));
    if (!take_cursor(&g, &bind, page->cursor, &from))
        goto out;
    buf_puts(&call->body, "{\"events\":[");
    err = ps.p != NULL ? one_record(&g, ps, from) : all_records(&g, from);
    put_next(&g, &bind);
    if (err != COFRE_OK) {
        call->n = 0;
        policy_error(call, err, NULL);
    }
out:
    free(g.keys);
    buf_free(&list);
    serve_end(&s);
}
