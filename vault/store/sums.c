#include <stdlib.h>

#include "cofre/secret.h"

#include "vault/store/sums.h"

static const char label[] = "cofre/v1/row";

/* The parts that are recounted at every start, because a row of them takes a right away. */
static const char *const vital[] = {"consent", "doc", "token"};

/* ---- the parts ---- */

static struct sums_part *
add_part(struct sums *s, const char *name, const char *table)
{
    struct sums_part *p = &s->part[s->n];

    if (s->n == SUMS_MAX || strlen(name) > SUMS_NAME || strlen(table) > SUMS_NAME)
        return NULL;
    memcpy(p->name, name, strlen(name) + 1);
    memcpy(p->table, table, strlen(table) + 1);
    for (size_t i = 0; i < sizeof vital / sizeof *vital; i++)
        p->vital = p->vital || strcmp(name, vital[i]) == 0;
    s->n++;
    return p;
}

/* Every table but head; and of the customers the restricted ones once more. */
static enum cofre_err
find_parts(struct store_conn *c, struct sums *s)
{
    static const char sql[] = "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND "
                              "name NOT GLOB 'sqlite_*' AND name <> 'head' ORDER BY name";
    sqlite3_stmt *q = NULL;
    int rc = sqlite3_prepare_v2(c->db, sql, -1, &q, NULL);
    bool room = true;

    while (rc == SQLITE_OK && room && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(q, 0);

        room = name != NULL && add_part(s, name, name) != NULL;
        if (room && strcmp(name, "customer") == 0) {
            struct sums_part *p = add_part(s, "customer-restricted", name);
            if ((room = p != NULL)) {
                p->index = "customer_restricted";
                p->vital = true;
            }
        }
        rc = SQLITE_OK;
    }
    sqlite3_finalize(q);
    if (!room)
        return COFRE_ELIMIT;
    return rc == SQLITE_DONE ? COFRE_OK : store_fail(c, rc);
}

static void
set_prefix(struct sums_part *p, unsigned n_columns)
{
    size_t name = strlen(p->name);
    uint8_t *to = p->prefix;

    bytes_set_le64(to, 2 + (uint64_t)n_columns); /* the label, the table, the columns */
    bytes_set_le64(to + 8, sizeof label - 1);
    memcpy(to + 16, label, sizeof label - 1);
    to += 16 + sizeof label - 1;
    bytes_set_le64(to, name);
    memcpy(to + 8, p->name, name);
    p->prefix_len = (size_t)(to + 8 + name - p->prefix);
}

/* A part's columns, in the table's order. */
static enum cofre_err
find_columns(struct store_conn *c, struct sums_part *p)
{
    sqlite3_str *list = sqlite3_str_new(c->db);
    sqlite3_stmt *q = NULL;
    unsigned n = 0;
    int rc = sqlite3_prepare_v2(c->db, "SELECT name FROM pragma_table_info(?) ORDER BY cid", -1, &q,
                                NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_bind_text(q, 1, p->table, -1, SQLITE_STATIC);
    while (rc == SQLITE_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(q, 0);

        sqlite3_str_appendf(list, "%s\"%w\"", n == 0 ? "" : ", ", name);
        if (name != NULL && strcmp(name, SUMS_FLAGS) == 0)
            p->flags = (int)n;
        n++;
        rc = SQLITE_OK;
    }
    sqlite3_finalize(q);
    p->columns = sqlite3_str_finish(list);
    if (rc != SQLITE_DONE)
        return store_fail(c, rc);
    set_prefix(p, n);
    return p->columns != NULL && n > 0 ? COFRE_OK : COFRE_ENOMEM;
}

enum cofre_err
sums_new(struct store_conn *c, const struct store_rowtag *tag, struct sums **out,
         struct cofre_why *why)
{
    struct sums *s = calloc(1, sizeof *s);
    enum cofre_err err = COFRE_ENOMEM;

    *out = NULL;
    if (s == NULL)
        return COFRE_ENOMEM;
    if ((err = secret_new(sizeof *s->key, &s->memory)) != COFRE_OK)
        goto out;
    s->key = (struct hmac_key *)(void *)secret_data(s->memory);
    hmac_key_init(s->key, (struct bytes){tag->key, KEY_LEN});
    s->version = tag->version;
    memcpy(s->vault, tag->vault, sizeof s->vault);
    err = find_parts(c, s);
    for (size_t i = 0; i < s->n && err == COFRE_OK; i++)
        err = find_columns(c, &s->part[i]);
    if (err == COFRE_OK) {
        *out = s;
        s = NULL; /* moved to *out */
    } else if (err == COFRE_ELIMIT) {
        cofre_why_set(why, err, "vault.db: more tables than sums can be kept of");
    }
out:
    sums_free(s);
    return err;
}

void
sums_free(struct sums *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->n; i++)
        sqlite3_free(s->part[i].columns);
    secret_free(s->memory);
    free(s);
}

/* ---- rows that come and go ---- */

/* One value, as it is stored. */
static bool
put_value(struct sums_row *r, sqlite3_value *v)
{
    int type = sqlite3_value_type(v);
    struct bytes b = BYTES_NONE;
    uint8_t bits[8];
    double real;
    uint64_t n;

    if (type == SQLITE_TEXT || type == SQLITE_BLOB) {
        b.p = sqlite3_value_blob(v);
        b.len = (size_t)sqlite3_value_bytes(v);
        if (b.p == NULL && b.len > 0)
            return false;
    } else if (type == SQLITE_FLOAT) {
        real = sqlite3_value_double(v);
        memcpy(&n, &real, sizeof n);
        bytes_set_le64(bits, n);
        b = BYTES_OF(bits);
    }
    sums_row_put(r, type, sqlite3_value_int64(v), b);
    return true;
}

/* sqlite3_preupdate_old, or sqlite3_preupdate_new. */
typedef int value_fn(sqlite3 *db, int column, sqlite3_value **out);

/* False: a value could not be had. */
static bool
tag_row(const struct sums *s, const struct sums_part *p, sqlite3 *db, value_fn *value,
        uint8_t tag[static HASH_LEN])
{
    struct sums_row r;
    sqlite3_value *v = NULL;
    int n = sqlite3_preupdate_count(db);

    sums_row_begin(&r, s, p);
    for (int i = 0; i < n; i++)
        if (value(db, i, &v) != SQLITE_OK || !put_value(&r, v))
            return false;
    sums_row_end(&r, tag);
    return true;
}

/* Is the row one of this part? */
static bool
belongs(const struct sums_part *p, sqlite3 *db, value_fn *value)
{
    sqlite3_value *v = NULL;

    return p->index == NULL ||
           (value(db, p->flags, &v) == SQLITE_OK && (sqlite3_value_int64(v) & SUMS_FLAG) != 0);
}

/* SQLite's word, just before, that it changes a row of any table. */
static void
row_changes(void *arg, sqlite3 *db, int op, const char *schema, const char *table, sqlite3_int64 old,
            sqlite3_int64 now)
{
    struct sums_state *state = arg;
    const struct sums *s = state->sums;
    uint8_t tag[HASH_LEN] = {0};

    (void)old;
    (void)now;
    if (strcmp(schema, "main") != 0)
        return;
    for (size_t i = 0; i < s->n; i++) {
        const struct sums_part *p = &s->part[i];

        if (strcmp(p->table, table) != 0)
            continue;
        if (op != SQLITE_INSERT && belongs(p, db, sqlite3_preupdate_old)) {
            state->failed = !tag_row(s, p, db, sqlite3_preupdate_old, tag) || state->failed;
            sums_take(&state->now.sum[i], tag);
        }
        if (op != SQLITE_DELETE && belongs(p, db, sqlite3_preupdate_new)) {
            state->failed = !tag_row(s, p, db, sqlite3_preupdate_new, tag) || state->failed;
            sums_add(&state->now.sum[i], tag);
        }
    }
}

enum cofre_err
sums_attach(struct store_conn *w, const struct sums *s, bool fresh)
{
    if ((w->sums = calloc(1, sizeof *w->sums)) == NULL)
        return COFRE_ENOMEM;
    w->sums->sums = s;
    w->sums->kept.known = fresh;
    (void)sqlite3_preupdate_hook(w->db, row_changes, w->sums);
    return COFRE_OK;
}

/* ---- what head says ---- */

void
sums_copy(const struct sums *s, struct sums_at *to, const struct sums_at *from)
{
    to->known = from->known;
    memcpy(to->sum, from->sum, s->n * sizeof *to->sum);
}

static enum cofre_err
not_authentic(struct store_conn *c, const char *what)
{
    sqlite3_snprintf(STORE_CAUSE, c->cause, "%s", what);
    return COFRE_EINTEGRITY;
}

enum cofre_err
sums_read(struct store_conn *c, struct sum *out)
{
    const struct sums *s = c->store->sums;
    struct store_head head;
    struct bytes encoded;
    uint8_t mac[HASH_LEN];
    sqlite3_stmt *q;
    enum cofre_err err;

    if ((err = store_head_get(c, &head)) != COFRE_OK ||
        (err = store_one(c, SQL_HEAD_SUMS, NO_ARGS)) != COFRE_OK)
        return err;
    q = c->stmt[SQL_HEAD_SUMS];
    encoded = store_column(q, 1);
    sums_mac(s, &head, encoded, mac);
    if (encoded.len == 0)
        err = not_authentic(c, "there are no sums in head");
    else if (store_column_u32(q, 0) != s->version)
        err = not_authentic(c, "the sums in head are of another row-tag key");
    else if (!secret_equal(store_column(q, 2), BYTES_OF(mac)))
        err = not_authentic(c, "head does not authenticate");
    else if (sums_decode(s, encoded, out) != COFRE_OK)
        err = not_authentic(c, "a table that had rows is gone");
    store_end(c, SQL_HEAD_SUMS);
    return err;
}

enum cofre_err
sums_begin(struct store_conn *w)
{
    struct sums_state *state = w->sums;
    enum cofre_err err;

    if (!state->kept.known && !state->anew) {
        if ((err = sums_read(w, state->kept.sum)) != COFRE_OK)
            return err;
        state->kept.known = true;
    }
    sums_copy(state->sums, &state->now, &state->kept);
    state->failed = false;
    return COFRE_OK;
}

enum cofre_err
sums_column(const struct store_conn *w, const struct store_head *head, struct sums_column *out)
{
    const struct sums *s;

    out->version = 0;
    out->len = 0;
    if (w->sums == NULL)
        return COFRE_OK;
    if (w->sums->failed)
        return COFRE_ENOMEM;
    if (!w->sums->now.known)
        return COFRE_EINTEGRITY;
    s = w->sums->sums;
    out->version = s->version;
    out->len = sums_encode(s, w->sums->now.sum, out->encoded);
    sums_mac(s, head, (struct bytes){out->encoded, out->len}, out->mac);
    return COFRE_OK;
}
