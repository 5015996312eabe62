#include "vault/store/store_internal.h"

/* The number and newest version of a name; for a new name the next number, and version 0. */
static enum cofre_err
find(struct store_conn *w, struct bytes kind, struct store_doc *doc)
{
    sqlite3_stmt *s;
    int64_t num = 0;
    bool known;
    enum cofre_err err = store_one(w, SQL_DOC_FIND, ARGS(ARG_TEXT(kind), ARG_TEXT(doc->name)));

    if (err != COFRE_OK)
        return err;
    s = w->stmt[SQL_DOC_FIND];
    known = sqlite3_column_type(s, 0) != SQLITE_NULL;
    doc->num = store_column_u32(s, 0);
    doc->version = store_column_u32(s, 1);
    store_end(w, SQL_DOC_FIND);
    if (known)
        return COFRE_OK;
    err = store_number(w, SQL_DOC_NEXT, ARGS(ARG_TEXT(kind)), &num);
    doc->num = (uint32_t)num;
    return err;
}

enum cofre_err
store_doc_put(struct store_conn *w, const char *kind, struct store_doc *doc)
{
    struct store_doc next = *doc;
    enum cofre_err err = find(w, bytes_str(kind), &next);

    if (err != COFRE_OK)
        return err;
    next.version++;
    err = store_run(w, SQL_DOC_PUT,
                    ARGS(ARG_TEXT(bytes_str(kind)), ARG_INT(next.num), ARG_INT(next.version),
                         ARG_INT(doc->dropped), ARG_TEXT(doc->name), ARG_BLOB(doc->body)));
    if (err == COFRE_OK)
        *doc = next;
    return err;
}

enum cofre_err
store_doc_each(struct store_conn *c, const char *kind, store_doc_fn *fn, void *ctx)
{
    bool more = false;
    sqlite3_stmt *s;
    enum cofre_err err = store_start(c, SQL_DOC_EACH, ARGS(ARG_TEXT(bytes_str(kind))));

    if (err != COFRE_OK)
        return err;
    s = c->stmt[SQL_DOC_EACH];
    while ((err = store_step(c, SQL_DOC_EACH, &more)) == COFRE_OK && more) {
        struct store_doc doc = {.num = store_column_u32(s, 0),
                                .version = store_column_u32(s, 1),
                                .dropped = sqlite3_column_int(s, 2) != 0,
                                .name = store_column(s, 3),
                                .body = store_column(s, 4)};

        if ((err = fn(ctx, &doc)) != COFRE_OK)
            break;
    }
    store_end(c, SQL_DOC_EACH);
    return err;
}
