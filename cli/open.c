#include "secretin.h"

#include "open.h"

/* What opening takes; in->secret is the caller's to free, also on error. */
static enum cofre_err
prepare(const struct options *o, const struct config *config, struct cofre_vault_config *with,
        struct secretin *in, struct cofre_why *why)
{
    enum cofre_err err;

    *in = (struct secretin){COFRE_SECRET_PASSPHRASE, NULL};
    *with = (struct cofre_vault_config){.dir = secretin_vault(o),
                                        .anchor = options_text(o, OPT_ANCHOR),
                                        .checkpoint_ms = config->checkpoint_ms,
                                        .reserve_mib = config->reserve_mib,
                                        .low_disk_mib = config->low_disk_mib};
    if (!cofre_vault_exists(with->dir))
        return cofre_why_set(why, COFRE_ENOENT,
                             "%s holds no vault; make one with cofre init, or "
                             "say where it is with --vault",
                             with->dir);
    if ((err = secret_setup(options_has(o, OPT_ALLOW_UNLOCKED), why)) != COFRE_OK)
        return cofre_why_add(why, err, "raise the limit (ulimit -l), or give --allow-unlocked");
    if ((err = secretin_read(o, false, in, why)) != COFRE_OK)
        return err;
    with->secret_kind = in->kind;
    with->secret = secret_bytes(in->secret);
    return COFRE_OK;
}

static const char *
if_set(const char *text)
{
    return text[0] != 0 ? text : NULL;
}

static struct cofre_witnesses_config
witnesses(const struct config *config)
{
    return (struct cofre_witnesses_config){.policy = if_set(config->witness_policy),
                                           .ca = if_set(config->witness_ca),
                                           .required = config->witness_required,
                                           .timeout_ms = config->witness_timeout_ms,
                                           .grace_s = config->witness_grace_s};
}

enum cofre_err
open_vault(const struct options *o, const struct config *config, struct cofre_vault **out,
           struct cofre_why *why)
{
    struct cofre_vault_config with;
    struct secretin in;
    enum cofre_err err;

    *out = NULL;
    if ((err = prepare(o, config, &with, &in, why)) == COFRE_OK) {
        with.witnesses = witnesses(config);
        err = cofre_vault_open(&with, out, why);
    }
    secret_free(in.secret);
    return err;
}

enum cofre_err
open_declare(const struct options *o, const struct config *config, const char *actor,
             struct buf *out, struct cofre_why *why)
{
    struct cofre_vault_config with;
    struct secretin in;
    enum cofre_err err;

    if ((err = prepare(o, config, &with, &in, why)) == COFRE_OK)
        err = cofre_vault_declare(&with, actor, options_has(o, OPT_DRY_RUN), out, why);
    secret_free(in.secret);
    return err;
}

enum cofre_err
open_recover(const struct options *o, const struct config *config, struct bytes private_key,
             const char *actor, struct buf *out, struct cofre_why *why)
{
    struct cofre_vault_config with;
    struct secretin in;
    enum cofre_err err;

    if ((err = prepare(o, config, &with, &in, why)) == COFRE_OK)
        err = cofre_vault_recover(&with, private_key, actor, out, why);
    secret_free(in.secret);
    return err;
}
