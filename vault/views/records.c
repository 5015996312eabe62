#include <string.h>

#include "cofre/encode.h"
#include "vault/views/serve.h"

/* Records of a view: its contract, one, several, all. */

static void
name_fields(struct serve *s)
{
    for (size_t i = 0; i < s->view->view->n_fields; i++)
        cofre_call_field(s->call, bytes_str(s->view->view->fields[i].name));
}

static void
finish(struct serve *s, enum cofre_err err)
{
    if (err != COFRE_OK) {
        s->call->n = 0;
        policy_error(s->call, err, NULL);
    }
}

void
cofre_view_contract(struct cofre_vault *v, struct cofre_call *call, struct bytes view)
{
    struct buf doc = BUF_INIT;
    struct serve s;

    if (serve_begin(&s, v, call, view)) {
        view_write(s.view->view, s.catalog->schema, &doc);
        buf_putf(&call->body, "{\"version\":%u,\"epoch\":%u,", s.view->version, s.scope.epoch);
        if (doc.len > 1)
            buf_put(&call->body, doc.p + 1, doc.len - 1);
        finish(&s, buf_error(&doc) != COFRE_OK ? COFRE_ENOMEM : buf_error(&call->body));
    }
    buf_free(&doc);
    serve_end(&s);
}

void
cofre_view_record(struct cofre_vault *v, struct cofre_call *call, struct bytes view,
                  struct bytes ps)
{
    struct store_member row;
    struct serve s;
    enum cofre_err err;

    if (serve_begin(&s, v, call, view)) {
        name_fields(&s);
        if ((err = serve_member(&s, ps, &row)) == COFRE_OK)
            err = serve_record(&s, &row);
        finish(&s, err);
    }
    serve_end(&s);
}

void
cofre_view_batch_get(struct cofre_vault *v, struct cofre_call *call, struct bytes view,
                     const struct bytes *ps, size_t n)
{
    struct store_member row;
    struct serve s;
    enum cofre_err err = COFRE_OK;

    if (!serve_begin(&s, v, call, view)) {
        serve_end(&s);
        return;
    }
    name_fields(&s);
    buf_puts(&call->body, "{\"records\":[");
    for (size_t i = 0; i < n && err == COFRE_OK; i++) {
        if ((err = serve_member(&s, ps[i], &row)) == COFRE_OK) {
            if (call->n > 0)
                buf_putc(&call->body, ',');
            err = serve_record(&s, &row);
        } else if (err == COFRE_ENOENT) {
            err = COFRE_OK;
        }
    }
    buf_puts(&call->body, "]}");
    finish(&s, err);
    serve_end(&s);
}

/* ---- the list ---- */

struct listing {
    struct serve *s;
    uint64_t limit;
    bool more;
    uint8_t last[CURSOR_POSITION];
};

static enum cofre_err
on_member(void *ctx, const struct store_member *row)
{
    struct listing *l = ctx;
    struct cofre_call *call = l->s->call;

    if (call->n == l->limit) {
        l->more = true;
        return COFRE_OK;
    }
    if (call->n > 0)
        buf_putc(&call->body, ',');
    memcpy(l->last, row->ps, STORE_KEYED);
    return serve_record(l->s, row);
}

static bool
open_cursor(struct serve *s, const struct cursor_bind *bind, struct bytes text,
            uint8_t position[static CURSOR_POSITION])
{
    if (cursor_open(text, bind, position) == COFRE_OK)
        return true;
    cofre_call_fail(s->call, COFRE_OUT_BAD_CURSOR, "?cursor", "is not one of ours for this list");
    return false;
}

void
cofre_view_records(struct cofre_vault *v, struct cofre_call *call, struct bytes view,
                   const struct cofre_page *page)
{
    uint8_t after[CURSOR_POSITION];
    struct cursor_bind bind;
    struct listing l;
    struct serve s;
    enum cofre_err err;

    if (!serve_begin(&s, v, call, view))
        goto out;
    name_fields(&s);
    bind = serve_bind(&s, BYTES_LIT("records"));
    if (page->cursor.p != NULL && !open_cursor(&s, &bind, page->cursor, after))
        goto out;
    l = (struct listing){.s = &s, .limit = page->limit};
    buf_puts(&call->body, "{\"records\":[");
    err = store_member_each(s.conn, &s.scope, page->cursor.p != NULL ? after : NULL,
                            page->limit + 1, on_member, &l);
    buf_puts(&call->body, "],\"next\":");
    if (l.more) {
        buf_putc(&call->body, '"');
        cursor_put(&call->body, &bind, l.last);
        buf_puts(&call->body, "\"}");
    } else {
        buf_puts(&call->body, "null}");
    }
    finish(&s, err);
out:
    serve_end(&s);
}
