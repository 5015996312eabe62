#include <assert.h>

#include "vault/store/store_internal.h"

static_assert(STORE_PARTS == 3, "the columns of customer");

enum cofre_err
store_customer_read(struct store_conn *c, sqlite3_stmt *s, int first, struct store_customer *row)
{
    row->num = sqlite3_column_int64(s, first);
    if (!store_column_fixed(s, first + 1, row->id, STORE_ID))
        return store_misshapen(c);
    row->version = store_column_u64(s, first + 2);
    row->kek = store_column_u32(s, first + 3);
    row->flags = store_column_u32(s, first + 4);
    row->created = sqlite3_column_int64(s, first + 5);
    row->updated = sqlite3_column_int64(s, first + 6);
    row->bundle = store_column(s, first + 7);
    for (int i = 0; i < STORE_PARTS; i++)
        row->part[i] = store_column(s, first + 8 + i);
    return COFRE_OK;
}

enum cofre_err
store_customer_insert(struct store_conn *w, struct store_customer *row)
{
    int changed;
    enum cofre_err err = store_change(
        w, SQL_CUSTOMER_INSERT,
        ARGS(ARG_FIXED(row->id, STORE_ID), ARG_INT(row->version), ARG_INT(row->kek),
             ARG_INT(row->flags), ARG_INT(row->created), ARG_INT(row->updated),
             ARG_BLOB(row->bundle), ARG_BLOB(row->part[STORE_IDENTIFIERS]),
             ARG_BLOB(row->part[STORE_REST]), ARG_BLOB(row->part[STORE_SENSITIVE])),
        &changed);

    if (err != COFRE_OK)
        return err;
    if (changed == 0)
        return COFRE_EEXIST;
    row->num = sqlite3_last_insert_rowid(w->db);
    return COFRE_OK;
}

enum cofre_err
store_customer_update(struct store_conn *w, const struct store_customer *row)
{
    int changed;
    enum cofre_err err = store_change(
        w, SQL_CUSTOMER_UPDATE,
        ARGS(ARG_INT(row->num), ARG_INT(row->version), ARG_INT(row->updated),
             ARG_BLOB(row->part[STORE_IDENTIFIERS]), ARG_BLOB(row->part[STORE_REST]),
             ARG_BLOB(row->part[STORE_SENSITIVE])),
        &changed);

    return err == COFRE_OK && changed == 0 ? COFRE_ECONFLICT : err;
}

enum cofre_err
store_customer_flag(struct store_conn *w, int64_t num, uint32_t flags)
{
    int changed;
    enum cofre_err err =
        store_change(w, SQL_CUSTOMER_FLAG, ARGS(ARG_INT(num), ARG_INT(flags)), &changed);

    return err == COFRE_OK && changed == 0 ? COFRE_ENOENT : err;
}

enum cofre_err
store_customer_rewrap(struct store_conn *w, int64_t num, uint32_t old_kek, uint32_t new_kek,
                      struct bytes bundle)
{
    int changed;
    enum cofre_err err = store_change(
        w, SQL_CUSTOMER_REWRAP,
        ARGS(ARG_INT(num), ARG_INT(old_kek), ARG_INT(new_kek), ARG_BLOB(bundle)), &changed);

    return err == COFRE_OK && changed == 0 ? COFRE_ECONFLICT : err;
}

enum cofre_err
store_customer_get(struct store_conn *c, const uint8_t id[static STORE_ID],
                   struct store_customer *row)
{
    enum cofre_err err = store_one(c, SQL_CUSTOMER_GET, ARGS(ARG_FIXED(id, STORE_ID)));

    return err == COFRE_OK ? store_customer_read(c, c->stmt[SQL_CUSTOMER_GET], 0, row) : err;
}

enum cofre_err
store_customer_get_num(struct store_conn *c, int64_t num, struct store_customer *row)
{
    enum cofre_err err = store_one(c, SQL_CUSTOMER_GET_NUM, ARGS(ARG_INT(num)));

    return err == COFRE_OK ? store_customer_read(c, c->stmt[SQL_CUSTOMER_GET_NUM], 0, row) : err;
}

static enum cofre_err
walk(struct store_conn *c, enum store_sql which, struct store_args args, store_customer_fn *fn,
     void *ctx)
{
    struct store_customer row;
    bool more = false;
    enum cofre_err err = store_start(c, which, args);

    if (err != COFRE_OK)
        return err;
    while ((err = store_step(c, which, &more)) == COFRE_OK && more)
        if ((err = store_customer_read(c, c->stmt[which], 0, &row)) != COFRE_OK ||
            (err = fn(ctx, &row)) != COFRE_OK)
            break;
    store_end(c, which);
    return err;
}

enum cofre_err
store_customer_each(struct store_conn *c, int64_t after, uint64_t limit, store_customer_fn *fn,
                    void *ctx)
{
    return walk(c, SQL_CUSTOMER_EACH, ARGS(ARG_INT(after), ARG_INT(store_limit(limit))), fn, ctx);
}

enum cofre_err
store_customer_under(struct store_conn *c, uint32_t kek, uint64_t limit, store_customer_fn *fn,
                     void *ctx)
{
    return walk(c, SQL_CUSTOMER_UNDER, ARGS(ARG_INT(kek), ARG_INT(store_limit(limit))), fn, ctx);
}

enum cofre_err
store_count(struct store_conn *c, struct store_counts *out)
{
    sqlite3_stmt *s;
    enum cofre_err err = store_one(c, SQL_COUNT, NO_ARGS);

    if (err != COFRE_OK)
        return err;
    s = c->stmt[SQL_COUNT];
    out->customers = store_column_u64(s, 0);
    out->events = store_column_u64(s, 1);
    out->consents = store_column_u64(s, 2);
    store_end(c, SQL_COUNT);
    return COFRE_OK;
}

enum cofre_err
store_count_under(struct store_conn *c, uint32_t kek, uint64_t *out)
{
    int64_t n = 0;
    enum cofre_err err = store_number(c, SQL_COUNT_UNDER, ARGS(ARG_INT(kek)), &n);

    *out = (uint64_t)n;
    return err;
}
