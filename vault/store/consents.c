#include "vault/store/store_internal.h"

/* Most are a customer's first for that purpose: those cost one statement. */
enum cofre_err
store_consent_put(struct store_conn *w, const struct store_consent *row)
{
    struct store_arg v[] = {ARG_INT(row->customer), ARG_INT(row->purpose), ARG_INT(row->basis),
                            ARG_INT(row->status),   ARG_INT(row->time),
                            ARG_TEXT(bytes_str(row->source))};
    int changed;
    enum cofre_err err =
        store_change(w, SQL_CONSENT_ADD, (struct store_args){v, 6}, &changed);

    if (err != COFRE_OK || changed > 0)
        return err;
    if ((err = store_run(w, SQL_CONSENT_KEEP, (struct store_args){v, 2})) != COFRE_OK)
        return err;
    return store_run(w, SQL_CONSENT_SET, (struct store_args){v, 6});
}

static enum cofre_err
read_row(struct store_conn *c, sqlite3_stmt *s, struct store_consent *row)
{
    row->customer = sqlite3_column_int64(s, 0);
    row->purpose = store_column_u32(s, 1);
    row->basis = (enum store_basis)store_column_u32(s, 2);
    row->status = (enum store_consent_status)store_column_u32(s, 3);
    row->time = sqlite3_column_int64(s, 4);
    return store_column_text(s, 5, row->source, sizeof row->source) ? COFRE_OK
                                                                    : store_misshapen(c);
}

enum cofre_err
store_consent_get(struct store_conn *c, int64_t num, uint32_t purpose, struct store_consent *row)
{
    enum cofre_err err = store_one(c, SQL_CONSENT_GET, ARGS(ARG_INT(num), ARG_INT(purpose)));

    if (err != COFRE_OK)
        return err;
    err = read_row(c, c->stmt[SQL_CONSENT_GET], row);
    store_end(c, SQL_CONSENT_GET);
    return err;
}

enum cofre_err
store_consent_each(struct store_conn *c, int64_t num, store_consent_fn *fn, void *ctx)
{
    struct store_consent row;
    bool more = false;
    enum cofre_err err = store_start(c, SQL_CONSENT_EACH, ARGS(ARG_INT(num)));

    if (err != COFRE_OK)
        return err;
    while ((err = store_step(c, SQL_CONSENT_EACH, &more)) == COFRE_OK && more)
        if ((err = read_row(c, c->stmt[SQL_CONSENT_EACH], &row)) != COFRE_OK ||
            (err = fn(ctx, &row)) != COFRE_OK)
            break;
    store_end(c, SQL_CONSENT_EACH);
    return err;
}

enum cofre_err
store_consent_count(struct store_conn *c, uint32_t purpose, uint64_t *out)
{
    int64_t n = 0;
    enum cofre_err err = store_number(c, SQL_CONSENT_COUNT, ARGS(ARG_INT(purpose)), &n);

    *out = (uint64_t)n;
    return err;
}
