#ifndef CRYPTO_KEYRING_H
#define CRYPTO_KEYRING_H

#include "cofre/secret.h"
#include "crypto/kdf.h"

/*
 * Every symmetric key of the vault, by class, scope and version, with its state.  In memory the
 * keys live in locked pages; on disk the keyring is one box (kind KEYRING) sealed under a key
 * derived from the root key, and it is replaced atomically by its owner.
 *
 * Not thread-safe by itself: its owner guards changes.
 */

/* clang-format off */
#define KEYRING_CLASS_LIST(X)                                                                      \
    X(DB,     "db",     "SQLCipher's raw key")                                                     \
    X(KEK,    "kek",    "seals the customers' bundles")                                            \
    X(VIEW,   "view",   "makes the pseudonyms of one view epoch (scope: view number)")             \
    X(INDEX,  "index",  "makes index values of unique and look-up fields")                         \
    X(ROWTAG, "rowtag", "sums over rows against rollback")                                         \
    X(PEPPER, "pepper", "hashes access tokens")                                                    \
    X(CURSOR, "cursor", "seals list cursors")                                                      \
    X(LOG,    "log",    "epoch secret of the audit log, for subject tags")
/* clang-format on */

enum keyring_class {
#define KEYRING_CLASS_ENUM(name, text, what) KEYRING_##name,
    KEYRING_CLASS_LIST(KEYRING_CLASS_ENUM)
#undef KEYRING_CLASS_ENUM
        KEYRING_CLASSES
};

enum keyring_state {
    KEYRING_PENDING,      /* made, not yet used */
    KEYRING_ACTIVE,       /* the one that new data uses */
    KEYRING_DECRYPT_ONLY, /* old data may still be under it */
    KEYRING_RETIRED,      /* nothing should be under it */
    KEYRING_DESTROYED     /* the bytes are gone; the line stays */
};

struct keyring_entry {
    enum keyring_class class;
    uint32_t scope;   /* a view's number for KEYRING_VIEW, else 0 */
    uint32_t version; /* from 1 */
    enum keyring_state state;
    int64_t created;   /* ms since 1970, UTC */
    int64_t activated; /* same; 0 while pending */
};

struct keyring;

enum { KEYRING_ID = 16, KEYRING_ENTRIES_MAX = 4096 };

/* An empty keyring for the vault with this id (copied).  COFRE_ENOMEM. */
COFRE_CHECKED enum cofre_err keyring_new(const uint8_t vault[static KEYRING_ID],
                                         struct keyring **out);
/* Wipes and frees; NULL does nothing. */
void keyring_free(struct keyring *k);

const uint8_t *keyring_vault(const struct keyring *k);
/* Grows by one with each keyring_seal. */
uint64_t keyring_generation(const struct keyring *k);

/*
 * Adds a fresh random key with the next version of its class and scope; *version is set (may be
 * NULL).  With active, the former active one becomes decrypt-only; else the new one is pending.
 *
 * COFRE_ENOMEM, COFRE_ELIMIT: the keyring is unchanged
 */
COFRE_CHECKED enum cofre_err keyring_add(struct keyring *k, enum keyring_class class,
                                         uint32_t scope, bool active, int64_t now,
                                         uint32_t *version);
/*
 * Changes a state.  Going to ACTIVE makes the former active one DECRYPT_ONLY; going to DESTROYED
 * wipes the bytes.  COFRE_ENOENT: no such key.  COFRE_EINVAL: the step is not forwards.
 */
COFRE_CHECKED enum cofre_err keyring_set_state(struct keyring *k, enum keyring_class class,
                                               uint32_t scope, uint32_t version,
                                               enum keyring_state state, int64_t now);

/* KEY_LEN bytes, valid until the entry is destroyed or the keyring freed; NULL: no such key. */
const uint8_t *keyring_key(const struct keyring *k, enum keyring_class class, uint32_t scope,
                           uint32_t version);
/* The active one and its version (may be NULL); NULL: none is active. */
const uint8_t *keyring_active(const struct keyring *k, enum keyring_class class, uint32_t scope,
                              uint32_t *version);
/* The i-th line, in the order of adding; false beyond the end. */
bool keyring_entry(const struct keyring *k, size_t i, struct keyring_entry *out);
const char *keyring_class_text(enum keyring_class class);
/* COFRE_ENOENT: no such class. */
COFRE_CHECKED enum cofre_err keyring_class_parse(const char *text, enum keyring_class *class);
const char *keyring_state_text(enum keyring_state state);

/*
 * Seals the keyring, with its generation grown by one, appending to out.  sealing is a key of
 * KEY_LEN bytes that the owner derived from the root key.  COFRE_ENOMEM.
 */
COFRE_CHECKED enum cofre_err keyring_seal(struct keyring *k, struct bytes sealing,
                                          struct buf *out);
/*
 * Opens what keyring_seal made.  *out is NULL on error.
 *
 * COFRE_EAUTH    altered, cut, or another sealing key or vault
 * COFRE_EFORMAT  authentic, but not a keyring that this version understands
 * COFRE_ENOMEM
 */
COFRE_CHECKED enum cofre_err keyring_open(const uint8_t vault[static KEYRING_ID],
                                          struct bytes sealing, struct bytes sealed,
                                          struct keyring **out);

#endif
