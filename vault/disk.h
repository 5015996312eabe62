#ifndef VAULT_DISK_H
#define VAULT_DISK_H

#include "cofre/bytes.h"

/*
 * The small files of a vault's directory: read whole, replaced whole.
 */

/*
 * Reads a regular file that must belong to us (or root) and be closed to others.  COFRE_ENOENT,
 * COFRE_EREFUSED (owner or mode), COFRE_ERANGE (over max), COFRE_EIO, COFRE_ENOMEM.
 */
COFRE_CHECKED enum cofre_err disk_read(int dir, const char *name, size_t max, struct buf *out,
                                       struct cofre_why *why);
/*
 * Replaces (or makes) a file of mode 0600, atomically and durably: a crash leaves the old one or the new
 * one.  COFRE_ENOSPC, COFRE_EIO.
 */
COFRE_CHECKED enum cofre_err disk_replace(int dir, const char *name, struct bytes contents,
                                          struct cofre_why *why);
COFRE_CHECKED enum cofre_err disk_sync_dir(int dir, struct cofre_why *why);

#endif
