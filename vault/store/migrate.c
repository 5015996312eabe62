#include "vault/store/store_internal.h"

static enum cofre_err
pragma_get(struct store_conn *w, const char *sql, int64_t *out)
{
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v2(w->db, sql, -1, &s, NULL);

    if (rc == SQLITE_OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
        *out = sqlite3_column_int64(s, 0);
        rc = SQLITE_OK;
    }
    sqlite3_finalize(s);
    return rc == SQLITE_OK ? COFRE_OK : store_fail(w, rc);
}

static enum cofre_err
exec(struct store_conn *w, const char *sql)
{
    int rc = sqlite3_exec(w->db, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? COFRE_OK : store_fail(w, rc);
}

/* Each script ends by setting user_version: both happen, or neither. */
static enum cofre_err
step(struct store_conn *w, const char *script)
{
    enum cofre_err err = exec(w, "BEGIN IMMEDIATE");

    if (err != COFRE_OK)
        return err;
    if ((err = exec(w, script)) == COFRE_OK)
        err = exec(w, "COMMIT");
    if (err != COFRE_OK && sqlite3_get_autocommit(w->db) == 0)
        (void)sqlite3_exec(w->db, "ROLLBACK", NULL, NULL, NULL);
    return err;
}

enum cofre_err
store_migrate(struct store_conn *w, bool *fresh, struct cofre_why *why)
{
    int64_t version = 0;
    int64_t application = 0;
    enum cofre_err err;

    if ((err = pragma_get(w, "PRAGMA user_version", &version)) != COFRE_OK ||
        (err = pragma_get(w, "PRAGMA application_id", &application)) != COFRE_OK)
        return cofre_why_set(why, err, "vault.db: %s", store_cause(w));
    if (version > STORE_VERSION)
        return cofre_why_set(why, COFRE_EFORMAT,
                             "vault.db is of version %lld, made by a newer cofre; this one knows "
                             "versions up to %d",
                             (long long)version, STORE_VERSION);
    if (version < 0 || (application != STORE_APPLICATION && (version != 0 || application != 0)))
        return cofre_why_set(why, COFRE_EFORMAT, "vault.db is not a vault's database");

    *fresh = version == 0;
    for (; version < STORE_VERSION; version++)
        if ((err = step(w, store_migrations[version])) != COFRE_OK)
            return cofre_why_set(why, err, "vault.db: to version %lld: %s",
                                 (long long)version + 1, store_cause(w));
    return COFRE_OK;
}
