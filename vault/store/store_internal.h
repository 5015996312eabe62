#ifndef VAULT_STORE_INTERNAL_H
#define VAULT_STORE_INTERNAL_H

#include <pthread.h>
#include <sqlite3.h>

#include "cofre/bytes.h"
#include "cofre/err.h"
#include "vault/store/store.h"

/*
 * What the files of the store share.  Invariants:
 *
 *  1. A connection is used by the thread that holds it: readers by whoever store_snapshot lent
 *     them to, the writer by the committer.  Only store.lock and the free list are shared.
 *  2. Statements run only while conn.open: inside a snapshot or a transaction.
 *  3. A statement whose bit in conn.live is set may stand on a row that was handed out.  All are
 *     reset before the snapshot or transaction ends; so no lock outlives either.
 *  4. conn.lost is set when SQLite has rolled back by itself (full disk, read error).  From then
 *     on every call in that transaction returns it, and store_commit cannot commit a part.
 *  5. conn.broken is set when a page did not authenticate: SQLCipher then refuses all else on
 *     that connection with unrelated codes, so we keep the first and true one.
 *  6. SQL text is constant, from the table in statements.c; values are bound, never pasted.  Only the
 *     SQL of a recount is made, from the schema's own names (sums_check.c).
 *  7. A reader that comes back keeps its snapshot (conn.kept) for the next borrower, as long as it is
 *     the newest: beginning one costs several system calls, more than the read itself.  kept ones are
 *     in the free list only; they end when a transaction of the writer begins, so that no idle
 *     reader ever holds the WAL back.  seen, commits and writing are guarded by store.lock.
 *  8. Bound values are borrowed until the call returns: nothing steps a statement later than
 *     that, except a walk, within the call that bound them.
 */

/* clang-format off */
#define STORE_SQL_LIST(X)                                                                          \
    X(READER_BEGIN) X(WRITER_BEGIN) X(COMMIT) X(ROLLBACK) X(SAVEPOINT) X(RELEASE) X(UNDO)          \
    X(HEAD_GET) X(HEAD_SET) X(HEAD_SUMS) X(HEAD_INCARNATE)                                                                        \
    X(CUSTOMER_INSERT) X(CUSTOMER_UPDATE) X(CUSTOMER_FLAG) X(CUSTOMER_REWRAP) X(CUSTOMER_GET)      \
    X(CUSTOMER_GET_NUM) X(CUSTOMER_EACH) X(CUSTOMER_UNDER) X(COUNT) X(COUNT_UNDER)                 \
    X(UNIQUE_PUT) X(UNIQUE_OWNER) X(UNIQUE_DROP) X(LOOKUP_PUT) X(LOOKUP_DROP) X(INDEX_FIND)        \
    X(CONSENT_ADD) X(CONSENT_KEEP) X(CONSENT_SET) X(CONSENT_GET) X(CONSENT_EACH) X(CONSENT_COUNT)  \
    X(EVENT_INSERT) X(EVENT_FIND) X(EVENT_EACH) X(EVENT_NEXT_TIME)                                 \
    X(LINK_PUT) X(LINK_OWNER) X(LINK_DROP) X(LINK_DROP_ALL)                                        \
    X(MEMBER_GET) X(MEMBER_EACH) X(MEMBER_COUNT) X(VIEW_EVENT_KEYS) X(VIEW_EVENT)                  \
    X(DOC_FIND) X(DOC_NEXT) X(DOC_PUT) X(DOC_EACH)                                                 \
    X(TOKEN_INSERT) X(TOKEN_REVOKE) X(TOKEN_FIND) X(TOKEN_EACH)                                    \
    X(REASON_PUT) X(IDEM_GET) X(IDEM_EXPIRE) X(IDEM_PUT)                                           \
    X(JOB_INSERT) X(JOB_UPDATE) X(JOB_EACH)                                                        \
    X(OUTBOX_ADD) X(OUTBOX_EACH) X(OUTBOX_TRIM)
/* clang-format on */

enum store_sql {
#define STORE_SQL_ENUM(name) SQL_##name,
    STORE_SQL_LIST(STORE_SQL_ENUM)
#undef STORE_SQL_ENUM
        SQL_COUNT_OF_STATEMENTS
};

/* The statements' texts, by enum store_sql. */
extern const char *const store_sql_text[SQL_COUNT_OF_STATEMENTS];

enum { STORE_LIVE_WORDS = (SQL_COUNT_OF_STATEMENTS + 63) / 64, STORE_CAUSE = 160 };

struct store_conn {
    sqlite3 *db;
    struct store *store;
    sqlite3_stmt *stmt[SQL_COUNT_OF_STATEMENTS]; /* prepared at their first use, then kept */
    uint64_t live[STORE_LIVE_WORDS];
    bool open;
    bool kept;  /* idle, with its snapshot still there */
    uint64_t seen; /* store.commits when the snapshot was begun */
    bool saved; /* there is a savepoint */
    struct sums_state *sums; /* the writer's, where rows are summed: sums.h */
    enum cofre_err lost;
    enum cofre_err broken;
    struct store_conn *next; /* in the free list */
    char cause[STORE_CAUSE];
};

struct store {
    struct store_conn *writer;
    struct store_conn *free; /* readers that nobody has */
    unsigned readers;
    unsigned idle; /* length of the free list */
    uint64_t commits; /* by the writer, since store_open */
    bool writing;     /* a transaction of the writer is open */
    struct sums *sums; /* NULL: rows are not summed; fixed after store_open */
    pthread_mutex_t lock;
    pthread_cond_t returned;
};

/* ---- conn.c: statements and errors ---- */

/* One value to bind: an integer, or borrowed bytes as BLOB or TEXT. */
enum store_arg_kind { STORE_ARG_INT, STORE_ARG_BLOB, STORE_ARG_TEXT };
struct store_arg {
    enum store_arg_kind kind;
    int64_t n;
    struct bytes b;
};

#define ARG_INT(x) ((struct store_arg){STORE_ARG_INT, (int64_t)(x), BYTES_NONE})
#define ARG_BLOB(bytes) ((struct store_arg){STORE_ARG_BLOB, 0, (bytes)})
#define ARG_FIXED(ptr, size) ((struct store_arg){STORE_ARG_BLOB, 0, {(ptr), (size)}})
#define ARG_TEXT(bytes) ((struct store_arg){STORE_ARG_TEXT, 0, (bytes)})

struct store_args {
    const struct store_arg *v;
    int n;
};
#define ARGS(...)                                                                                  \
    ((struct store_args){(const struct store_arg[]){__VA_ARGS__},                                  \
                         (int)(sizeof((const struct store_arg[]){__VA_ARGS__}) /                   \
                               sizeof(struct store_arg))})
#define NO_ARGS ((struct store_args){NULL, 0})

/* Makes the statement ready to step: prepared, reset, bound. */
COFRE_CHECKED enum cofre_err store_start(struct store_conn *c, enum store_sql which,
                                         struct store_args args);
/* One step.  *row: it stands on a row.  At the end and on error it is reset, and *row false. */
COFRE_CHECKED enum cofre_err store_step(struct store_conn *c, enum store_sql which, bool *row);
/* Resets; what it handed out is gone. */
void store_end(struct store_conn *c, enum store_sql which);
/* Resets all that are live. */
void store_end_all(struct store_conn *c);
/* Starts, steps once and resets: for statements whose rows nobody wants. */
COFRE_CHECKED enum cofre_err store_run(struct store_conn *c, enum store_sql which,
                                       struct store_args args);
/* Runs a statement that changes rows; *changed is how many. */
COFRE_CHECKED enum cofre_err store_change(struct store_conn *c, enum store_sql which,
                                          struct store_args args, int *changed);
/* Starts and steps to the first row, which stays until store_end.  COFRE_ENOENT: no row. */
COFRE_CHECKED enum cofre_err store_one(struct store_conn *c, enum store_sql which,
                                       struct store_args args);
/* Starts, takes the first column of the first row as a number, resets.  COFRE_ENOENT. */
COFRE_CHECKED enum cofre_err store_number(struct store_conn *c, enum store_sql which,
                                          struct store_args args, int64_t *out);

/* Our code for an SQLite result; sets the connection's cause, lost and broken. */
enum cofre_err store_fail(struct store_conn *c, int rc);
/* The same from a table alone. */
enum cofre_err store_err_of(int rc);
/* A stored value of an impossible form: COFRE_EINTEGRITY, with a cause. */
enum cofre_err store_misshapen(struct store_conn *c);

/* Columns of the row on which a statement stands; borrowed like the row. */
struct bytes store_column(sqlite3_stmt *s, int i);
/* Copies exactly len bytes; false when it is another length. */
bool store_column_fixed(sqlite3_stmt *s, int i, uint8_t *out, size_t len);
/* Copies text of less than cap bytes and ends it; false when it is longer. */
bool store_column_text(sqlite3_stmt *s, int i, char *out, size_t cap);
uint32_t store_column_u32(sqlite3_stmt *s, int i);
uint64_t store_column_u64(sqlite3_stmt *s, int i);

/* ---- limits: SQLite counts in int64_t ---- */

static inline int64_t
store_limit(uint64_t n)
{
    return n > INT64_MAX ? INT64_MAX : (int64_t)n;
}

/* ---- customers.c, events.c: rows as parts of wider rows, from column `first` on ---- */

enum { STORE_CUSTOMER_COLUMNS = 11, STORE_EVENT_COLUMNS = 7 };
COFRE_CHECKED enum cofre_err store_customer_read(struct store_conn *c, sqlite3_stmt *s, int first,
                                                 struct store_customer *row);
COFRE_CHECKED enum cofre_err store_event_read(struct store_conn *c, sqlite3_stmt *s, int first,
                                              struct store_event *row);

/* ---- migrations.c, migrate.c ---- */

enum { STORE_VERSION = 2, STORE_APPLICATION = 0x436f6672 };
/* store_migrations[n] brings a database from version n to n + 1. */
extern const char *const store_migrations[STORE_VERSION];
/*
 * Brings the database to STORE_VERSION, each step in a transaction of its own.  *fresh: it was empty.
 *
 * COFRE_EFORMAT  it is of a newer version, or not a vault's
 */
COFRE_CHECKED enum cofre_err store_migrate(struct store_conn *w, bool *fresh, struct cofre_why *why);

/* ---- provider.c ---- */

/* Makes the faster page cryptography the default, once; without the bundled SQLCipher: nothing. */
COFRE_CHECKED enum cofre_err store_provider_register(void);

#endif
