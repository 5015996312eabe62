#ifndef VAULT_SIGNING_H
#define VAULT_SIGNING_H

#include "vault/vault_internal.h"

/*
 * The log's signing keys at rest: the file `signing` (FORMAT.md), which no backup contains.  It holds the
 * seed of the key that signs, and while an epoch ends that of the next one behind it.
 *
 * v->signer and v->next are the file's contents.  They belong to whoever opens or closes the vault, and in
 * between to the holder of v->signing_lock; the log borrows both.
 */

/* A fresh key.  COFRE_ENOMEM, COFRE_EINVAL: origin is no note key name.  Free with signing_free. */
COFRE_CHECKED enum cofre_err signing_new(const char *origin, struct note_signer **out);
/* Wipes and frees; NULL does nothing. */
void signing_free(struct note_signer *s);

/*
 * Replaces the file by v->signer and v->next, those that there are; the bytes of the former file are
 * overwritten before it is gone.  COFRE_EIO, COFRE_ENOSPC: the file may be the old or the new one.
 */
COFRE_CHECKED enum cofre_err signing_save(struct cofre_vault *v, struct cofre_why *why);
/*
 * Reads it into v->signer, and v->next if there is one.
 * COFRE_EINTEGRITY: missing, altered, or another vault's; why names cofre audit recover.
 */
COFRE_CHECKED enum cofre_err signing_open(struct cofre_vault *v, struct cofre_why *why);
/*
 * After log_start: overwrites what a crash left of former files, and finishes an epoch's end that was cut off, or
 * drops the key that was prepared for one.
 */
COFRE_CHECKED enum cofre_err signing_settle(struct cofre_vault *v, struct cofre_why *why);
/* The epoch has ended: v->next takes the place of v->signer, whose key is wiped, in memory and on disk. */
COFRE_CHECKED enum cofre_err signing_finish(struct cofre_vault *v, struct cofre_why *why);
/* The epoch will not end: v->next is wiped, in memory and on disk. */
COFRE_CHECKED enum cofre_err signing_drop(struct cofre_vault *v, struct cofre_why *why);
/*
 * For cofre audit recover, with v->audit_fd open and v->certifier set: v->signer is NULL, v->next is the key
 * that an attempt before this one left in the file, else a fresh one, which is not saved yet.
 * COFRE_EREFUSED, COFRE_EIO: the file is there and cannot be read (owner, mode, disk), so nothing is lost yet.
 */
COFRE_CHECKED enum cofre_err signing_lost(struct cofre_vault *v, struct cofre_why *why);

/* A vkey as a JSON string. */
void signing_put_vkey(struct buf *out, const struct note_verifier *key);
/* Names in an entry that ends the present epoch: "epoch-N" and the hash of the next key. */
void signing_put_fields(struct cofre_vault *v, struct cofre_call *call);

#endif
