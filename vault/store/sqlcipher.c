#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cofre/secret.h"
#include "crypto/kdf.h"
#include "vault/store/sums.h"

/*
 * Opening.  What is set before the key: how long to wait for a lock, and that SQLCipher prints
 * nothing (it would, on stderr, of each page that does not authenticate).  After it: HMAC-SHA-256
 * for the pages, which the CPU has instructions for; fixed for the life of the file.
 */
enum { LOCK_WAIT_MS = 10000, RAW_KEY = 2 + 2 * KEY_LEN + 1 };

static const char before_key[] = "PRAGMA cipher_log_level = NONE;";
static const char after_key[] = "PRAGMA cipher_hmac_algorithm = HMAC_SHA256;"
                                "PRAGMA foreign_keys = ON;"
                                "PRAGMA secure_delete = ON;"
                                "PRAGMA temp_store = MEMORY;"
                                "PRAGMA trusted_schema = OFF;"
                                "PRAGMA cell_size_check = ON;";
static const char of_new_file[] = "PRAGMA journal_mode = WAL;";
/* 4,000 pages, 16 MiB: an import dirties more than the default 1,000 in each transaction, and so
 * would copy the same pages into the database file after every one. */
static const char of_writer[] = "PRAGMA synchronous = FULL;"
                                "PRAGMA cache_size = -16384;"
                                "PRAGMA wal_autocheckpoint = 4000;"
                                "PRAGMA journal_size_limit = 67108864;";
static const char of_reader[] = "PRAGMA cache_size = -16384;"
                                "PRAGMA query_only = ON;";

struct path {
    char text[PATH_MAX];
};

static enum cofre_err
path_of(const char *where, const char *suffix, struct path *path, struct cofre_why *why)
{
    int n = snprintf(path->text, sizeof path->text, "%s/vault.db%s", where, suffix);

    if (n < 0 || (size_t)n >= sizeof path->text)
        return cofre_why_set(why, COFRE_ERANGE, "the path of vault.db is too long");
    return COFRE_OK;
}

/* SQLite gives its -wal and -shm files the mode of the database file. */
static enum cofre_err
create_file(const char *where, const struct path *path, struct cofre_why *why)
{
    enum cofre_err err = COFRE_OK;
    int fd = open(path->text, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0)
        return cofre_why_os(why, errno == EEXIST ? COFRE_EEXIST : COFRE_EIO, errno,
                            "cannot make vault.db");
    close(fd);
    /* Its name must last, or a commit in it does not. */
    if ((fd = open(where, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 || fsync(fd) != 0)
        err = cofre_why_os(why, COFRE_EIO, errno, "cannot make vault.db durable");
    if (fd >= 0)
        close(fd);
    return err;
}

static void
remove_files(const char *where)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    struct path path;

    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++)
        if (path_of(where, suffixes[i], &path, NULL) == COFRE_OK)
            (void)unlink(path.text);
}

static enum cofre_err
check_file(const struct path *path, struct cofre_why *why)
{
    struct stat st;

    if (stat(path->text, &st) != 0)
        return cofre_why_os(why, errno == ENOENT ? COFRE_ENOENT : COFRE_EIO, errno,
                            "cannot open vault.db");
    if (!S_ISREG(st.st_mode))
        return cofre_why_set(why, COFRE_EFORMAT, "vault.db is not a file");
    return COFRE_OK;
}

/* The raw key as SQLCipher reads it, x'<hex>': no derivation from a passphrase. */
static int
set_key(sqlite3 *db, const uint8_t *key)
{
    static const char digits[] = "0123456789abcdef";
    char text[RAW_KEY];
    int rc;

    text[0] = 'x';
    text[1] = '\'';
    for (size_t i = 0; i < KEY_LEN; i++) {
        text[2 + 2 * i] = digits[key[i] >> 4];
        text[3 + 2 * i] = digits[key[i] & 15];
    }
    text[RAW_KEY - 1] = '\'';
    rc = sqlite3_key_v2(db, "main", text, RAW_KEY);
    secret_wipe(text, sizeof text);
    return rc;
}

static int
exec(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

/* Reads a page: with another key it does not authenticate. */
static int
try_key(sqlite3 *db)
{
    return exec(db, "SELECT count(*) FROM sqlite_schema");
}

static int
open_handle(const struct path *path, const uint8_t *key, sqlite3 **db)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
                SQLITE_OPEN_EXRESCODE;
    int rc;

    if ((rc = sqlite3_open_v2(path->text, db, flags, NULL)) != SQLITE_OK ||
        (rc = sqlite3_busy_timeout(*db, LOCK_WAIT_MS)) != SQLITE_OK ||
        (rc = sqlite3_db_config(*db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL)) != SQLITE_OK ||
        (rc = exec(*db, before_key)) != SQLITE_OK || (rc = set_key(*db, key)) != SQLITE_OK ||
        (rc = exec(*db, after_key)) != SQLITE_OK)
        return rc;
    return try_key(*db);
}

static void
close_conn(struct store_conn *c)
{
    int rc;

    if (c == NULL)
        return;
    for (int i = 0; i < SQL_COUNT_OF_STATEMENTS; i++)
        (void)sqlite3_finalize(c->stmt[i]);
    rc = sqlite3_close(c->db);
    assert(rc == SQLITE_OK);
    (void)rc;
    free(c->sums);
    free(c);
}

static enum cofre_err
open_conn(struct store *s, const struct path *path, const uint8_t *key, struct store_conn **out,
          struct cofre_why *why)
{
    struct store_conn *c = calloc(1, sizeof *c);
    enum cofre_err err;
    int rc;

    *out = c;
    if (c == NULL)
        return COFRE_ENOMEM;
    c->store = s;
    if ((rc = open_handle(path, key, &c->db)) == SQLITE_OK)
        return COFRE_OK;
    if ((rc & 0xff) == SQLITE_NOTADB)
        return cofre_why_set(why, COFRE_EAUTH,
                             "vault.db does not open: damaged, or not of this key");
    err = store_fail(c, rc);
    return cofre_why_set(why, err, "vault.db: %s", store_cause(c));
}

static enum cofre_err
set_up(struct store_conn *c, const char *pragmas, struct cofre_why *why)
{
    int rc = exec(c->db, pragmas);
    enum cofre_err err;

    if (rc == SQLITE_OK)
        return COFRE_OK;
    err = store_fail(c, rc);
    return cofre_why_set(why, err, "vault.db: %s", store_cause(c));
}

static enum cofre_err
start_sums(struct store *s, const struct store_config *config, bool fresh,
           struct cofre_why *why)
{
    enum cofre_err err;

    if (config->rowtag.key == NULL)
        return COFRE_OK;
    if ((err = sums_new(s->writer, &config->rowtag, &s->sums, why)) == COFRE_OK)
        err = sums_attach(s->writer, s->sums, fresh);
    if (err == COFRE_OK)
        return COFRE_OK;
    return cofre_why_set(why, err, "vault.db: %s", store_cause(s->writer));
}

static enum cofre_err
open_all(struct store *s, const struct path *path, const struct store_config *config,
         struct cofre_why *why)
{
    struct store_conn *c;
    bool fresh = false;
    enum cofre_err err;

    if ((err = open_conn(s, path, config->key, &s->writer, why)) != COFRE_OK ||
        (err = set_up(s->writer, of_new_file, why)) != COFRE_OK ||
        (err = set_up(s->writer, of_writer, why)) != COFRE_OK ||
        (err = store_migrate(s->writer, &fresh, why)) != COFRE_OK ||
        (err = start_sums(s, config, fresh, why)) != COFRE_OK)
        return err;
    for (; s->readers < config->readers; s->readers++) {
        err = open_conn(s, path, config->key, &c, why);
        if (err != COFRE_OK || (err = set_up(c, of_reader, why)) != COFRE_OK) {
            close_conn(c);
            return err;
        }
        c->next = s->free;
        s->free = c;
        s->idle++;
    }
    return COFRE_OK;
}

enum cofre_err
store_open(const struct store_config *config, struct store **out, struct cofre_why *why)
{
    struct path path;
    struct store *s;
    enum cofre_err err;

    assert(config->readers > 0);
    *out = NULL;
    if ((err = path_of(config->where, "", &path, why)) != COFRE_OK ||
        (err = store_provider_register()) != COFRE_OK)
        return err;
    err = config->create ? create_file(config->where, &path, why) : check_file(&path, why);
    if (err != COFRE_OK)
        return err;

    if ((s = calloc(1, sizeof *s)) == NULL) {
        err = COFRE_ENOMEM;
        goto out;
    }
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->returned, NULL);
    if ((err = open_all(s, &path, config, why)) == COFRE_OK) {
        *out = s;
        s = NULL; /* moved to *out */
    }
out:
    store_close(s);
    if (err != COFRE_OK && config->create)
        remove_files(config->where);
    return err;
}

void
store_leave_files(struct store *s)
{
    /* The writer is the last to be closed; it would copy the log into the database file. */
    if (s != NULL)
        (void)sqlite3_db_config(s->writer->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
}

void
store_close(struct store *s)
{
    struct store_conn *c;

    if (s == NULL)
        return;
    assert(s->idle == s->readers);
    while ((c = s->free) != NULL) {
        s->free = c->next;
        close_conn(c);
    }
    /* Last, so that it is the writer that brings the log back into the database file. */
    close_conn(s->writer);
    sums_free(s->sums);
    pthread_cond_destroy(&s->returned);
    pthread_mutex_destroy(&s->lock);
    free(s);
}
