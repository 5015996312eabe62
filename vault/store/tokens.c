#include "vault/store/store_internal.h"

enum cofre_err
store_token_insert(struct store_conn *w, const struct store_token *row)
{
    int changed;
    enum cofre_err err = store_change(
        w, SQL_TOKEN_INSERT,
        ARGS(ARG_TEXT(bytes_str(row->id)), ARG_FIXED(row->hash, HASH_LEN), ARG_INT(row->pepper),
             ARG_INT(row->role), ARG_INT(row->flags), ARG_TEXT(bytes_str(row->name)),
             ARG_TEXT(bytes_str(row->view)), ARG_TEXT(bytes_str(row->purposes)),
             ARG_INT(row->issued), ARG_INT(row->expires), ARG_INT(row->revoked)),
        &changed);

    return err == COFRE_OK && changed == 0 ? COFRE_EEXIST : err;
}

enum cofre_err
store_token_revoke(struct store_conn *w, const char *id, int64_t when)
{
    int64_t found = 0;
    int changed;
    enum cofre_err err = store_change(w, SQL_TOKEN_REVOKE,
                                      ARGS(ARG_TEXT(bytes_str(id)), ARG_INT(when)), &changed);

    if (err != COFRE_OK || changed > 0)
        return err;
    err = store_number(w, SQL_TOKEN_FIND, ARGS(ARG_TEXT(bytes_str(id))), &found);
    return err == COFRE_OK ? COFRE_EEXIST : err;
}

static enum cofre_err
read_row(struct store_conn *c, sqlite3_stmt *s, struct store_token *row)
{
    memset(row, 0, sizeof *row);
    if (!store_column_text(s, 0, row->id, sizeof row->id) ||
        !store_column_fixed(s, 1, row->hash, sizeof row->hash) ||
        !store_column_text(s, 5, row->name, sizeof row->name) ||
        !store_column_text(s, 6, row->view, sizeof row->view) ||
        !store_column_text(s, 7, row->purposes, sizeof row->purposes))
        return store_misshapen(c);
    row->pepper = store_column_u32(s, 2);
    row->role = store_column_u32(s, 3);
    row->flags = store_column_u32(s, 4);
    row->issued = sqlite3_column_int64(s, 8);
    row->expires = sqlite3_column_int64(s, 9);
    row->revoked = sqlite3_column_int64(s, 10);
    return COFRE_OK;
}

enum cofre_err
store_token_each(struct store_conn *c, store_token_fn *fn, void *ctx)
{
    struct store_token row;
    bool more = false;
    enum cofre_err err = store_start(c, SQL_TOKEN_EACH, NO_ARGS);

    if (err != COFRE_OK)
        return err;
    while ((err = store_step(c, SQL_TOKEN_EACH, &more)) == COFRE_OK && more)
        if ((err = read_row(c, c->stmt[SQL_TOKEN_EACH], &row)) != COFRE_OK ||
            (err = fn(ctx, &row)) != COFRE_OK)
            break;
    store_end(c, SQL_TOKEN_EACH);
    return err;
}
