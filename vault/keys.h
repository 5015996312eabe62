#ifndef VAULT_KEYS_H
#define VAULT_KEYS_H

#include "vault/vault_internal.h"

/*
 * Keys at rest and in use: keyslots -> root key -> keyring and signing key file -> vault_keys.
 * The root key itself is kept no longer than the opening takes.
 */

/* Makes keyslots, keyring and signing key file in v->dir_fd; fills v->ring, v->keys and v->signer. */
COFRE_CHECKED enum cofre_err keys_create(struct cofre_vault *v,
                                         const struct cofre_vault_config *config,
                                         const char *origin, struct cofre_why *why);
/* Opens them; sets v->id.  COFRE_EAUTH: the secret opens no slot. */
COFRE_CHECKED enum cofre_err keys_open(struct cofre_vault *v,
                                       const struct cofre_vault_config *config,
                                       struct cofre_why *why);
void keys_close(struct cofre_vault *v);
/* Seals the keyring into its file. The caller holds keys_lock. */
COFRE_CHECKED enum cofre_err keys_save(struct cofre_vault *v, struct cofre_why *why);
/* Fills v->keys from v->ring. The caller holds keys_lock for writing (or is alone). */
COFRE_CHECKED enum cofre_err keys_prepare(struct cofre_vault *v, struct cofre_why *why);
/* The KEK of an epoch; NULL: not in the keyring. */
const struct bundle_kek *keys_kek(const struct vault_keys *k, uint32_t epoch);

#endif
