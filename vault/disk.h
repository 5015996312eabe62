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
/*
 * The same, for a file whose former bytes must not be found again: they are overwritten with random ones, which are
 * synced, before their name is gone.  Where that fails the operator is told (oplog), and the bytes keep the name
 * "<name>.old" for another attempt.  (A file system that copies on write, and a drive, may still have them.)
 */
COFRE_CHECKED enum cofre_err disk_replace_shred(int dir, const char *name, struct bytes contents,
                                                struct cofre_why *why);
/* Overwrites and removes what a crash within disk_replace_shred left beside the file. */
void disk_shred_leftovers(int dir, const char *name);
COFRE_CHECKED enum cofre_err disk_sync_dir(int dir, struct cofre_why *why);

#endif
