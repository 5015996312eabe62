/*
 * Cold page reads: a file larger than the page cache is read whole, with SQLCipher's own page
 * cryptography and with the store's.  Rounds in turns, the median of five.
 *
 *     bench_provider
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "cofre/secret.h"
#include "vault/store/store_internal.h"

#ifdef COFRE_SQLCIPHER_BUNDLED

struct sqlcipher_provider;
extern struct sqlcipher_provider *sqlcipher_get_provider(void);
extern int sqlcipher_register_provider(struct sqlcipher_provider *);

enum { ROUNDS = 5 };

static const char set_up[] =
    "PRAGMA key = \"x'0100000000000000000000000000000000000000000000000000000000000000'\";"
    "PRAGMA cipher_hmac_algorithm = HMAC_SHA256; PRAGMA cache_size = 10";
static const char fill[] = "CREATE TABLE t (a BLOB); WITH RECURSIVE n (i) AS "
                           "(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000) "
                           "INSERT INTO t SELECT randomblob(3500) FROM n";

static void
sql(sqlite3 *db, const char *text)
{
    if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK) {
        fprintf(stderr, "bench_provider: %s\n", sqlite3_errmsg(db));
        exit(1);
    }
}

static double
now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static sqlite3 *
open_with(struct sqlcipher_provider *p, const char *file)
{
    sqlite3 *db = NULL;

    if (sqlcipher_register_provider(p) != SQLITE_OK || sqlite3_open(file, &db) != SQLITE_OK)
        exit(1);
    sql(db, set_up);
    return db;
}

/* Microseconds a page. */
static double
read_all(struct sqlcipher_provider *p, const char *file, double pages)
{
    sqlite3 *db = open_with(p, file);
    double start;

    sql(db, "SELECT count(*) FROM sqlite_schema");
    start = now();
    sql(db, "SELECT max(length(a)), sum(rowid) FROM t");
    start = (now() - start) * 1e6 / pages;
    sqlite3_close(db);
    return start;
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
main(void)
{
    char file[] = "bench-provider.XXXXXX";
    double stock_us[ROUNDS], fast_us[ROUNDS];
    struct sqlcipher_provider *stock, *fast;
    int fd = mkstemp(file);

    if (fd < 0 || secret_setup(true, NULL) != COFRE_OK || sqlite3_initialize() != SQLITE_OK)
        return 1;
    close(fd);
    stock = sqlcipher_get_provider();
    if (store_provider_register() != COFRE_OK)
        return 1;
    fast = sqlcipher_get_provider();

    sqlite3 *db = open_with(fast, file);
    sql(db, fill);
    sqlite3_close(db);
    for (int i = 0; i < ROUNDS; i++) {
        stock_us[i] = read_all(stock, file, 12000);
        fast_us[i] = read_all(fast, file, 12000);
    }
    printf("cold page read: SQLCipher's own %.2f us, the store's %.2f us, %.2f times as fast\n",
           median(stock_us), median(fast_us), median(stock_us) / median(fast_us));
    unlink(file);
    return 0;
}

#else

int
main(void)
{
    puts("cold page read: the system's SQLCipher has only its own provider");
    return 0;
}

#endif
