#include "vault/store/store_internal.h"

enum cofre_err
store_reason_put(struct store_conn *w, int64_t customer, const uint8_t nonce[static 16],
                 struct bytes sealed)
{
    return store_run(w, SQL_REASON_PUT,
                     ARGS(ARG_FIXED(nonce, 16), ARG_INT(customer), ARG_BLOB(sealed)));
}

enum cofre_err
store_idem_get(struct store_conn *c, const uint8_t key[static STORE_KEYED], int64_t now,
               struct store_idem *row)
{
    sqlite3_stmt *s;
    enum cofre_err err =
        store_one(c, SQL_IDEM_GET, ARGS(ARG_FIXED(key, STORE_KEYED), ARG_INT(now)));

    if (err != COFRE_OK)
        return err;
    s = c->stmt[SQL_IDEM_GET];
    if (!store_column_fixed(s, 0, row->key, STORE_KEYED) ||
        !store_column_fixed(s, 1, row->request, STORE_KEYED))
        return store_misshapen(c);
    row->status = store_column_u32(s, 2);
    row->expires = sqlite3_column_int64(s, 3);
    row->body = store_column(s, 4);
    return COFRE_OK;
}

enum cofre_err
store_idem_put(struct store_conn *w, const struct store_idem *row, int64_t now)
{
    int changed;
    enum cofre_err err = store_run(w, SQL_IDEM_EXPIRE, ARGS(ARG_INT(now)));

    if (err != COFRE_OK)
        return err;
    err = store_change(w, SQL_IDEM_PUT,
                       ARGS(ARG_FIXED(row->key, STORE_KEYED), ARG_FIXED(row->request, STORE_KEYED),
                            ARG_INT(row->status), ARG_INT(row->expires), ARG_BLOB(row->body),
                            ARG_INT(now)),
                       &changed);
    return err == COFRE_OK && changed == 0 ? COFRE_EEXIST : err;
}
