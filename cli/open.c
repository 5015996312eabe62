#include "secretin.h"

#include "open.h"

enum cofre_err
open_vault(const struct options *o, const struct config *config, struct cofre_vault **out,
           struct cofre_why *why)
{
    struct cofre_vault_config with = {.dir = secretin_vault(o),
                                      .anchor = options_text(o, OPT_ANCHOR),
                                      .checkpoint_ms = config->checkpoint_ms};
    struct secretin in = {COFRE_SECRET_PASSPHRASE, NULL};
    enum cofre_err err;

    *out = NULL;
    if (!cofre_vault_exists(with.dir))
        return cofre_why_set(why, COFRE_ENOENT,
                             "%s holds no vault; make one with cofre init, or "
                             "say where it is with --vault",
                             with.dir);
    if ((err = secret_setup(options_has(o, OPT_ALLOW_UNLOCKED), why)) != COFRE_OK)
        return cofre_why_add(why, err, "raise the limit (ulimit -l), or give --allow-unlocked");
    if ((err = secretin_read(o, false, &in, why)) != COFRE_OK)
        return err;
    with.secret_kind = in.kind;
    with.secret = secret_bytes(in.secret);
    err = cofre_vault_open(&with, out, why);
    secret_free(in.secret);
    return err;
}
