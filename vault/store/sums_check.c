#include <assert.h>

#include "vault/store/sums.h"

/* Instructions of SQLite's machine between two questions whether to stop. */
enum { STOP_EVERY = 20000 };

static enum cofre_err
differs(struct store_check *check, const char *table, struct cofre_why *why, const char *how)
{
    sqlite3_snprintf(sizeof check->table, check->table, "%s", table);
    return cofre_why_set(why, COFRE_EINTEGRITY, "vault.db: %s %s", table, how);
}

/* ---- recounting ---- */

static void
put_column(struct sums_row *r, sqlite3_stmt *q, int i)
{
    int type = sqlite3_column_type(q, i);
    struct bytes b = BYTES_NONE;
    uint8_t bits[8];
    double real;
    uint64_t n;

    if (type == SQLITE_TEXT || type == SQLITE_BLOB) {
        b = store_column(q, i);
    } else if (type == SQLITE_FLOAT) {
        real = sqlite3_column_double(q, i);
        memcpy(&n, &real, sizeof n);
        bytes_set_le64(bits, n);
        b = BYTES_OF(bits);
    }
    sums_row_put(r, type, sqlite3_column_int64(q, i), b);
}

/* The sum of the rows that are there: of the table itself, not of an index that has all its columns. */
static enum cofre_err
recount(struct store_conn *c, const struct sums *s, const struct sums_part *p, struct sum *out)
{
    sqlite3_stmt *q = NULL;
    struct sums_row r;
    uint8_t tag[HASH_LEN];
    int rc = SQLITE_NOMEM;
    char *sql;

    *out = (struct sum){.rows = 0};
    if (p->index != NULL)
        sql = sqlite3_mprintf("SELECT %s FROM main.\"%w\" INDEXED BY \"%w\" WHERE " SUMS_WHERE,
                              p->columns, p->table, p->index);
    else
        sql = sqlite3_mprintf("SELECT %s FROM main.\"%w\" NOT INDEXED", p->columns, p->table);
    if (sql != NULL)
        rc = sqlite3_prepare_v2(c->db, sql, -1, &q, NULL);
    sqlite3_free(sql);
    while (rc == SQLITE_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        sums_row_begin(&r, s, p);
        for (int i = 0; i < sqlite3_column_count(q); i++)
            put_column(&r, q, i);
        sums_row_end(&r, tag);
        sums_add(out, tag);
        rc = SQLITE_OK;
    }
    sqlite3_finalize(q);
    return rc == SQLITE_DONE ? COFRE_OK : store_fail(c, rc);
}

/* ---- the schema ---- */

/* Every object of a schema as text: no view, trigger, or index is there that a migration did not make. */
static int
schema_text(sqlite3 *db, struct buf *out)
{
    static const char sql[] = "SELECT type, name, tbl_name, iif(name = 'head', '', ifnull(sql, '')) "
                              "FROM main.sqlite_schema ORDER BY type, name";
    sqlite3_stmt *q = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &q, NULL);

    while (rc == SQLITE_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        for (int i = 0; i < 4; i++) {
            buf_putb(out, store_column(q, i));
            buf_putc(out, i < 3 ? '\t' : '\n');
        }
        rc = SQLITE_OK;
    }
    sqlite3_finalize(q);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* The schema that the migrations make of nothing. */
static int
schema_wanted(struct buf *out)
{
    sqlite3 *db = NULL;
    int rc = sqlite3_open(":memory:", &db);

    for (unsigned i = 0; i < STORE_VERSION && rc == SQLITE_OK; i++)
        rc = sqlite3_exec(db, store_migrations[i], NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = schema_text(db, out);
    (void)sqlite3_close(db);
    return rc;
}

static enum cofre_err
check_schema(struct store_conn *c, struct store_check *check, struct cofre_why *why)
{
    struct buf have = BUF_INIT;
    struct buf want = BUF_INIT;
    enum cofre_err err = COFRE_OK;
    int rc;

    if ((rc = schema_wanted(&want)) != SQLITE_OK || (rc = schema_text(c->db, &have)) != SQLITE_OK)
        err = store_fail(c, rc);
    else if (buf_error(&have) != COFRE_OK || buf_error(&want) != COFRE_OK)
        err = COFRE_ENOMEM;
    else if (!bytes_equal(buf_bytes(&have), buf_bytes(&want)))
        err = differs(check, "schema", why, "is not the one that this program makes");
    buf_free(&have);
    buf_free(&want);
    return err;
}

/* ---- the file's form: every index has the rows of its table, no page is used twice ---- */

/* table NULL: the whole file. */
static enum cofre_err
check_form(struct store_conn *c, const char *table, struct store_check *check,
           struct cofre_why *why)
{
    sqlite3_stmt *q = NULL;
    enum cofre_err err = COFRE_OK;
    int rc = SQLITE_NOMEM;
    char *sql = table == NULL ? sqlite3_mprintf("PRAGMA main.integrity_check(1)")
                              : sqlite3_mprintf("PRAGMA main.integrity_check(\"%w\")", table);

    if (sql != NULL)
        rc = sqlite3_prepare_v2(c->db, sql, -1, &q, NULL);
    sqlite3_free(sql);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(q);
    if (rc == SQLITE_ROW && strcmp((const char *)sqlite3_column_text(q, 0), "ok") != 0)
        err = differs(check, table != NULL ? table : "file", why,
                      "has an index, or a page, that does not fit the rest");
    else if (rc != SQLITE_ROW)
        err = store_fail(c, rc);
    sqlite3_finalize(q);
    return err;
}

/* ---- all together ---- */

static enum cofre_err
check_parts(struct store_conn *c, struct store_check *check, const struct sum *want,
            struct cofre_why *why)
{
    const struct sums *s = c->store->sums;
    enum cofre_err err = COFRE_OK;
    struct sum have;

    for (size_t i = 0; i < s->n && err == COFRE_OK; i++) {
        const struct sums_part *p = &s->part[i];

        if (!check->all && !p->vital)
            continue;
        if ((err = recount(c, s, p, &have)) != COFRE_OK)
            break;
        if (have.rows != want[i].rows || memcmp(have.word, want[i].word, sizeof have.word) != 0)
            return differs(check, p->name, why, "holds rows that do not add up");
        check->tables++;
        check->rows += p->index == NULL ? have.rows : 0;
        if (!check->all && p->index == NULL)
            err = check_form(c, p->table, check, why);
    }
    return err;
}

static int
asked(void *arg)
{
    const struct store_check *check = arg;

    return check->stop != NULL && check->stop(check->ctx);
}

enum cofre_err
store_rows_check(struct store_conn *c, struct store_check *check, struct cofre_why *why)
{
    struct sum want[SUMS_MAX];
    enum cofre_err err;

    assert(c->open && c->store->sums != NULL);
    check->rows = 0;
    check->tables = 0;
    check->table[0] = 0;
    sqlite3_progress_handler(c->db, STOP_EVERY, asked, check);
    if ((err = sums_read(c, want)) == COFRE_EINTEGRITY)
        differs(check, "head", why, store_cause(c));
    if (err == COFRE_OK)
        err = check_schema(c, check, why);
    if (err == COFRE_OK)
        err = check_parts(c, check, want, why);
    if (err == COFRE_OK && check->all)
        err = check_form(c, NULL, check, why);
    sqlite3_progress_handler(c->db, 0, NULL, NULL);
    if (err == COFRE_EINTEGRITY && check->table[0] == 0)
        return differs(check, "file", why, store_cause(c));
    return err == COFRE_OK ? err : cofre_why_set(why, err, "vault.db: %s", store_cause(c));
}

enum cofre_err
store_rows_count(struct store_conn *c, uint64_t *rows)
{
    const struct sums *s = c->store->sums;
    struct sum sum[SUMS_MAX];
    enum cofre_err err;

    *rows = 0;
    if ((err = sums_read(c, sum)) != COFRE_OK)
        return err;
    for (size_t i = 0; i < s->n; i++)
        *rows += s->part[i].index == NULL ? sum[i].rows : 0;
    return COFRE_OK;
}

/* ---- taking what is there ---- */

void
store_rows_accept(struct store *s)
{
    s->writer->sums->anew = true;
    s->writer->sums->kept.known = false;
}

/* No row may point to a customer who is not there: it would outlive every erasure. */
static enum cofre_err
check_references(struct store_conn *w, struct cofre_why *why)
{
    sqlite3_stmt *q = NULL;
    int rc = sqlite3_prepare_v2(w->db, "PRAGMA main.foreign_key_check", -1, &q, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(q);
    sqlite3_finalize(q);
    if (rc == SQLITE_DONE)
        return COFRE_OK;
    if (rc == SQLITE_ROW)
        return cofre_why_set(why, COFRE_EINTEGRITY,
                             "vault.db: rows point to customers that are not there");
    return store_fail(w, rc);
}

enum cofre_err
store_rows_rebuild(struct store_conn *w, struct cofre_why *why)
{
    const struct sums *s = w->sums->sums;
    struct store_check check = {.all = true};
    struct sums_at *now = &w->sums->now;
    enum cofre_err err;
    int rc;

    assert(w->open);
    store_end_all(w);
    if ((rc = sqlite3_exec(w->db, "REINDEX", NULL, NULL, NULL)) != SQLITE_OK) {
        err = store_fail(w, rc);
        return cofre_why_set(why, COFRE_EINTEGRITY, "vault.db: its indexes cannot be made again: %s",
                             store_cause(w));
    }
    if ((err = check_schema(w, &check, why)) != COFRE_OK ||
        (err = check_form(w, NULL, &check, why)) != COFRE_OK ||
        (err = check_references(w, why)) != COFRE_OK)
        return err;
    for (size_t i = 0; i < s->n; i++)
        if ((err = recount(w, s, &s->part[i], &now->sum[i])) != COFRE_OK)
            return cofre_why_set(why, err, "vault.db: %s", store_cause(w));
    now->known = true;
    w->sums->anew = false;
    return COFRE_OK;
}
