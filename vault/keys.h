#ifndef VAULT_KEYS_H
#define VAULT_KEYS_H

#include "vault/vault_internal.h"

/*
 * Keys at rest and in use: keyslots -> root key -> keyring and signing key file -> vault_keys.
 * The root key itself is kept no longer than the opening takes.
 */

/* Makes keyslots, keyring and signing key file in v->dir_fd; fills v->ring, v->keys and v->signer (signing.h). */
COFRE_CHECKED enum cofre_err keys_create(struct cofre_vault *v,
                                         const struct cofre_vault_config *config,
                                         const char *origin, struct cofre_why *why);
/* Opens them (but for the signing key when v->certifier is there: it is lost); sets v->id.  COFRE_EAUTH: the secret opens no slot. */
COFRE_CHECKED enum cofre_err keys_open(struct cofre_vault *v,
                                       const struct cofre_vault_config *config,
                                       struct cofre_why *why);
void keys_close(struct cofre_vault *v);
/*
 * Makes the next key of a class (KEYRING_KEK, KEYRING_VIEW or KEYRING_LOG) and scope the active one; the
 * committer's thread alone.  It is in the keyring's file before anybody can use it: on error v is as it was, and the
 * file at most holds a key that nothing is under.  *version may be NULL.
 * COFRE_ELIMIT, COFRE_ENOSPC, COFRE_EIO, COFRE_ENOMEM, COFRE_EINTEGRITY: the file is not ours any more.
 */
COFRE_CHECKED enum cofre_err keys_add(struct cofre_vault *v, enum keyring_class class,
                                      uint32_t scope, uint32_t *version, struct cofre_why *why);
/* The KEK of an epoch; NULL: not in the keyring.  The caller holds keys_lock. */
const struct bundle_kek *keys_kek(const struct vault_keys *k, uint32_t epoch);
/* The KEK epoch that new bundles are sealed under. */
uint32_t keys_kek_active(struct cofre_vault *v);

#endif
