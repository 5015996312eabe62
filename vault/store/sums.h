#ifndef VAULT_STORE_SUMS_H
#define VAULT_STORE_SUMS_H

#include "vault/store/store_internal.h"

/*
 * Keyed sums over the rows, against pages that are put back (design 9; FORMAT.md section 7).
 *
 * A row counts with HMAC(row-tag key, PAE("cofre/v1/row", table, each column)), a number below 2^256; the
 * sum of a table is that of its rows mod 2^256.  SQLite tells before each change of a row in any table what it was
 * and what it will be (the pre-update hook of the writer's connection); what comes is added, what goes is taken
 * away, and store_commit writes the sums and a MAC over them into head.  So a table cannot be forgotten, nor a row that
 * a cascade or a REPLACE removes.  Triggers would do the same, but with them each statement keeps a journal of its own,
 * whose cost grows with the savepoint's: an import took four times as long.
 *
 *  1. struct sums is fixed once store_open is done, and shared by all connections.
 *  2. struct sums_state is the writer's.  `now` goes with the open transaction, `saved` is as of the savepoint,
 *     `kept` as of the last commit.  A statement that fails is undone by SQLite alone, when the hook
 *     was called already: store_step puts `now` back as it was before that step.
 *  3. `kept` is read from head at the first transaction, under its MAC.  While it is not known nothing is
 *     committed, unless the sums were made anew in the same transaction (store_rows_rebuild).
 */
enum {
    SUMS_MAX = 32,      /* tables, and parts of them with a sum of their own */
    SUMS_NAME = 40,     /* longest name */
    SUMS_PREFIX = 3 * 8 + 16 + SUMS_NAME, /* of a row's encoding: all before its columns */
    SUMS_ENCODED_MAX = SUMS_MAX * (1 + SUMS_NAME + 8 + HASH_LEN)
};

struct sums_part {
    char name[SUMS_NAME + 1];
    char table[SUMS_NAME + 1]; /* the same, but for a part of a table */
    char *columns;             /* "num", "id", ... for SQL */
    int flags;                 /* the number of the column that says whether a row is of a part */
    const char *index;         /* a part: the partial index whose rows it has; NULL: a whole table */
    bool vital;                /* recounted at every start */
    uint8_t prefix[SUMS_PREFIX];
    size_t prefix_len;
};

/* What makes a row one of a part: the restricted customers, of which there is no table. */
#define SUMS_FLAGS "flags"
#define SUMS_WHERE "flags & 2"
enum { SUMS_FLAG = STORE_RESTRICTED };

struct sums {
    struct secret *memory;
    struct hmac_key *key; /* in memory */
    uint32_t version;     /* of the key */
    uint8_t vault[STORE_ID];
    size_t n;
    struct sums_part part[SUMS_MAX]; /* in the order of their names */
};

/* One sum: a number mod 2^256, least significant word first, and how many rows are in it. */
struct sum {
    uint64_t word[4];
    uint64_t rows;
};

struct sums_at {
    bool known;
    struct sum sum[SUMS_MAX];
};

struct sums_state {
    const struct sums *sums;
    bool failed; /* a row could not be read for lack of memory: this transaction cannot be committed */
    bool anew; /* a transaction may begin without `kept`: it makes the sums anew */
    struct sums_at now;
    struct sums_at saved;
    struct sums_at kept;
    struct sums_at before; /* the step that is under way */
};

/* ---- sums.c ---- */

/* Reads the tables from the schema.  *out is NULL on error.  COFRE_ELIMIT: too many tables. */
COFRE_CHECKED enum cofre_err sums_new(struct store_conn *c, const struct store_rowtag *tag,
                                      struct sums **out, struct cofre_why *why);
void sums_free(struct sums *s);
/* Makes state and hook for the writer.  fresh: the database was made now, and its rows are none. */
COFRE_CHECKED enum cofre_err sums_attach(struct store_conn *w, const struct sums *s, bool fresh);
void sums_copy(const struct sums *s, struct sums_at *to, const struct sums_at *from);
/* Sets `now` for a transaction that begins.  COFRE_EINTEGRITY: head has no sums, or they are not authentic. */
COFRE_CHECKED enum cofre_err sums_begin(struct store_conn *w);
/* What head says, in the connection's snapshot or transaction, under its MAC.  COFRE_EINTEGRITY. */
COFRE_CHECKED enum cofre_err sums_read(struct store_conn *c, struct sum *out);
/* The values of head's columns rowtag, sums and mac, for the head that is about to be written. */
struct sums_column {
    uint32_t version;
    size_t len;
    uint8_t encoded[SUMS_ENCODED_MAX];
    uint8_t mac[HASH_LEN];
};
COFRE_CHECKED enum cofre_err sums_column(const struct store_conn *w, const struct store_head *head,
                                         struct sums_column *out);

/* ---- sums_row.c: what a row counts, and sums ---- */

struct sums_row {
    struct hmac m;
    size_t n;
    uint8_t gathered[512];
};
void sums_row_begin(struct sums_row *r, const struct sums *s, const struct sums_part *p);
/* The next column: its SQLite type, and the number, or the bytes, or (SQLITE_FLOAT) the eight bytes. */
void sums_row_put(struct sums_row *r, int type, int64_t n, struct bytes b);
void sums_row_end(struct sums_row *r, uint8_t tag[static HASH_LEN]);

void sums_add(struct sum *s, const uint8_t tag[static HASH_LEN]);
void sums_take(struct sum *s, const uint8_t tag[static HASH_LEN]);

/* The column `sums` of head. */
size_t sums_encode(const struct sums *s, const struct sum *sum, uint8_t out[static SUMS_ENCODED_MAX]);
/*
 * The other way.  A table that has no sum in it has the sum of no rows.  COFRE_EINTEGRITY: malformed, or there
 * are rows of a table that is gone.
 */
COFRE_CHECKED enum cofre_err sums_decode(const struct sums *s, struct bytes in, struct sum *sum);
/* The MAC of head. */
void sums_mac(const struct sums *s, const struct store_head *head, struct bytes encoded,
              uint8_t out[static HASH_LEN]);

#endif
