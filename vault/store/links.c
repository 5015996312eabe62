#include "vault/store/store_internal.h"

enum cofre_err
store_link_put(struct store_conn *w, uint32_t view, uint32_t epoch,
               const uint8_t ps[static STORE_KEYED], int64_t num)
{
    struct store_arg link[] = {ARG_INT(view), ARG_INT(epoch), ARG_FIXED(ps, STORE_KEYED),
                               ARG_INT(num)};
    int64_t owner = 0;
    int changed;
    enum cofre_err err = store_change(w, SQL_LINK_PUT, (struct store_args){link, 4}, &changed);

    if (err != COFRE_OK || changed > 0)
        return err;
    err = store_number(w, SQL_LINK_OWNER, (struct store_args){link, 3}, &owner);
    return err == COFRE_OK && owner != num ? COFRE_EEXIST : err;
}

enum cofre_err
store_link_drop(struct store_conn *w, uint32_t view, uint32_t epoch)
{
    if (epoch == 0)
        return store_run(w, SQL_LINK_DROP_ALL, ARGS(ARG_INT(view)));
    return store_run(w, SQL_LINK_DROP, ARGS(ARG_INT(view), ARG_INT(epoch)));
}
