#ifndef VAULT_INTERNAL_H
#define VAULT_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "audit/log.h"
#include "cofre/vault.h"
#include "crypto/bundle.h"
#include "crypto/keyring.h"
#include "crypto/pseudonym.h"
#include "vault/catalog.h"
#include "vault/store/store.h"

/*
 * What the files of vault/ share.
 *
 * Threads and locks.  Worker threads (the API's, the command line's) run operations; the committer
 * is one thread; the keeper is one thread that writes the anchor.
 *
 *  1. The store's writer, log_stage, log_commit and everything in struct committer below "batch" belong
 *     to the committer's thread alone, from commit_start to commit_stop.
 *  2. queue, stopping and the condition are guarded by committer.lock, which is never held across
 *     disk writes.
 *  3. The catalogue is immutable; catalog_lock guards only the pointer and the count of holders.  Only
 *     the committer replaces it, after a batch that changed it is durable and before anybody is told.
 *     While catalog_failed is set it is older than the database, and nobody is authenticated.
 *  4. Of keys, the KEK epochs (kek_active, keks), the log's secret (log_secret, log_epoch) and the pointer to
 *     the keyring change, on the committer's thread under keys_lock held for writing, after the keyring's file
 *     was replaced (keys_add).  Others read them with keys_lock held, the committer without.  All else in keys
 *     is fixed from the opening on and read without the lock: pepper, index, cursor and what is derived from
 *     the root.  Whoever makes one of them rotate must bring its readers under the lock.  v->log_epoch is a
 *     copy to see, without the lock, that something was derived from a former secret.
 *  5. No lock is taken while another one of these is held, but for signing_lock and stamp_lock.
 *  6. The signing keys (signer, next) belong to the holder of signing_lock, which is taken first and held over
 *     everything that a rotation does; nobody else looks at them (log_epoch and v->origin tell what others need).
 */

enum { VAULT_KEKS_MAX = 64 };

/* Keys made ready; lives in locked memory. */
struct vault_keys {
    struct hmac_key index;
    struct hmac_key pepper;
    uint32_t pepper_version;
    uint32_t kek_active;
    size_t n_keks;
    struct bundle_kek keks[VAULT_KEKS_MAX];
    uint8_t cursor[KEY_LEN];
    uint32_t cursor_version;
    uint8_t log_secret[KEY_LEN];
    uint32_t log_epoch;
    uint8_t signing_sealing[KEY_LEN]; /* derived from the root key */
    uint8_t anchor[KEY_LEN];       /* derived from the root key */
    uint8_t ring_sealing[KEY_LEN]; /* derived from the root key */
};

struct commit_batch;
struct witnesses;

/* Room on the disk (space.h). */
struct vault_space {
    uint64_t reserve; /* bytes of the file `reserve`; fixed after the opening, as is */
    uint64_t low;     /* the mark below which the vault is not ready, before its cap */
    bool told;        /* the committer's: the operator knows that the disk is full */
    atomic_bool full; /* the reserve was given up: nothing is served */
    atomic_bool poke; /* there may be room again: the committer is to try */
};

/* The recount of the rows (rows.h). */
struct vault_rows {
    uint64_t at_start; /* so many rows are all recounted at the start; fixed after vault_new, as is */
    int64_t every_ms;
    bool unsummed;    /* as found at the start: there are no sums yet */
    bool all_checked; /* the start has recounted everything */
    pthread_t thread;
    bool running;
    atomic_bool stop;
    atomic_bool unsound;        /* rows do not add up: nothing is served */
    atomic_uint_fast64_t checks; /* that found nothing, by the thread */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    char table[STORE_PART + 1]; /* where; set once, before unsound */
};

struct committer {
    pthread_t thread;
    bool running;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct cofre_call *head; /* queue */
    struct cofre_call **tail;
    size_t queued;
    bool stopping;
    /* batch */
    struct commit_batch *batch;
    bool owed;           /* rows are committed whose entries the journal refused: see commit_batch.c */
    bool reload;         /* a mutation of this batch changed what the catalogue holds */
    bool stale;          /* such a change is committed, and the catalogue not read again yet */
    enum cofre_err said; /* the last batch's error, as the operator was told */
    int64_t swept;       /* when failures were last summed, on vault_clock */
};

struct cofre_vault {
    char *dir;
    char *anchor_path;
    int dir_fd;
    int lock_fd;
    int audit_fd;
    uint8_t id[KEYRING_ID];
    struct keyring *ring;
    struct secret *keys_memory;
    struct vault_keys *keys;
    pthread_rwlock_t keys_lock;
    pthread_mutex_t signing_lock;
    struct note_signer *signer; /* of the log; NULL while it is lost */
    struct note_signer *next;   /* prepared for the next epoch; NULL: none */
    const struct note_signer *certifier; /* the recovery key while it does its work, else NULL; borrowed */
    char origin[NOTE_NAME_MAX + 1]; /* the log's name */
    atomic_uint_fast32_t log_epoch;
    struct witnesses *witnesses; /* NULL: none are configured; witnesses.h */
    struct cache *people; /* unwrapped bundles: cache.h */
    struct store *store;
    struct log *log;
    struct catalog *catalog;
    pthread_mutex_t catalog_lock;
    pthread_mutex_t stamp_lock; /* one time stamp at a time (timestamps.h); held over disk writes */
    struct committer committer;
    struct vault_space space;
    struct vault_rows rows;
    const char *ready_said; /* the keeper's: the cause that the operator was told last */
    pthread_t keeper;
    bool keeper_running;
    pthread_mutex_t keeper_lock;
    pthread_cond_t keeper_wake;
    bool keeper_stop;
    atomic_bool anchor_failed;
    atomic_int_fast64_t anchor_kept; /* when the anchor was last true, on vault_clock */
    atomic_int_fast64_t refused;     /* when a batch was last refused, on vault_clock; 0: not since one was written */
    atomic_bool catalog_failed; /* it could not be read again after a change; tried with each batch */
    atomic_bool store_unknown; /* a COMMIT failed in a way that may have taken place: nothing is served */
    atomic_uint_fast64_t auth_failures[COFRE_AUTH_FAILURES]; /* since the last sum */
    atomic_uint_fast64_t entries;
    atomic_uint_fast64_t batches;
    atomic_uint_fast64_t mutations;
    atomic_uint_fast64_t auth_failed;
    atomic_uint_fast64_t generation;
    atomic_uint_fast64_t customers;
};

/* ms since 1970, UTC. */
int64_t vault_now(void);
/* ms on the monotonic clock; and so many from now on, for the vault's conditions. */
int64_t vault_clock(void);
struct timespec vault_until(int64_t ms);
/* Today as YYYY-MM-DD, UTC. */
void vault_today(char out[static 11]);

/* ---- the parts of opening and of making (vault.c) ---- */

struct cofre_vault_config;
/* An empty vault of config's paths. COFRE_ENOMEM: *out is NULL, or to be freed. */
COFRE_CHECKED enum cofre_err vault_new(const struct cofre_vault_config *config,
                                       struct cofre_vault **out);
/* Frees what it holds; threads and log are stopped and closed before.  NULL does nothing. */
void vault_free(struct cofre_vault *v);
/* The lock file in v->dir_fd.  COFRE_EBUSY: another process has it. */
COFRE_CHECKED enum cofre_err vault_take_lock(struct cofre_vault *v, struct cofre_why *why);
/* COFRE_EINTEGRITY: audit/ is missing. */
COFRE_CHECKED enum cofre_err vault_open_audit(struct cofre_vault *v, struct cofre_why *why);
struct log_config vault_log_config(const struct cofre_vault *v,
                                   const struct cofre_vault_config *config);
/* COFRE_EINTEGRITY: it is missing, or does not open with the keyring's key. */
COFRE_CHECKED enum cofre_err vault_open_store(struct cofre_vault *v,
                                              const struct cofre_vault_config *config, bool create,
                                              struct cofre_why *why);
/* v->origin, once the log is open. */
void vault_set_origin(struct cofre_vault *v);
struct findings;
/*
 * Everything that can refuse a start: opens keys, log (held) and store, and holds them against each other.  Nothing
 * is written.  Errors are those of cofre_vault_open; findings (findings.h) are an error unless they are collected.
 */
COFRE_CHECKED enum cofre_err vault_check(struct cofre_vault *v,
                                         const struct cofre_vault_config *config,
                                         struct findings *found, struct cofre_why *why);
/* Settles what a crash left of a time stamp, opens the log for writing, and pays what is owed to it. */
COFRE_CHECKED enum cofre_err vault_start_log(struct cofre_vault *v,
                                             const struct cofre_vault_config *config,
                                             struct cofre_why *why);
/* Reads the catalogue, starts committer and keeper: from here on calls are accepted. */
COFRE_CHECKED enum cofre_err vault_run(struct cofre_vault *v, struct cofre_why *why);

/* ---- committer (commit.c) ---- */

COFRE_CHECKED enum cofre_err commit_start(struct cofre_vault *v, struct cofre_why *why);
/* Refuses new calls, finishes the queue, joins. */
void commit_stop(struct cofre_vault *v);

/* A prepared mutation; op_free may be NULL. */
void commit_prepare(struct cofre_call *call, void *op,
                    enum cofre_err (*apply)(struct cofre_vault *, struct cofre_call *),
                    void (*op_free)(void *));
/* Asks for the catalogue to be read again once this batch is durable (from apply). */
void commit_reload(struct cofre_vault *v);
/* Runs fn as a mutation without an entry (a step of a job), and waits.  Its outcome as an error. */
COFRE_CHECKED enum cofre_err commit_silent(struct cofre_vault *v, void *op,
                                           enum cofre_err (*apply)(struct cofre_vault *,
                                                                   struct cofre_call *));

/* ---- policy (policy.c) ---- */

/* True when the actor's role may do call->act; else sets FORBIDDEN. */
bool policy_role(struct cofre_call *call);
/* The outcome for an error of the lower layers; logs those that an operator must see. */
void policy_error(struct cofre_call *call, enum cofre_err err, const struct cofre_why *why);

#endif
