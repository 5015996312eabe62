#include "vault/store/store_internal.h"

enum cofre_err
store_index_put(struct store_conn *w, uint32_t field, bool unique,
                const uint8_t value[static STORE_KEYED], int64_t num)
{
    struct store_args args =
        ARGS(ARG_INT(field), ARG_FIXED(value, STORE_KEYED), ARG_INT(num));
    int64_t owner = 0;
    int changed;
    enum cofre_err err;

    if (!unique)
        return store_run(w, SQL_LOOKUP_PUT, args);
    if ((err = store_change(w, SQL_UNIQUE_PUT, args, &changed)) != COFRE_OK || changed > 0)
        return err;
    err = store_number(w, SQL_UNIQUE_OWNER, ARGS(ARG_INT(field), ARG_FIXED(value, STORE_KEYED)),
                       &owner);
    return err == COFRE_OK && owner != num ? COFRE_EEXIST : err;
}

enum cofre_err
store_index_drop(struct store_conn *w, uint32_t field, int64_t num)
{
    struct store_args args = ARGS(ARG_INT(field), ARG_INT(num));
    enum cofre_err err = store_run(w, SQL_UNIQUE_DROP, args);

    return err == COFRE_OK ? store_run(w, SQL_LOOKUP_DROP, args) : err;
}

enum cofre_err
store_index_find(struct store_conn *c, uint32_t field, const uint8_t value[static STORE_KEYED],
                 int64_t *num)
{
    int64_t first;
    bool more = false;
    enum cofre_err err =
        store_one(c, SQL_INDEX_FIND, ARGS(ARG_INT(field), ARG_FIXED(value, STORE_KEYED)));

    if (err != COFRE_OK)
        return err;
    first = sqlite3_column_int64(c->stmt[SQL_INDEX_FIND], 0);
    if ((err = store_step(c, SQL_INDEX_FIND, &more)) != COFRE_OK)
        return err;
    store_end(c, SQL_INDEX_FIND);
    if (more)
        return COFRE_ECONFLICT;
    *num = first;
    return COFRE_OK;
}
