#ifndef VAULT_SPACE_H
#define VAULT_SPACE_H

#include "vault/vault_internal.h"

/*
 * Room on the disk.  The file `reserve` in the vault's directory holds some, so that the entries that are
 * owed for committed rows, and one that says why nothing is served any more, can be written when
 * there is none left.  It is given up then, and made again before anything is served again.
 *
 * On a small file system the reserve is a sixteenth of it, and the mark below which the vault is not
 * ready a twentieth, where the settings ask for more.
 */
enum { SPACE_RESERVE_MIB = 4, SPACE_LOW_MIB = 64, SPACE_RESERVE_LEAST = 256 * 1024 };

/*
 * Makes the reserve where it is missing or of another size.  Without room for it the vault opens, and
 * serves nothing until there is.  COFRE_EIO.
 */
COFRE_CHECKED enum cofre_err
space_open(struct cofre_vault *v, const struct cofre_vault_config *config, struct cofre_why *why);

/* ---- the committer's ---- */

/* The journal found no space: removes the reserve; nothing is served until space_regain. */
void space_give_up(struct cofre_vault *v);
/* Makes the reserve again, when there is room for it and half as much: true, and serving may go on. */
bool space_regain(struct cofre_vault *v);
/* Bytes of entries that one transaction may owe: what the reserve certainly takes. */
uint64_t space_owed_max(const struct cofre_vault *v);

/* ---- any thread ---- */

bool space_full(struct cofre_vault *v);
/* Is less left than the mark, at the vault or at the anchor?  why says how much, and where. */
bool space_low(struct cofre_vault *v, struct cofre_why *why);
/* Bytes left where less is left, of the vault's and the anchor's place. */
uint64_t space_left(struct cofre_vault *v);
/* Wakes the committer when there is room again.  Called twice a second, by the keeper. */
void space_watch(struct cofre_vault *v);

#endif
