#ifndef COFRE_VAULT_H
#define COFRE_VAULT_H

#include "cofre/call.h"

/*
 * The vault as a whole: made, opened by one process at a time, stopped, closed.
 */
struct cofre_vault;

enum cofre_secret_kind { COFRE_SECRET_PASSPHRASE, COFRE_SECRET_KEY_FILE };

struct cofre_vault_config {
    const char *dir;      /* the vault's directory */
    enum cofre_secret_kind secret_kind;
    struct bytes secret;  /* passphrase, or the 32 bytes of the key file; borrowed, the caller wipes */
    const char *anchor;   /* another place for the anchor; NULL: in the directory */
    unsigned readers;     /* reader connections; 0: 4 */
    unsigned checkpoint_ms; /* 0: 1000 */
};

/*
 * Makes a vault: directory (mode 0700), keyslots, keyring, signing key, database with default
 * schema and purposes, log with its first entry and checkpoint, anchor.  Appends the log's vkey to vkey.
 * origin NULL: "cofre.invalid/<random>".
 *
 * COFRE_EEXIST  dir holds a vault, or anything else
 * COFRE_EINVAL  the origin is not a note key name; the secret's length is out of bounds
 * On error nothing is left that was not there before.
 */
COFRE_CHECKED enum cofre_err cofre_vault_create(const struct cofre_vault_config *config,
                                                const char *origin, const char *actor,
                                                struct buf *vkey, struct cofre_why *why);

/*
 * Opens: takes the lock, opens keyslots and keyring, the log (recovering what a crash left), the
 * database, and holds log, database and anchor against each other.  *out is NULL on error.
 *
 * COFRE_ENOENT      dir is no vault
 * COFRE_EBUSY       another process has it
 * COFRE_EAUTH       the secret opens no slot
 * COFRE_EINTEGRITY  something was altered, is older than something else, or contradicts it; why says
 *                   which, than what, and what to do
 * COFRE_EREFUSED    wrong owner or mode of a file that must be private
 */
COFRE_CHECKED enum cofre_err cofre_vault_open(const struct cofre_vault_config *config,
                                              struct cofre_vault **out, struct cofre_why *why);
/* No call is accepted any more; waits for those that were, signs a last checkpoint, closes. NULL is fine. */
COFRE_CHECKED enum cofre_err cofre_vault_close(struct cofre_vault *vault, struct cofre_why *why);

/* Does a vault (or what is left of one) lie in this directory? */
bool cofre_vault_exists(const char *dir);

/* Records start or stop of the server, with the number of the process's readers; waits for the entry. */
COFRE_CHECKED enum cofre_err cofre_vault_mark(struct cofre_vault *vault, enum cofre_act act,
                                              struct cofre_why *why);

/*
 * Who holds this token?  Fills *actor.  text is the token alone, without "Bearer ".
 * COFRE_EAUTH: malformed, unknown, expired or revoked: one code on purpose.
 */
COFRE_CHECKED enum cofre_err cofre_vault_authenticate(struct cofre_vault *vault, struct bytes text,
                                                      struct cofre_actor *actor);
/* Why an unauthenticated request failed; summed, one entry per second and kind. */
enum cofre_auth_failure { COFRE_AUTH_MISSING, COFRE_AUTH_BAD, COFRE_AUTH_FAILURES };
void cofre_vault_auth_failed(struct cofre_vault *vault, enum cofre_auth_failure kind);

/* Can an access be recorded and served now?  When not, *why says why, for the operator. */
bool cofre_vault_ready(struct cofre_vault *vault, struct cofre_why *why);

/* Counters since start, for /metrics. */
struct cofre_vault_stats {
    uint64_t entries;    /* written to the log */
    uint64_t batches;    /* fdatasyncs of the journal */
    uint64_t mutations;  /* applied */
    uint64_t queued;     /* calls waiting now */
    uint64_t auth_failures;
    uint64_t log_size;   /* durable entries in all */
    uint64_t generation; /* of the database */
    uint64_t customers;  /* as of the last count */
};
void cofre_vault_stats(struct cofre_vault *vault, struct cofre_vault_stats *out);

#endif
