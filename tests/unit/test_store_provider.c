#include "store_fixture.h"

#ifdef COFRE_SQLCIPHER_BUNDLED

/* The faster page cryptography writes and reads the very same files as SQLCipher's own. */

struct sqlcipher_provider;
extern struct sqlcipher_provider *sqlcipher_get_provider(void);
extern int sqlcipher_register_provider(struct sqlcipher_provider *);

enum { ROWS = 500 };

/* Both providers; opening a store puts the fast one before the stock one, once in a process. */
struct both {
    struct fixture *f;
    struct sqlcipher_provider *stock;
    struct sqlcipher_provider *fast;
};

static int
find_both(void **state)
{
    struct both *b = calloc(1, sizeof *b);

    assert_non_null(b);
    assert_int_equal(sqlite3_initialize(), SQLITE_OK);
    b->stock = sqlcipher_get_provider();
    fixture_setup((void **)&b->f);
    b->fast = sqlcipher_get_provider();
    *state = b;
    return 0;
}

static int
let_go(void **state)
{
    struct both *b = *state;

    fixture_teardown((void **)&b->f);
    free(b);
    return 0;
}

static void
use(struct sqlcipher_provider *p)
{
    assert_int_equal(sqlcipher_register_provider(p), SQLITE_OK);
    assert_ptr_equal(sqlcipher_get_provider(), p);
}

static void
check_file(sqlite3 *db, const char *table)
{
    char sql[100];

    snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", table);
    assert_int_equal(raw_number(db, sql), ROWS);
    assert_int_equal(raw_number(db, "SELECT integrity_check = 'ok' FROM pragma_integrity_check"),
                     1);
}

static void
a_file_of_either_opens_with_the_other(void **state)
{
    struct both *b = *state;
    struct fixture *f = b->f;
    struct store_counts counts;
    sqlite3 *db;

    assert_ptr_not_equal(b->fast, b->stock);
    begin(f);
    for (unsigned i = 0; i < ROWS; i++)
        add_customer(f, i);
    commit(f);
    store_close(f->store);

    use(b->stock);
    db = raw_open(f->file);
    check_file(db, "customer");
    raw_exec(db, "UPDATE customer SET kek = 2");
    sqlite3_close(db);

    use(b->fast);
    OK(fixture_try(f, fixture_key, false));
    begin(f);
    OK(store_count(f->w, &counts));
    assert_int_equal(counts.customers, ROWS);
    OK(store_count_under(f->w, 2, &counts.events));
    assert_int_equal(counts.events, ROWS);
    store_rollback(f->w);
}

static const char fill[] = "CREATE TABLE t (a); WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL "
                           "SELECT i + 1 FROM n WHERE i < 500) "
                           "INSERT INTO t SELECT randomblob(300) FROM n";

static void
other_mac_algorithms_are_passed_on(void **state)
{
    struct both *b = *state;
    struct sqlcipher_provider *const order[] = {b->fast, b->stock, b->fast};
    char file[96];

    snprintf(file, sizeof file, "%s/sha512.db", b->f->where);
    for (int i = 0; i < 3; i++) {
        sqlite3 *db = NULL;

        use(order[i]);
        assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
        raw_exec(db, "PRAGMA key = 'any'; PRAGMA kdf_iter = 10");
        if (i == 0)
            raw_exec(db, fill);
        check_file(db, "t");
        sqlite3_close(db);
    }
    unlink(file);
}

/* Reading under one key and writing under another, page by page. */
static void
re_keying_leaves_a_file_of_the_new_key(void **state)
{
    struct both *b = *state;
    char file[96];
    sqlite3 *db;

    snprintf(file, sizeof file, "%s/rekey.db", b->f->where);
    use(b->fast);
    db = raw_open(file);
    raw_exec(db, "PRAGMA rekey = \"x'00112233445566778899aabbccddeeff"
                 "00112233445566778899aabbccddeeff'\"");
    raw_exec(db, fill);
    raw_exec(db, "PRAGMA rekey = \"x'ffeeddccbbaa99887766554433221100"
                 "ffeeddccbbaa99887766554433221100'\"");
    check_file(db, "t");
    sqlite3_close(db);

    use(b->stock);
    assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
    raw_exec(db, "PRAGMA key = \"x'ffeeddccbbaa99887766554433221100"
                 "ffeeddccbbaa99887766554433221100'\"; PRAGMA cipher_hmac_algorithm = HMAC_SHA256");
    check_file(db, "t");
    sqlite3_close(db);
    use(b->fast);
    unlink(file);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_of_either_opens_with_the_other),
        cmocka_unit_test(other_mac_algorithms_are_passed_on),
        cmocka_unit_test(re_keying_leaves_a_file_of_the_new_key),
    };

    return cmocka_run_group_tests(tests, find_both, let_go);
}

#else

/* The system's SQLCipher has only its own provider: skipped. */
int
main(void)
{
    return 77;
}

#endif
