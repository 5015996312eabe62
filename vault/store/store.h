#ifndef VAULT_STORE_H
#define VAULT_STORE_H

#include "cofre/bytes.h"
#include "cofre/err.h"
#include "crypto/bundle.h"
#include "crypto/hash.h"

/*
 * What the vault keeps, in terms of rows and not of SQL or files: SQLCipher 4 below it today.
 * Everything personal in a row is sealed before it comes here; the store sees ids, keyed values,
 * times, states and ciphertexts.
 *
 * Connections.  A connection serves one thread at a time.  There is one writer, for the committer;
 * readers are lent from a pool.  Reads happen inside a snapshot (readers) or a transaction
 * (writer).  What a read hands out is borrowed: until the next call of the same function on that
 * connection, or the end of the snapshot or transaction, whichever comes first.
 *
 * Every table that holds something about a person hangs on its customer row and goes with it.
 *
 * Errors of all calls, beside those named:
 *   COFRE_EIO, COFRE_ENOSPC, COFRE_ENOMEM; COFRE_EINTEGRITY when a page does not authenticate;
 *   COFRE_ENOENT when a row that is put names a customer that is not there.
 */
struct store;
struct store_conn;

/* What the sums over rows are made with; key NULL: there are none (for measuring what they cost). */
struct store_rowtag {
    const uint8_t *key;   /* KEY_LEN bytes, borrowed during store_open */
    uint32_t version;     /* of the key */
    const uint8_t *vault; /* STORE_ID bytes, borrowed the same */
};

struct store_config {
    const char *where;  /* the vault's directory */
    const uint8_t *key; /* KEY_LEN bytes, borrowed during the call */
    unsigned readers;   /* connections in the pool, at least 1 */
    bool create;        /* make it; it must not exist: COFRE_EEXIST */
    struct store_rowtag rowtag;
};

/*
 * COFRE_EAUTH: not a database of this key.  COFRE_EFORMAT: of a newer version, or not a vault's.
 * COFRE_ENOENT: there is none.  *out is NULL on error.  secret_setup must have succeeded before.
 */
COFRE_CHECKED enum cofre_err store_open(const struct store_config *config, struct store **out,
                                        struct cofre_why *why);
/* Every connection must be back.  NULL does nothing. */
void store_close(struct store *s);
/* Lets store_close leave vault.db and its -wal as they are on disk, for a start that is refused.  NULL does
 * nothing. */
void store_leave_files(struct store *s);

/* Waits for a reader to be free, and begins a snapshot. */
COFRE_CHECKED enum cofre_err store_snapshot(struct store *s, struct store_conn **out,
                                            struct cofre_why *why);
/* Ends the snapshot and gives the reader back; NULL does nothing. */
void store_snapshot_end(struct store_conn *c);

/* The writer; only the committer's thread may use it. */
struct store_conn *store_writer(struct store *s);
/* The last cause on this connection, for the operator; no values in it. */
const char *store_cause(const struct store_conn *c);

/* ---- transactions (writer) ---- */

/* What every transaction carries: where the log stood, and a count of transactions. */
struct store_head {
    uint64_t generation; /* grows by one with every commit; set by the store */
    uint64_t log_size;
    uint8_t log_root[HASH_LEN];
    uint32_t incarnation; /* from 1; set by store_incarnate */
    bool summed;          /* there are sums over the rows; not in a vault of the version before them */
};

COFRE_CHECKED enum cofre_err store_begin(struct store_conn *w);
/*
 * Writes the head (log size and root from *head, generation + 1, the sums) and commits, durably; sets generation
 * and incarnation of *head.  On error the transaction is rolled back.
 */
COFRE_CHECKED enum cofre_err store_commit(struct store_conn *w, struct store_head *head);
void store_rollback(struct store_conn *w);
/* One mutation within a batch: what came after store_savepoint is kept or undone alone. */
COFRE_CHECKED enum cofre_err store_savepoint(struct store_conn *w);
COFRE_CHECKED enum cofre_err store_release(struct store_conn *w);
COFRE_CHECKED enum cofre_err store_undo(struct store_conn *w);
COFRE_CHECKED enum cofre_err store_head_get(struct store_conn *c, struct store_head *out);
/* Begins another incarnation, with the generation that the commit counts on from. */
COFRE_CHECKED enum cofre_err store_incarnate(struct store_conn *w, uint32_t incarnation,
                                             uint64_t generation);

/* ---- do the rows add up? ---- */

enum { STORE_PART = 40 };
struct store_check {
    bool all;                /* every table, and the file's form; else tokens, consents, restrictions, documents */
    bool (*stop)(void *ctx); /* asked now and then; may be NULL */
    void *ctx;
    /* set by the check */
    uint64_t rows;             /* counted */
    unsigned tables;           /* held against their sums */
    char table[STORE_PART + 1]; /* that does not add up: a table, "customer-restricted", "head", "schema", "file" */
};
/*
 * Recounts in the connection's snapshot (or transaction), and holds the sums against head's.
 *
 * COFRE_EINTEGRITY  they differ, or cannot be authenticated; check->table and why say where
 * COFRE_EAGAIN      stop said so
 */
COFRE_CHECKED enum cofre_err store_rows_check(struct store_conn *c, struct store_check *check,
                                              struct cofre_why *why);
/* Rows in all tables, as head counts them.  COFRE_EINTEGRITY: it has no sums that authenticate. */
COFRE_CHECKED enum cofre_err store_rows_count(struct store_conn *c, uint64_t *rows);
/*
 * For a database that is to be taken as it is: lets the next transaction begin whatever head says.  Nothing can
 * be committed until store_rows_rebuild, within that transaction, has made the sums (and the indexes) from the rows
 * that are there.  COFRE_EINTEGRITY: the file is damaged, and not only older.
 */
void store_rows_accept(struct store *s);
COFRE_CHECKED enum cofre_err store_rows_rebuild(struct store_conn *w, struct cofre_why *why);

/* ---- customers ---- */

enum { STORE_PARTS = 3, STORE_ID = 16, STORE_KEYED = 16, STORE_NAME = 64 };
enum store_part { STORE_IDENTIFIERS, STORE_REST, STORE_SENSITIVE };
enum store_customer_flag { STORE_HAS_PURCHASE = 1U << 0, STORE_RESTRICTED = 1U << 1 };

struct store_customer {
    int64_t num; /* internal; never leaves the vault */
    uint8_t id[STORE_ID];
    uint64_t version; /* from 1; grows with each change of a compartment */
    uint32_t kek;     /* epoch that sealed the bundle */
    uint32_t flags;
    int64_t created; /* ms, UTC */
    int64_t updated;
    struct bytes bundle;            /* BUNDLE_SEALED bytes */
    struct bytes part[STORE_PARTS]; /* boxes; empty: nothing in that compartment */
};

/* Sets row->num. COFRE_EEXIST: the id is taken. */
COFRE_CHECKED enum cofre_err store_customer_insert(struct store_conn *w,
                                                   struct store_customer *row);
/* Replaces parts, version and updated of row->num. COFRE_ECONFLICT: version is not row->version - 1. */
COFRE_CHECKED enum cofre_err store_customer_update(struct store_conn *w,
                                                   const struct store_customer *row);
/* Sets flags. */
COFRE_CHECKED enum cofre_err store_customer_flag(struct store_conn *w, int64_t num,
                                                 uint32_t flags);
/* Replaces a bundle that is still under old_kek. COFRE_ECONFLICT: it is not. */
COFRE_CHECKED enum cofre_err store_customer_rewrap(struct store_conn *w, int64_t num,
                                                   uint32_t old_kek, uint32_t new_kek,
                                                   struct bytes bundle);
/* COFRE_ENOENT. */
COFRE_CHECKED enum cofre_err store_customer_get(struct store_conn *c,
                                                const uint8_t id[static STORE_ID],
                                                struct store_customer *row);
COFRE_CHECKED enum cofre_err store_customer_get_num(struct store_conn *c, int64_t num,
                                                    struct store_customer *row);
/* An error of fn ends the walk and is returned, here and below. */
typedef enum cofre_err store_customer_fn(void *ctx, const struct store_customer *row);
/* Customers with num > after, in order, at most limit. */
COFRE_CHECKED enum cofre_err store_customer_each(struct store_conn *c, int64_t after,
                                                 uint64_t limit, store_customer_fn *fn, void *ctx);
/* Customers whose bundle is under this KEK epoch, at most limit. */
COFRE_CHECKED enum cofre_err store_customer_under(struct store_conn *c, uint32_t kek,
                                                  uint64_t limit, store_customer_fn *fn, void *ctx);

struct store_counts {
    uint64_t customers;
    uint64_t events;
    uint64_t consents;
};
COFRE_CHECKED enum cofre_err store_count(struct store_conn *c, struct store_counts *out);
COFRE_CHECKED enum cofre_err store_count_under(struct store_conn *c, uint32_t kek, uint64_t *out);

/* ---- index values: keyed, 128 bits; field is the schema's field number ---- */

/* unique: COFRE_EEXIST when another customer has it.  The same again for the same customer is fine. */
COFRE_CHECKED enum cofre_err store_index_put(struct store_conn *w, uint32_t field, bool unique,
                                             const uint8_t value[static STORE_KEYED], int64_t num);
COFRE_CHECKED enum cofre_err store_index_drop(struct store_conn *w, uint32_t field, int64_t num);
/* The only customer with it. COFRE_ENOENT; COFRE_ECONFLICT: several have it (not unique). */
COFRE_CHECKED enum cofre_err store_index_find(struct store_conn *c, uint32_t field,
                                              const uint8_t value[static STORE_KEYED],
                                              int64_t *num);

/* ---- consents ---- */

enum store_basis { STORE_CONSENT, STORE_CONTRACT, STORE_LEGITIMATE_INTEREST, STORE_LEGAL_OBLIGATION };
enum store_consent_status { STORE_WITHDRAWN = 0, STORE_GRANTED = 1 };

struct store_consent {
    int64_t customer; /* num */
    uint32_t purpose; /* the purpose's number */
    enum store_basis basis;
    enum store_consent_status status;
    int64_t time; /* ms, UTC */
    char source[STORE_NAME + 1];
};

/* Sets the present state; the one before it goes into the history. */
COFRE_CHECKED enum cofre_err store_consent_put(struct store_conn *w,
                                               const struct store_consent *row);
/* COFRE_ENOENT. */
COFRE_CHECKED enum cofre_err store_consent_get(struct store_conn *c, int64_t num, uint32_t purpose,
                                               struct store_consent *row);
typedef enum cofre_err store_consent_fn(void *ctx, const struct store_consent *row);
COFRE_CHECKED enum cofre_err store_consent_each(struct store_conn *c, int64_t num,
                                                store_consent_fn *fn, void *ctx);
/* How many customers have granted it. */
COFRE_CHECKED enum cofre_err store_consent_count(struct store_conn *c, uint32_t purpose,
                                                 uint64_t *out);

/* ---- events ---- */

struct store_event {
    int64_t num;
    int64_t customer;             /* num */
    uint8_t key[STORE_KEYED];     /* keyed value of the event_id; unique */
    uint8_t content[STORE_KEYED]; /* keyed digest of the whole event, to tell a repeat from a clash */
    uint32_t kind;                /* the schema's number of the kind */
    int64_t time;                 /* ms, UTC */
    struct bytes sealed;          /* box of the attributes */
};

/* Sets row->num. COFRE_EEXIST: the key is there already. */
COFRE_CHECKED enum cofre_err store_event_insert(struct store_conn *w, struct store_event *row);
/* COFRE_ENOENT. */
COFRE_CHECKED enum cofre_err store_event_find(struct store_conn *c,
                                              const uint8_t key[static STORE_KEYED],
                                              struct store_event *row);
typedef enum cofre_err store_event_fn(void *ctx, const struct store_event *row);
/* A customer's events with from <= time < to, by time. */
COFRE_CHECKED enum cofre_err store_event_each(struct store_conn *c, int64_t customer, int64_t from,
                                              int64_t to, store_event_fn *fn, void *ctx);

/* ---- views: links (view epoch, pseudonym) -> customer, and what a view may read ---- */

/* Which rows count: link epoch, and the legal basis, checked in the same read. */
struct store_scope {
    uint32_t view;    /* the view's number */
    uint32_t epoch;   /* version of the view's key */
    uint32_t purpose; /* the purpose's number */
    bool without_row; /* a customer without a consent row counts (legitimate interest, legal duty) */
};

/*
 * ps, here and below, is the pseudonym in the order of its text (encode_id_order).
 * COFRE_EEXIST: the pseudonym is there already for another customer (128 bits: never by chance).
 */
COFRE_CHECKED enum cofre_err store_link_put(struct store_conn *w, uint32_t view, uint32_t epoch,
                                            const uint8_t ps[static STORE_KEYED], int64_t num);
/* Drops every link of a view's epoch; epoch 0: of all its epochs. */
COFRE_CHECKED enum cofre_err store_link_drop(struct store_conn *w, uint32_t view, uint32_t epoch);

struct store_member {
    uint8_t ps[STORE_KEYED];
    struct store_customer customer;
};
/*
 * The customer behind a pseudonym, when scope lets it be seen: granted, or without_row and none;
 * not restricted.  COFRE_ENOENT otherwise, after the same look-ups.  When the link exists but the
 * scope refuses, *row still has num, id, kek and bundle set (for the log's tag); else row->num is 0.
 */
COFRE_CHECKED enum cofre_err store_member_get(struct store_conn *c, const struct store_scope *scope,
                                              const uint8_t ps[static STORE_KEYED],
                                              struct store_member *row);
typedef enum cofre_err store_member_fn(void *ctx, const struct store_member *row);
/* Visible members with a pseudonym > after (NULL: from the first), in pseudonym order. */
COFRE_CHECKED enum cofre_err store_member_each(struct store_conn *c,
                                               const struct store_scope *scope,
                                               const uint8_t *after, uint64_t limit,
                                               store_member_fn *fn, void *ctx);
COFRE_CHECKED enum cofre_err store_member_count(struct store_conn *c,
                                                const struct store_scope *scope, uint64_t *out);

/* An event that scope lets be seen: keys alone, for ordering. */
typedef enum cofre_err store_key_fn(void *ctx, int64_t event, const uint8_t key[static STORE_KEYED],
                                    uint32_t kind);
/* Visible events with from <= time < to, in no promised order. */
COFRE_CHECKED enum cofre_err store_view_event_keys(struct store_conn *c,
                                                   const struct store_scope *scope, int64_t from,
                                                   int64_t to, store_key_fn *fn, void *ctx);
/* The earliest time of any event >= from.  COFRE_ENOENT: none. */
COFRE_CHECKED enum cofre_err store_event_next_time(struct store_conn *c, int64_t from,
                                                   int64_t *time);
/* One event with its member (pseudonym and customer), when scope lets it be seen. COFRE_ENOENT. */
COFRE_CHECKED enum cofre_err store_view_event(struct store_conn *c, const struct store_scope *scope,
                                              int64_t event, struct store_event *row,
                                              struct store_member *member);

/* ---- documents: schema, purposes, views; small, named, versioned ---- */

struct store_doc {
    uint32_t num;     /* stable number of (kind, name), from 1 in each kind */
    uint32_t version; /* from 1 */
    bool dropped;
    struct bytes name;
    struct bytes body;
};
/* Adds the next version of (kind, name); sets doc->num and doc->version. */
COFRE_CHECKED enum cofre_err store_doc_put(struct store_conn *w, const char *kind,
                                           struct store_doc *doc);
typedef enum cofre_err store_doc_fn(void *ctx, const struct store_doc *doc);
/* The newest version of every name of a kind, by number. */
COFRE_CHECKED enum cofre_err store_doc_each(struct store_conn *c, const char *kind,
                                            store_doc_fn *fn, void *ctx);

/* ---- tokens ---- */

struct store_token {
    char id[STORE_NAME + 1];
    uint8_t hash[HASH_LEN];
    uint32_t pepper; /* version that made the hash */
    uint32_t role;
    uint32_t flags;
    char name[STORE_NAME + 1];
    char view[STORE_NAME + 1];    /* empty: none */
    char purposes[1024];          /* names, blank-separated */
    int64_t issued;               /* ms, UTC */
    int64_t expires;
    int64_t revoked;              /* 0: it is not */
};
/* COFRE_EEXIST: the id is taken. */
COFRE_CHECKED enum cofre_err store_token_insert(struct store_conn *w,
                                                const struct store_token *row);
/* COFRE_ENOENT; COFRE_EEXIST: revoked already. */
COFRE_CHECKED enum cofre_err store_token_revoke(struct store_conn *w, const char *id, int64_t when);
typedef enum cofre_err store_token_fn(void *ctx, const struct store_token *row);
COFRE_CHECKED enum cofre_err store_token_each(struct store_conn *c, store_token_fn *fn, void *ctx);

/* ---- reasons of reveals, sealed with the customer's key; nonce is that of the log's entry ---- */

COFRE_CHECKED enum cofre_err store_reason_put(struct store_conn *w, int64_t customer,
                                              const uint8_t nonce[static 16], struct bytes sealed);

/* ---- idempotency keys ---- */

struct store_idem {
    uint8_t key[STORE_KEYED];     /* keyed value of actor and Idempotency-Key */
    uint8_t request[STORE_KEYED]; /* keyed digest of the request */
    uint32_t status;
    int64_t expires;
    struct bytes body;
};
/* COFRE_ENOENT: none, or past `now`. */
COFRE_CHECKED enum cofre_err store_idem_get(struct store_conn *c,
                                            const uint8_t key[static STORE_KEYED], int64_t now,
                                            struct store_idem *row);
/* Replaces an expired one; also removes a few others that have expired.  COFRE_EEXIST: valid still. */
COFRE_CHECKED enum cofre_err store_idem_put(struct store_conn *w, const struct store_idem *row,
                                            int64_t now);

/* ---- jobs: long work that survives a crash ---- */

struct store_job {
    int64_t num;
    char kind[STORE_NAME + 1]; /* e.g. "rotate-kek" */
    uint32_t from_version;
    uint32_t to_version;
    uint32_t state; /* 0 running, 1 done, 2 aborted */
    uint64_t done;
    uint64_t total;
    int64_t started;
    int64_t updated;
};
/* Inserts (num 0; num is set) or replaces. COFRE_EBUSY: another job of this kind is running. */
COFRE_CHECKED enum cofre_err store_job_put(struct store_conn *w, struct store_job *job);
typedef enum cofre_err store_job_fn(void *ctx, const struct store_job *job);
COFRE_CHECKED enum cofre_err store_job_each(struct store_conn *c, store_job_fn *fn, void *ctx);

/* ---- outbox: bytes of entries whose rows are committed, until the journal has them ---- */

COFRE_CHECKED enum cofre_err store_outbox_add(struct store_conn *w, uint64_t seq,
                                              struct bytes line);
typedef enum cofre_err store_outbox_fn(void *ctx, uint64_t seq, struct bytes line);
/* seq >= from, in order. */
COFRE_CHECKED enum cofre_err store_outbox_each(struct store_conn *c, uint64_t from,
                                               store_outbox_fn *fn, void *ctx);
/* Drops those with seq < below. */
COFRE_CHECKED enum cofre_err store_outbox_trim(struct store_conn *w, uint64_t below);

#endif
