/*
 * Rows of about 600 bytes with random ids, 1,000 a transaction: through the store beside bare
 * SQLCipher inserts (the same page cryptography and settings) of rows of that size, with and without the
 * sums over the rows.  Then one customer a transaction, and a recount of all rows.  Then look-ups by random
 * pseudonym, each with its consent.
 *
 *     bench_store [customers, default 30000]
 */
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "cofre/secret.h"
#include "crypto/kdf.h"
#include "vault/store/store.h"

enum { BATCH = 1000, ROUNDS = 3, SEALED = 400, LOOKUPS = 100000, SINGLES = 1000, LINK_VIEW = 1, PURPOSE = 1 };

static const uint8_t key[KEY_LEN] = {1};

static void
die(const char *what)
{
    fprintf(stderr, "bench_store: %s\n", what);
    exit(1);
}

static void
must(enum cofre_err err, const char *what)
{
    if (err != COFRE_OK)
        die(what);
}

static double
now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A pseudonym or id that n determines, spread over all values. */
static void
spread(uint8_t out[static 16], uint64_t n, uint8_t kind)
{
    uint8_t in[9] = {kind};
    uint8_t hash[HASH_LEN];

    bytes_set_le64(in + 1, n);
    hash_of(BYTES_OF(in), hash);
    memcpy(out, hash, 16);
}

static void
remove_store(const char *where)
{
    static const char *const names[] = {"vault.db", "vault.db-wal", "vault.db-shm"};
    char path[128];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", where, names[i]);
        unlink(path);
    }
}

static int64_t
put_customer(struct store_conn *w, uint64_t n)
{
    static const uint8_t sealed[SEALED];
    struct store_customer row = {.version = 1,
                                 .kek = 1,
                                 .bundle = {sealed, BUNDLE_SEALED},
                                 .part = {{sealed, 200}, {sealed, 200}, BYTES_NONE}};

    spread(row.id, n, 'c');
    must(store_customer_insert(w, &row), "insert");
    return row.num;
}

/* What an import writes beside the row: three unique values, two consents, one link. */
static void
put_rest(struct store_conn *w, uint64_t n, int64_t num)
{
    struct store_consent consent = {
        .customer = num, .purpose = PURPOSE, .status = STORE_GRANTED, .source = "import"};
    uint8_t value[16];

    for (uint8_t field = 1; field <= 3; field++) {
        spread(value, n, field);
        must(store_index_put(w, field, true, value, num), "index");
    }
    must(store_consent_put(w, &consent), "consent");
    consent.purpose++;
    must(store_consent_put(w, &consent), "consent");
    spread(value, n, 'p');
    must(store_link_put(w, LINK_VIEW, 1, value, num), "link");
}

struct kind {
    bool whole;  /* with all that hangs on a customer */
    bool summed; /* as the vault does it */
    unsigned batch;
};

/* Customers a second into a new store, which stays open in *out. */
static double
run_store(const char *where, uint64_t customers, struct kind kind, struct store **out)
{
    struct store_config config = {.where = where, .key = key, .readers = 1, .create = true};
    struct store_head head = {0};
    struct store_conn *w;
    double start;

    if (kind.summed)
        config.rowtag = (struct store_rowtag){key, 1, key};
    remove_store(where);
    must(store_open(&config, out, NULL), "open");
    w = store_writer(*out);
    start = now();
    for (uint64_t n = 0; n < customers; n++) {
        int64_t num;

        if (n % kind.batch == 0)
            must(store_begin(w), "begin");
        num = put_customer(w, n);
        if (kind.whole)
            put_rest(w, n, num);
        if (n % kind.batch == kind.batch - 1 || n == customers - 1)
            must(store_commit(w, &head), "commit");
    }
    return (double)customers / (now() - start);
}

static void
sql(sqlite3 *db, const char *text)
{
    if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
        die(sqlite3_errmsg(db));
}

static double
run_bare(const char *where, uint64_t customers)
{
    static const uint8_t row[SEALED + BUNDLE_SEALED + 40];
    char path[128];
    sqlite3_stmt *insert = NULL;
    sqlite3 *db = NULL;
    uint8_t id[16];
    double start;

    remove_store(where);
    snprintf(path, sizeof path, "%s/vault.db", where);
    if (sqlite3_open(path, &db) != SQLITE_OK)
        die("open");
    sql(db, "PRAGMA key = \"x'0100000000000000000000000000000000000000000000000000000000000000'\";"
            "PRAGMA cipher_hmac_algorithm = HMAC_SHA256; PRAGMA journal_mode = WAL;"
            "PRAGMA synchronous = FULL; PRAGMA cache_size = -16384; PRAGMA wal_autocheckpoint = 4000;"
            "CREATE TABLE t (num INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, row BLOB NOT NULL)");
    if (sqlite3_prepare_v2(db, "INSERT INTO t (id, row) VALUES (?, ?)", -1, &insert, NULL) !=
        SQLITE_OK)
        die("prepare");
    start = now();
    for (uint64_t n = 0; n < customers; n++) {
        if (n % BATCH == 0)
            sql(db, "BEGIN");
        spread(id, n, 'c');
        sqlite3_bind_blob(insert, 1, id, sizeof id, SQLITE_STATIC);
        sqlite3_bind_blob(insert, 2, row, sizeof row, SQLITE_STATIC);
        if (sqlite3_step(insert) != SQLITE_DONE)
            die("insert");
        sqlite3_reset(insert);
        if (n % BATCH == BATCH - 1 || n == customers - 1)
            sql(db, "COMMIT");
    }
    start = (double)customers / (now() - start);
    sqlite3_finalize(insert);
    sqlite3_close(db);
    return start;
}

/* Look-ups a second, `each` in a snapshot. */
static double
run_lookups(struct store *s, uint64_t customers, unsigned each)
{
    const struct store_scope scope = {LINK_VIEW, 1, PURPOSE, false};
    struct store_conn *c = NULL;
    struct store_member row;
    uint8_t ps[16];
    double start = now();

    for (unsigned i = 0; i < LOOKUPS; i++) {
        if (i % each == 0)
            must(store_snapshot(s, &c, NULL), "snapshot");
        spread(ps, randombytes_uniform((uint32_t)customers), 'p');
        must(store_member_get(c, &scope, ps, &row), "member");
        if (i % each == each - 1 || i == LOOKUPS - 1)
            store_snapshot_end(c);
    }
    return LOOKUPS / (now() - start);
}

/* Rows a second of a whole recount. */
static double
run_check(struct store *s)
{
    struct store_check check = {.all = true};
    struct store_conn *c = NULL;
    double start = now();

    must(store_snapshot(s, &c, NULL), "snapshot");
    must(store_rows_check(c, &check, NULL), "check");
    store_snapshot_end(c);
    return (double)check.rows / (now() - start);
}

static int
compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

static double
median(double v[static ROUNDS])
{
    qsort(v, ROUNDS, sizeof v[0], compare);
    return v[ROUNDS / 2];
}

int
main(int argc, char **argv)
{
    char where[] = "bench-store.XXXXXX";
    uint64_t customers = argc > 1 ? strtoull(argv[1], NULL, 10) : 30000;
    double bare[ROUNDS], rows[ROUNDS], whole[ROUNDS], unsummed[ROUNDS], one[ROUNDS],
        one_unsummed[ROUNDS], limit;
    struct store *s = NULL;

    if (secret_setup(true, NULL) != COFRE_OK || customers == 0 || mkdtemp(where) == NULL)
        die("cannot start");
    for (int i = 0; i < ROUNDS; i++) {
        rows[i] = run_store(where, customers, (struct kind){false, true, BATCH}, &s);
        store_close(s);
        bare[i] = run_bare(where, customers);
        unsummed[i] = run_store(where, customers, (struct kind){true, false, BATCH}, &s);
        store_close(s);
        one[i] = run_store(where, SINGLES, (struct kind){true, true, 1}, &s);
        store_close(s);
        one_unsummed[i] = run_store(where, SINGLES, (struct kind){true, false, 1}, &s);
        store_close(s);
        whole[i] = run_store(where, customers, (struct kind){true, true, BATCH}, &s);
        if (i < ROUNDS - 1)
            store_close(s);
    }
    limit = median(bare);
    printf("insert, rows alone:          %8.0f/s, ratio to bare SQLCipher %.2f\n", median(rows),
           median(rows) / limit);
    printf("insert, with all that hangs: %8.0f/s, ratio to bare SQLCipher %.2f\n", median(whole),
           median(whole) / limit);
    printf("insert, bare SQLCipher:      %8.0f/s\n", limit);
    printf("sums, 1,000 a transaction:   ratio to the same without them %.2f\n",
           median(whole) / median(unsummed));
    printf("sums, one a transaction:     %8.0f/s, ratio to the same without them %.2f\n", median(one),
           median(one) / median(one_unsummed));
    printf("recount of all rows:         %8.0f/s\n", run_check(s));
    printf("member by pseudonym:         %8.0f/s, one in a snapshot\n",
           run_lookups(s, customers, 1));
    printf("member by pseudonym:         %8.0f/s, 100 in a snapshot\n",
           run_lookups(s, customers, 100));
    store_close(s);
    remove_store(where);
    rmdir(where);
    return 0;
}
