#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

/* What the tests of the store share: a store in a directory of its own, and rows to put in. */

#include "unit.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/kdf.h"
#include "vault/store/store.h"

#define OK(call) assert_int_equal(call, COFRE_OK)

static const uint8_t fixture_key[KEY_LEN] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11,
                                             12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22,
                                             23, 24, 25, 26, 27, 28, 29, 30, 31, 0xff};

static const uint8_t fixture_rowtag[KEY_LEN] = {99, 98, 97};

struct fixture {
    char where[64];
    char file[80];
    struct store *store;
    struct store_conn *w;
    struct store_head head;
};

static inline enum cofre_err
fixture_try(struct fixture *f, const uint8_t *key, bool create)
{
    struct store_config config = {.where = f->where,
                                  .key = key,
                                  .readers = 2,
                                  .create = create,
                                  .rowtag = {fixture_rowtag, 1, fixture_rowtag}};
    struct cofre_why why = {""};
    enum cofre_err err = store_open(&config, &f->store, &why);

    f->w = err == COFRE_OK ? store_writer(f->store) : NULL;
    return err;
}

static inline void
fixture_reopen(struct fixture *f)
{
    store_close(f->store);
    OK(fixture_try(f, fixture_key, false));
}

static inline int
fixture_empty(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    assert_int_equal(unit_setup(NULL), 0);
    assert_non_null(f);
    strcpy(f->where, "store.XXXXXX");
    assert_non_null(mkdtemp(f->where));
    snprintf(f->file, sizeof f->file, "%s/vault.db", f->where);
    *state = f;
    return 0;
}

static inline int
fixture_setup(void **state)
{
    fixture_empty(state);
    OK(fixture_try(*state, fixture_key, true));
    return 0;
}

static inline int
fixture_teardown(void **state)
{
    struct fixture *f = *state;
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char path[96];

    store_close(f->store);
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        snprintf(path, sizeof path, "%s%s", f->file, suffixes[i]);
        unlink(path);
    }
    rmdir(f->where);
    free(f);
    return 0;
}

static inline void
begin(struct fixture *f)
{
    OK(store_begin(f->w));
}

static inline void
commit(struct fixture *f)
{
    OK(store_commit(f->w, &f->head));
}

static inline struct store_conn *
snapshot(struct fixture *f)
{
    struct store_conn *c;

    OK(store_snapshot(f->store, &c, NULL));
    return c;
}

/* 16 bytes that n alone determines. */
static inline const uint8_t *
id16(uint8_t out[static 16], unsigned kind, unsigned n)
{
    memset(out, 0, 16);
    out[0] = (uint8_t)(n * 167);
    out[1] = (uint8_t)kind;
    bytes_set_le32(out + 4, n);
    return out;
}

static inline int64_t
add_customer(struct fixture *f, unsigned n)
{
    static const uint8_t part[200] = {7};
    struct store_customer row = {.version = 1,
                                 .kek = 1,
                                 .created = 1000 + n,
                                 .updated = 2000 + n,
                                 .bundle = {part, BUNDLE_SEALED},
                                 .part = {BYTES_OF(part), BYTES_OF(part), BYTES_NONE}};

    id16(row.id, 'c', n);
    OK(store_customer_insert(f->w, &row));
    assert_true(row.num > 0);
    return row.num;
}

static inline void
add_consent(struct fixture *f, int64_t num, uint32_t purpose, enum store_consent_status status)
{
    struct store_consent row = {.customer = num,
                                .purpose = purpose,
                                .basis = STORE_CONSENT,
                                .status = status,
                                .time = 5,
                                .source = "shop"};

    OK(store_consent_put(f->w, &row));
}

static inline int64_t
add_event(struct fixture *f, int64_t num, unsigned n, int64_t time)
{
    struct store_event row = {
        .customer = num, .kind = 3, .time = time, .sealed = BYTES_LIT("sealed attributes")};

    id16(row.key, 'e', n);
    id16(row.content, 'd', n);
    OK(store_event_insert(f->w, &row));
    return row.num;
}

/* A handle of SQLCipher's own on the same file, for what the store does not let anyone do. */
static inline sqlite3 *
raw_open(const char *file)
{
    char sql[160] = "PRAGMA key = \"x'";
    sqlite3 *db = NULL;
    size_t n = strlen(sql);

    for (size_t i = 0; i < KEY_LEN; i++)
        n += (size_t)snprintf(sql + n, sizeof sql - n, "%02x", fixture_key[i]);
    snprintf(sql + n, sizeof sql - n, "'\"; PRAGMA cipher_hmac_algorithm = HMAC_SHA256");
    assert_int_equal(sqlite3_open_v2(file, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA foreign_keys = ON", NULL, NULL, NULL), SQLITE_OK);
    return db;
}

static inline int64_t
raw_number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *s = NULL;
    int64_t n;

    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    n = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return n;
}

static inline void
raw_exec(sqlite3 *db, const char *sql)
{
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
}

static inline enum cofre_err
count_customer(void *ctx, const struct store_customer *row)
{
    (void)row;
    ++*(unsigned *)ctx;
    return COFRE_OK;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
#define TEST_EMPTY(name) cmocka_unit_test_setup_teardown(name, fixture_empty, fixture_teardown)

#endif
