#ifndef CLI_OPEN_H
#define CLI_OPEN_H

#include "config.h"
#include "options.h"

#include "cofre/vault.h"

/*
 * Opens the vault that the options name, with the settings of its cofre.conf and the secret that they
 * name.  *out is NULL on error; errors are those of config_read, secret_setup, secretin_read and
 * cofre_vault_open.
 */
COFRE_CHECKED enum cofre_err open_vault(const struct options *o, const struct config *config,
                                        struct cofre_vault **out, struct cofre_why *why);
/* The same for cofre_vault_declare; --dry-run is the options'. */
COFRE_CHECKED enum cofre_err open_declare(const struct options *o, const struct config *config,
                                          const char *actor, struct buf *out,
                                          struct cofre_why *why);

/* The same for cofre_vault_recover. */
COFRE_CHECKED enum cofre_err open_recover(const struct options *o, const struct config *config,
                                          struct bytes private_key, const char *actor,
                                          struct buf *out, struct cofre_why *why);

#endif
