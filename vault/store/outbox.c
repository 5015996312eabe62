#include "vault/store/store_internal.h"

enum cofre_err
store_outbox_add(struct store_conn *w, uint64_t seq, struct bytes line)
{
    return store_run(w, SQL_OUTBOX_ADD, ARGS(ARG_INT(seq), ARG_BLOB(line)));
}

enum cofre_err
store_outbox_each(struct store_conn *c, uint64_t from, store_outbox_fn *fn, void *ctx)
{
    bool more = false;
    sqlite3_stmt *s;
    enum cofre_err err = store_start(c, SQL_OUTBOX_EACH, ARGS(ARG_INT(store_limit(from))));

    if (err != COFRE_OK)
        return err;
    s = c->stmt[SQL_OUTBOX_EACH];
    while ((err = store_step(c, SQL_OUTBOX_EACH, &more)) == COFRE_OK && more)
        if ((err = fn(ctx, store_column_u64(s, 0), store_column(s, 1))) != COFRE_OK)
            break;
    store_end(c, SQL_OUTBOX_EACH);
    return err;
}

enum cofre_err
store_outbox_trim(struct store_conn *w, uint64_t below)
{
    return store_run(w, SQL_OUTBOX_TRIM, ARGS(ARG_INT(store_limit(below))));
}
