#include "vault/store/store_internal.h"

enum cofre_err
store_event_read(struct store_conn *c, sqlite3_stmt *s, int first, struct store_event *row)
{
    row->num = sqlite3_column_int64(s, first);
    row->customer = sqlite3_column_int64(s, first + 1);
    if (!store_column_fixed(s, first + 2, row->key, STORE_KEYED) ||
        !store_column_fixed(s, first + 3, row->content, STORE_KEYED))
        return store_misshapen(c);
    row->kind = store_column_u32(s, first + 4);
    row->time = sqlite3_column_int64(s, first + 5);
    row->sealed = store_column(s, first + 6);
    return COFRE_OK;
}

enum cofre_err
store_event_insert(struct store_conn *w, struct store_event *row)
{
    int changed;
    enum cofre_err err = store_change(
        w, SQL_EVENT_INSERT,
        ARGS(ARG_INT(row->customer), ARG_FIXED(row->key, STORE_KEYED),
             ARG_FIXED(row->content, STORE_KEYED), ARG_INT(row->kind), ARG_INT(row->time),
             ARG_BLOB(row->sealed)),
        &changed);

    if (err != COFRE_OK)
        return err;
    if (changed == 0)
        return COFRE_EEXIST;
    row->num = sqlite3_last_insert_rowid(w->db);
    return COFRE_OK;
}

enum cofre_err
store_event_find(struct store_conn *c, const uint8_t key[static STORE_KEYED],
                 struct store_event *row)
{
    enum cofre_err err = store_one(c, SQL_EVENT_FIND, ARGS(ARG_FIXED(key, STORE_KEYED)));

    return err == COFRE_OK ? store_event_read(c, c->stmt[SQL_EVENT_FIND], 0, row) : err;
}

enum cofre_err
store_event_each(struct store_conn *c, int64_t customer, int64_t from, int64_t to,
                 store_event_fn *fn, void *ctx)
{
    struct store_event row;
    bool more = false;
    enum cofre_err err =
        store_start(c, SQL_EVENT_EACH, ARGS(ARG_INT(customer), ARG_INT(from), ARG_INT(to)));

    if (err != COFRE_OK)
        return err;
    while ((err = store_step(c, SQL_EVENT_EACH, &more)) == COFRE_OK && more)
        if ((err = store_event_read(c, c->stmt[SQL_EVENT_EACH], 0, &row)) != COFRE_OK ||
            (err = fn(ctx, &row)) != COFRE_OK)
            break;
    store_end(c, SQL_EVENT_EACH);
    return err;
}

enum cofre_err
store_event_next_time(struct store_conn *c, int64_t from, int64_t *time)
{
    return store_number(c, SQL_EVENT_NEXT_TIME, ARGS(ARG_INT(from)), time);
}
