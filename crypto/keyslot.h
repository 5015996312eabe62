#ifndef CRYPTO_KEYSLOT_H
#define CRYPTO_KEYSLOT_H

#include "cofre/secret.h"
#include "crypto/box.h"

/*
 * The ways to open the root key.  The file is binary, small, and read whole; FORMAT.md draws it.
 *
 * Passphrases go through Argon2id (RFC 9106; libsodium), key files through HKDF.  The slot key's
 * second half is a commitment that is stored and compared first.  Argon2 costs are checked
 * against bounds before any work is done with them, and the whole table is under a MAC from the
 * root key, so that a slot that was weakened, added or removed is refused.
 */
enum {
    KEYSLOT_MAX = 16,
    KEYSLOT_VAULT = 16,
    KEYSLOT_FILE_LEN = 32,      /* a key file holds exactly this many bytes */
    KEYSLOT_PASS_MIN = 8,       /* bytes; a shorter passphrase is refused */
    KEYSLOT_PASS_MAX = 1024,    /* bytes */
    KEYSLOT_TABLE_MAX = 16384,  /* bytes of the file */
    KEYSLOT_ARGON_MIB_MIN = 64, /* OWASP's floor is lower; ours is for a server */
    KEYSLOT_ARGON_MIB_MAX = 1024,
    KEYSLOT_ARGON_MIB = 256,
    KEYSLOT_ARGON_PASSES_MIN = 2,
    KEYSLOT_ARGON_PASSES_MAX = 10,
    KEYSLOT_ARGON_PASSES = 3
};

enum keyslot_type { KEYSLOT_PASSPHRASE = 1, KEYSLOT_KEYFILE = 2 };

struct keyslot_secret {
    enum keyslot_type type;
    struct bytes bytes; /* borrowed; the passphrase as typed, or KEYSLOT_FILE_LEN bytes */
};

struct keyslot_table;

/*
 * A new table for a new random root key, with one slot.  On error both outputs are NULL.
 * COFRE_EINVAL: the secret's length is out of bounds.  COFRE_ENOMEM.
 */
COFRE_CHECKED enum cofre_err keyslot_create(const uint8_t vault[static KEYSLOT_VAULT],
                                            const struct keyslot_secret *with,
                                            struct keyslot_table **table, struct secret **root);
/*
 * Adds a slot for the same root key; *id (from 1, never reused) is set.  The table is unchanged on
 * error.  COFRE_EINVAL: the secret's length, or root is not this table's.  COFRE_ELIMIT.
 * COFRE_ENOMEM.
 */
COFRE_CHECKED enum cofre_err keyslot_add(struct keyslot_table *t, struct bytes root,
                                         const struct keyslot_secret *with, uint32_t *id);
/*
 * Opens the root key with a secret, trying the slots of its type, and then checks the table's MAC.
 * *root is NULL on error.
 *
 * COFRE_EAUTH       no slot opens with it
 * COFRE_EINTEGRITY  a slot opened, and the table was altered
 * COFRE_ENOMEM
 */
COFRE_CHECKED enum cofre_err keyslot_unlock(const struct keyslot_table *t,
                                            const struct keyslot_secret *with,
                                            struct secret **root);
/*
 * Seals every slot anew for another root key needs every secret; rotating the root key instead
 * keeps one slot and drops the rest.  Replaces the table's contents by one slot for root.
 * EINVAL, ENOMEM: the table is unchanged.
 */
COFRE_CHECKED enum cofre_err keyslot_reset(struct keyslot_table *t, struct bytes root,
                                           const struct keyslot_secret *with);

size_t keyslot_count(const struct keyslot_table *t);
/* The i-th slot's type and id; false beyond the end. */
bool keyslot_get(const struct keyslot_table *t, size_t i, enum keyslot_type *type, uint32_t *id);
const uint8_t *keyslot_vault(const struct keyslot_table *t);

/* Appends the file's bytes; root makes the MAC. */
void keyslot_write(const struct keyslot_table *t, struct bytes root, struct buf *out);
/*
 * Reads the file's bytes; costs out of bounds are refused here.  *out is NULL on error.
 * COFRE_EFORMAT, COFRE_ENOMEM.
 */
COFRE_CHECKED enum cofre_err keyslot_read(struct bytes file, struct keyslot_table **out);
void keyslot_free(struct keyslot_table *t);

#endif
