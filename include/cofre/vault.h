#ifndef COFRE_VAULT_H
#define COFRE_VAULT_H

#include "cofre/call.h"

/*
 * The vault as a whole: made, opened by one process at a time, stopped, closed.
 */
struct cofre_vault;

enum cofre_secret_kind { COFRE_SECRET_PASSPHRASE, COFRE_SECRET_KEY_FILE };

/* Who cosigns the log's checkpoints (docs/WITNESS.md). */
struct cofre_witnesses_config {
    const char *policy;  /* a file; NULL: nobody is asked */
    const char *ca;      /* certificates that theirs are checked with, PEM; NULL: the system's */
    bool required;       /* publish with a quorum only, and serve nothing when there is none for long */
    unsigned timeout_ms; /* of one question; 0: 2000 */
    unsigned grace_s;    /* how long that is; 0: 60 */
};

struct cofre_vault_config {
    const char *dir;      /* the vault's directory */
    enum cofre_secret_kind secret_kind;
    struct bytes secret;  /* passphrase, or the 32 bytes of the key file; borrowed, the caller wipes */
    const char *anchor;   /* another place for the anchor; NULL: in the directory */
    unsigned readers;     /* reader connections; 0: 4 */
    unsigned checkpoint_ms; /* 0: 1000 */
    /*
     * For cofre_vault_create: keeps the private recovery key (text, one line) somewhere outside the vault; the
     * log then names its public half.  An error ends the making.  NULL: no recovery key is made.
     */
    enum cofre_err (*keep_recovery)(void *ctx, struct bytes private_key, struct cofre_why *why);
    void *keep_ctx;
    struct cofre_witnesses_config witnesses;
    uint64_t check_below;   /* rows that are all recounted at the start; more: afterwards; 0: 200,000 */
    unsigned check_every_ms; /* recount after; 0: a day */
    unsigned reserve_mib;   /* held back for the last entries; 0: 4 */
    unsigned low_disk_mib;  /* not ready with less left; 0: 64 */
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
/*
 * For a vault whose start is refused because parts of it are older than others, or rows do not add up: takes what is
 * there as it is, begins a new incarnation, and says so in the log before anything is served.  Appends JSON:
 * {"found":[{"what","detail"}],"incarnation","size","root","generation","entry","hash","dry_run"}; size, root and
 * generation are the highest that were known, hash (hex) is the entry's leaf hash; dry_run writes nothing, and has no
 * entry.
 *
 * COFRE_ECONFLICT  nothing is wrong: there is nothing to declare
 * COFRE_EINTEGRITY something that no declaration helps; why says what
 * else as cofre_vault_open
 */
COFRE_CHECKED enum cofre_err cofre_vault_declare(const struct cofre_vault_config *config,
                                                 const char *actor, bool dry_run, struct buf *out,
                                                 struct cofre_why *why);
/*
 * For a vault whose signing key is lost (the file signing is missing or unreadable): puts a new one in force, which the
 * recovery key certifies (the text that keep_recovery got).  Appends JSON: {"epoch","vkey","entry","size",
 * "last_size"}; last_size: entries under the last checkpoint of the lost key; for those behind only the recovery key vouches.
 *
 * COFRE_EREFUSED   not the recovery key that the log names, or it names none
 * COFRE_EFORMAT    not a private key at all
 * COFRE_ECONFLICT  the signing key is there: nothing is lost
 * else as cofre_vault_open
 */
COFRE_CHECKED enum cofre_err cofre_vault_recover(const struct cofre_vault_config *config,
                                                 struct bytes private_key, const char *actor,
                                                 struct buf *out, struct cofre_why *why);
/*
 * Recounts every row now.  COFRE_EINTEGRITY: they do not add up; why names the table, an entry was made, and nothing
 * is served from now on.
 */
COFRE_CHECKED enum cofre_err cofre_vault_check_rows(struct cofre_vault *vault, uint64_t *rows,
                                                    unsigned *tables, struct cofre_why *why);
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
/* The same: NULL when ready, else the kind of cause as one word ("disk-full", ...), without a place. */
const char *cofre_vault_unready(struct cofre_vault *vault, struct cofre_why *why);

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
    uint64_t witnesses;  /* configured; with none, the next three are 0 */
    uint64_t cosignatures;
    uint64_t witness_failures;
    uint64_t cosigned_time; /* of the newest cosignature, seconds since 1970; 0: none yet */
    uint64_t disk_left;  /* bytes, where less is left: at the vault or the anchor */
    bool ready;          /* cofre_vault_ready */
};
void cofre_vault_stats(struct cofre_vault *vault, struct cofre_vault_stats *out);

#endif
