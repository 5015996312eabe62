#ifndef VAULT_ANCHOR_H
#define VAULT_ANCHOR_H

#include "vault/findings.h"
#include "vault/vault_internal.h"

/*
 * The anchor: what the vault was like a moment ago, under a MAC from the root key, best kept on another
 * volume (design 9).  FORMAT.md draws it.  It is written at most a second after a change, and at a clean
 * stop; at start an older vault than it says is refused, and so is an anchor that is older than a crash
 * explains: the entries that it does not cover must lie within ANCHOR_LAG_MS of one another.
 */
enum { ANCHOR_OVERDUE_MS = 20000, ANCHOR_LAG_MS = 60000, ANCHOR_STOP_LAG_MS = 2000 };

struct anchor {
    uint32_t incarnation;
    bool summed; /* the database had sums over its rows: store.h */
    uint64_t generation;         /* of the database */
    uint64_t keyring_generation;
    uint64_t log_size;
    uint8_t log_root[HASH_LEN];
};

/* COFRE_ENOENT: it is missing.  COFRE_EINTEGRITY: malformed, or not this vault's. */
COFRE_CHECKED enum cofre_err anchor_read(const struct cofre_vault *v, struct anchor *out,
                                         struct cofre_why *why);
COFRE_CHECKED enum cofre_err anchor_write(const struct cofre_vault *v, const struct anchor *a,
                                          struct cofre_why *why);
/* For the making of a vault: COFRE_EEXIST when there is an anchor already, perhaps another vault's. */
COFRE_CHECKED enum cofre_err anchor_check_none(const struct cofre_vault *v, struct cofre_why *why);
/* Removes the anchor of a vault whose making failed. */
void anchor_remove(const struct cofre_vault *v);
/* The present state. */
COFRE_CHECKED enum cofre_err anchor_now(struct cofre_vault *v, struct anchor *out,
                                        struct cofre_why *why);
/*
 * Holds log, database and keyring against the anchor.  COFRE_EINTEGRITY: the first finding, unless they are
 * collected.
 */
COFRE_CHECKED enum cofre_err anchor_check(struct cofre_vault *v, struct findings *found,
                                          struct cofre_why *why);

/* The thread that keeps it up to date. */
COFRE_CHECKED enum cofre_err anchor_start(struct cofre_vault *v, struct cofre_why *why);
void anchor_stop(struct cofre_vault *v);
/* It could not be written for so long that a crash now would leave one that is refused: serve nothing. */
bool anchor_overdue(struct cofre_vault *v);

#endif
