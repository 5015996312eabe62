#include <assert.h>

#include "vault/store/store_internal.h"

/* The numbers that the statements' texts spell out. */
static_assert(STORE_RESTRICTED == 2, "in VISIBLE");
static_assert(STORE_WITHDRAWN == 0 && STORE_GRANTED == 1, "in VISIBLE");

#define SCOPE(s)                                                                                   \
    ARG_INT((s)->view), ARG_INT((s)->epoch), ARG_INT((s)->purpose), ARG_INT((s)->without_row)

/* Any customer will do, as long as each pseudonym leads to its own. */
static int64_t
decoy_of(const uint8_t ps[static STORE_KEYED])
{
    return (int64_t)(bytes_get_le64(ps) >> 1);
}

/* Columns: the link's customer, or NULL; visible; the pseudonym; the customer. */
static enum cofre_err
read_member(struct store_conn *c, sqlite3_stmt *s, struct store_member *row)
{
    struct store_customer customer;
    enum cofre_err err;

    if (sqlite3_column_type(s, 0) == SQLITE_NULL)
        return COFRE_ENOENT;
    if (!store_column_fixed(s, 2, row->ps, STORE_KEYED))
        return store_misshapen(c);
    if ((err = store_customer_read(c, s, 3, &customer)) != COFRE_OK)
        return err;
    if (sqlite3_column_int(s, 1) != 0) {
        row->customer = customer;
        return COFRE_OK;
    }
    row->customer.num = customer.num;
    row->customer.kek = customer.kek;
    memcpy(row->customer.id, customer.id, STORE_ID);
    row->customer.bundle = customer.bundle;
    return COFRE_ENOENT;
}

enum cofre_err
store_member_get(struct store_conn *c, const struct store_scope *scope,
                 const uint8_t ps[static STORE_KEYED], struct store_member *row)
{
    enum cofre_err err;

    memset(row, 0, sizeof *row);
    err = store_one(c, SQL_MEMBER_GET,
                    ARGS(SCOPE(scope), ARG_FIXED(ps, STORE_KEYED), ARG_INT(decoy_of(ps))));
    return err == COFRE_OK ? read_member(c, c->stmt[SQL_MEMBER_GET], row) : err;
}

static enum cofre_err
read_listed(struct store_conn *c, sqlite3_stmt *s, int first, struct store_member *row)
{
    if (!store_column_fixed(s, first, row->ps, STORE_KEYED))
        return store_misshapen(c);
    return store_customer_read(c, s, first + 1, &row->customer);
}

enum cofre_err
store_member_each(struct store_conn *c, const struct store_scope *scope, const uint8_t *after,
                  uint64_t limit, store_member_fn *fn, void *ctx)
{
    struct store_member row;
    bool more = false;
    /* Nothing is before the empty string. */
    enum cofre_err err = store_start(
        c, SQL_MEMBER_EACH,
        ARGS(SCOPE(scope), ARG_FIXED(after, after == NULL ? 0 : STORE_KEYED),
             ARG_INT(store_limit(limit))));

    if (err != COFRE_OK)
        return err;
    while ((err = store_step(c, SQL_MEMBER_EACH, &more)) == COFRE_OK && more)
        if ((err = read_listed(c, c->stmt[SQL_MEMBER_EACH], 0, &row)) != COFRE_OK ||
            (err = fn(ctx, &row)) != COFRE_OK)
            break;
    store_end(c, SQL_MEMBER_EACH);
    return err;
}

enum cofre_err
store_member_count(struct store_conn *c, const struct store_scope *scope, uint64_t *out)
{
    int64_t n = 0;
    enum cofre_err err = store_number(c, SQL_MEMBER_COUNT, ARGS(SCOPE(scope)), &n);

    *out = (uint64_t)n;
    return err;
}

enum cofre_err
store_view_event_keys(struct store_conn *c, const struct store_scope *scope, int64_t from,
                      int64_t to, store_key_fn *fn, void *ctx)
{
    uint8_t key[STORE_KEYED];
    bool more = false;
    sqlite3_stmt *s;
    enum cofre_err err =
        store_start(c, SQL_VIEW_EVENT_KEYS, ARGS(SCOPE(scope), ARG_INT(from), ARG_INT(to)));

    if (err != COFRE_OK)
        return err;
    s = c->stmt[SQL_VIEW_EVENT_KEYS];
    while ((err = store_step(c, SQL_VIEW_EVENT_KEYS, &more)) == COFRE_OK && more) {
        if (!store_column_fixed(s, 1, key, sizeof key))
            err = store_misshapen(c);
        else
            err = fn(ctx, sqlite3_column_int64(s, 0), key, store_column_u32(s, 2));
        if (err != COFRE_OK)
            break;
    }
    store_end(c, SQL_VIEW_EVENT_KEYS);
    return err;
}

enum cofre_err
store_view_event(struct store_conn *c, const struct store_scope *scope, int64_t event,
                 struct store_event *row, struct store_member *member)
{
    sqlite3_stmt *s;
    enum cofre_err err = store_one(c, SQL_VIEW_EVENT, ARGS(SCOPE(scope), ARG_INT(event)));

    if (err != COFRE_OK)
        return err;
    s = c->stmt[SQL_VIEW_EVENT];
    if ((err = store_event_read(c, s, 0, row)) != COFRE_OK)
        return err;
    return read_listed(c, s, STORE_EVENT_COLUMNS, member);
}
