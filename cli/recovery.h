#ifndef CLI_RECOVERY_H
#define CLI_RECOVERY_H

#include "cofre/vault.h"

#include "options.h"

/*
 * The file of the private recovery key, which --recovery-key names: made by `cofre init`, kept offline, read
 * by `cofre audit recover`.
 */
struct recovery_file {
    const char *path; /* NULL: none is wanted */
    const char *vault;
    bool made;
};

/* What --recovery-key says. */
struct recovery_file recovery_of(const struct options *o);
/*
 * Makes it, mode 0600 and durable; ctx is a struct recovery_file (cofre_vault_config's keep_recovery).
 * COFRE_EEXIST; COFRE_EREFUSED: it would lie in the vault's directory; COFRE_EIO: nothing is left behind.
 */
COFRE_CHECKED enum cofre_err recovery_keep(void *ctx, struct bytes private_key,
                                           struct cofre_why *why);
/* Removes one that recovery_keep made. */
void recovery_undo(const struct recovery_file *f);
/* Reads it; out is wiped when it is freed.  COFRE_ENOENT, COFRE_EREFUSED (owner, mode, place), COFRE_EIO. */
COFRE_CHECKED enum cofre_err recovery_read(const struct recovery_file *f, struct buf *out,
                                           struct cofre_why *why);

#endif
