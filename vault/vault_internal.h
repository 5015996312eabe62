#ifndef VAULT_INTERNAL_H
#define VAULT_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

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
 *     to the committer's thread alone.
 *  2. queue, stopping and the condition are guarded by committer.lock, which is never held across
 *     disk writes.
 *  3. The catalogue is immutable; catalog_lock guards only the pointer and the count of holders.  Only
 *     the committer replaces it, after a batch that changed it is durable.
 *  4. keys is filled at open and changes only on the committer's thread, under keys_lock held for
 *     writing; the keyring likewise, and its file is replaced before the change is used.
 *  5. Lock order: keys_lock, then catalog_lock.  committer.lock is never held with another.
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
    uint8_t anchor[KEY_LEN];       /* derived from the root key */
    uint8_t ring_sealing[KEY_LEN]; /* derived from the root key */
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
    bool owed;         /* rows are committed whose entries the journal refused: see commit.c */
    int64_t swept;     /* when failures were last summed, ms */
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
    struct note_signer signer;
    struct store *store;
    struct log *log;
    struct catalog *catalog;
    pthread_mutex_t catalog_lock;
    struct committer committer;
    pthread_t keeper;
    bool keeper_running;
    pthread_mutex_t keeper_lock;
    pthread_cond_t keeper_wake;
    bool keeper_stop;
    atomic_bool anchor_failed;
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
/* Today as YYYY-MM-DD, UTC. */
void vault_today(char out[static 11]);

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
