#include <assert.h>

#include "vault/store/sums.h"

/* By primary result code, or by extended code where that says more.  First match wins. */
static const struct {
    int rc;
    enum cofre_err err;
} codes[] = {
    {SQLITE_CONSTRAINT_FOREIGNKEY, COFRE_ENOENT},
    {SQLITE_CONSTRAINT_UNIQUE, COFRE_EEXIST},
    {SQLITE_CONSTRAINT_PRIMARYKEY, COFRE_EEXIST},
    {SQLITE_CONSTRAINT_ROWID, COFRE_EEXIST},
    {SQLITE_CONSTRAINT, COFRE_EINVAL},
    {SQLITE_IOERR_NOMEM, COFRE_ENOMEM},
    {SQLITE_NOMEM, COFRE_ENOMEM},
    {SQLITE_FULL, COFRE_ENOSPC},
    {SQLITE_TOOBIG, COFRE_ERANGE},
    {SQLITE_BUSY, COFRE_EBUSY},
    {SQLITE_LOCKED, COFRE_EBUSY},
    {SQLITE_INTERRUPT, COFRE_EAGAIN},
    {SQLITE_CORRUPT, COFRE_EINTEGRITY},
    {SQLITE_NOTADB, COFRE_EINTEGRITY},
    /* Our SQL is fixed and tested: at run time this is SQLCipher's word for a page refused. */
    {SQLITE_ERROR, COFRE_EINTEGRITY},
};

enum cofre_err
store_err_of(int rc)
{
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (rc == codes[i].rc || (rc & 0xff) == codes[i].rc)
            return codes[i].err;
    return COFRE_EIO;
}

enum cofre_err
store_fail(struct store_conn *c, int rc)
{
    enum cofre_err err = c->broken != COFRE_OK ? c->broken : store_err_of(rc);

    sqlite3_snprintf(STORE_CAUSE, c->cause, "%s (SQLite %d)", sqlite3_errmsg(c->db), rc);
    if (err == COFRE_EINTEGRITY)
        c->broken = err;
    if (c->open && c->lost == COFRE_OK && sqlite3_get_autocommit(c->db) != 0)
        c->lost = err;
    return err;
}

enum cofre_err
store_misshapen(struct store_conn *c)
{
    sqlite3_snprintf(STORE_CAUSE, c->cause, "a stored value does not have the form it was given");
    return COFRE_EINTEGRITY;
}

const char *
store_cause(const struct store_conn *c)
{
    return c->cause;
}

static void
set_live(struct store_conn *c, enum store_sql which, bool live)
{
    uint64_t bit = UINT64_C(1) << (which % 64);

    if (live)
        c->live[which / 64] |= bit;
    else
        c->live[which / 64] &= ~bit;
}

/* An empty value is bound with a pointer all the same: without one it would be NULL. */
static int
bind(sqlite3_stmt *s, int i, const struct store_arg *arg)
{
    const void *p = arg->b.len > 0 ? (const void *)arg->b.p : "";

    switch (arg->kind) {
    case STORE_ARG_INT:
        return sqlite3_bind_int64(s, i, arg->n);
    case STORE_ARG_BLOB:
        return sqlite3_bind_blob64(s, i, p, arg->b.len, SQLITE_STATIC);
    case STORE_ARG_TEXT:
        return sqlite3_bind_text64(s, i, p, arg->b.len, SQLITE_STATIC, SQLITE_UTF8);
    }
    return SQLITE_MISUSE;
}

enum cofre_err
store_start(struct store_conn *c, enum store_sql which, struct store_args args)
{
    sqlite3_stmt **s = &c->stmt[which];
    int rc = SQLITE_OK;

    assert(c->open);
    if (c->broken != COFRE_OK || c->lost != COFRE_OK)
        return c->broken != COFRE_OK ? c->broken : c->lost;
    if (*s == NULL)
        rc = sqlite3_prepare_v3(c->db, store_sql_text[which], -1, SQLITE_PREPARE_PERSISTENT, s,
                                NULL);
    else
        (void)sqlite3_reset(*s); /* repeats the error of the last step, which was reported */
    assert(rc != SQLITE_OK || sqlite3_bind_parameter_count(*s) == args.n);
    for (int i = 0; rc == SQLITE_OK && i < args.n; i++)
        rc = bind(*s, i + 1, &args.v[i]);
    if (rc != SQLITE_OK)
        return store_fail(c, rc);
    set_live(c, which, true);
    return COFRE_OK;
}

enum cofre_err
store_step(struct store_conn *c, enum store_sql which, bool *row)
{
    bool changes = c->sums != NULL && sqlite3_stmt_readonly(c->stmt[which]) == 0;
    enum cofre_err err = COFRE_OK;
    int rc;

    if (changes)
        sums_copy(c->sums->sums, &c->sums->before, &c->sums->now);
    rc = sqlite3_step(c->stmt[which]);
    *row = rc == SQLITE_ROW;
    if (rc == SQLITE_ROW)
        return COFRE_OK;
    if (rc != SQLITE_DONE)
        err = store_fail(c, rc);
    if (rc != SQLITE_DONE && changes)
        sums_copy(c->sums->sums, &c->sums->now, &c->sums->before);
    store_end(c, which);
    return err;
}

void
store_end(struct store_conn *c, enum store_sql which)
{
    (void)sqlite3_reset(c->stmt[which]);
    set_live(c, which, false);
}

void
store_end_all(struct store_conn *c)
{
    for (unsigned i = 0; i < STORE_LIVE_WORDS; i++)
        while (c->live[i] != 0)
            store_end(c, (enum store_sql)(i * 64 + (unsigned)__builtin_ctzll(c->live[i])));
}

enum cofre_err
store_run(struct store_conn *c, enum store_sql which, struct store_args args)
{
    bool row = false;
    enum cofre_err err = store_start(c, which, args);

    if (err == COFRE_OK)
        err = store_step(c, which, &row);
    if (row)
        store_end(c, which);
    return err;
}

enum cofre_err
store_change(struct store_conn *c, enum store_sql which, struct store_args args, int *changed)
{
    enum cofre_err err = store_run(c, which, args);

    *changed = err == COFRE_OK ? sqlite3_changes(c->db) : 0;
    return err;
}

enum cofre_err
store_one(struct store_conn *c, enum store_sql which, struct store_args args)
{
    bool row = false;
    enum cofre_err err = store_start(c, which, args);

    if (err != COFRE_OK || (err = store_step(c, which, &row)) != COFRE_OK)
        return err;
    return row ? COFRE_OK : COFRE_ENOENT;
}

enum cofre_err
store_number(struct store_conn *c, enum store_sql which, struct store_args args, int64_t *out)
{
    enum cofre_err err = store_one(c, which, args);

    if (err != COFRE_OK)
        return err;
    *out = sqlite3_column_int64(c->stmt[which], 0);
    store_end(c, which);
    return COFRE_OK;
}

struct bytes
store_column(sqlite3_stmt *s, int i)
{
    const uint8_t *p = sqlite3_column_blob(s, i);

    return p == NULL ? BYTES_NONE : (struct bytes){p, (size_t)sqlite3_column_bytes(s, i)};
}

bool
store_column_fixed(sqlite3_stmt *s, int i, uint8_t *out, size_t len)
{
    struct bytes b = store_column(s, i);

    if (b.len != len)
        return false;
    memcpy(out, b.p, len);
    return true;
}

bool
store_column_text(sqlite3_stmt *s, int i, char *out, size_t cap)
{
    struct bytes b = store_column(s, i);

    if (b.len >= cap)
        return false;
    if (b.len > 0)
        memcpy(out, b.p, b.len);
    out[b.len] = '\0';
    return true;
}

uint32_t
store_column_u32(sqlite3_stmt *s, int i)
{
    return (uint32_t)sqlite3_column_int64(s, i);
}

uint64_t
store_column_u64(sqlite3_stmt *s, int i)
{
    return (uint64_t)sqlite3_column_int64(s, i);
}
