#include <assert.h>

#include "vault/store/sums.h"

/* BEGIN alone takes no snapshot: the first read does, so it is made here. */
static enum cofre_err
begin_read(struct store_conn *c)
{
    enum cofre_err err;

    c->open = true;
    c->lost = COFRE_OK;
    if ((err = store_run(c, SQL_READER_BEGIN, NO_ARGS)) == COFRE_OK)
        err = store_run(c, SQL_HEAD_GET, NO_ARGS);
    return err;
}

/* Ends what is open, whatever state it is in. */
static void
leave(struct store_conn *c)
{
    store_end_all(c);
    if (sqlite3_get_autocommit(c->db) == 0)
        (void)sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
    c->open = false;
    c->saved = false;
    c->lost = COFRE_OK;
}

/* ---- readers ---- */

/* With lock held. */
static void
put_back(struct store *s, struct store_conn *c)
{
    c->next = s->free;
    s->free = c;
    s->idle++;
    pthread_cond_signal(&s->returned);
}

static void
end_read(struct store_conn *c)
{
    c->open = true;
    c->kept = false;
    store_end_all(c);
    if (store_run(c, SQL_COMMIT, NO_ARGS) != COFRE_OK)
        leave(c);
    c->open = false;
}

enum cofre_err
store_snapshot(struct store *s, struct store_conn **out, struct cofre_why *why)
{
    struct store_conn *c;
    enum cofre_err err;
    bool newest;

    *out = NULL;
    pthread_mutex_lock(&s->lock);
    while (s->free == NULL)
        pthread_cond_wait(&s->returned, &s->lock);
    c = s->free;
    s->free = c->next;
    s->idle--;
    newest = c->kept && c->seen == s->commits;
    c->seen = s->commits; /* before the snapshot begins: it may be newer than this says, not older */
    pthread_mutex_unlock(&s->lock);

    if (newest) {
        c->kept = false;
        c->open = true;
        *out = c;
        return COFRE_OK;
    }
    if (c->kept)
        end_read(c);
    if ((err = begin_read(c)) != COFRE_OK) {
        (void)cofre_why_set(why, err, "vault.db: %s", store_cause(c));
        store_snapshot_end(c);
        return err;
    }
    *out = c;
    return COFRE_OK;
}

void
store_snapshot_end(struct store_conn *c)
{
    struct store *s;

    if (c == NULL)
        return;
    s = c->store;
    assert(c != s->writer);
    store_end_all(c);
    pthread_mutex_lock(&s->lock);
    if (!s->writing && c->seen == s->commits && c->lost == COFRE_OK && c->broken == COFRE_OK) {
        c->kept = true;
        c->open = false;
        put_back(s, c);
        pthread_mutex_unlock(&s->lock);
        return;
    }
    pthread_mutex_unlock(&s->lock);
    end_read(c);
    pthread_mutex_lock(&s->lock);
    put_back(s, c);
    pthread_mutex_unlock(&s->lock);
}

/* Ends the snapshots that idle readers kept: the writer is about to begin. */
static void
writing_begins(struct store *s)
{
    pthread_mutex_lock(&s->lock);
    s->writing = true;
    for (struct store_conn *c = s->free; c != NULL; c = c->next)
        if (c->kept)
            end_read(c);
    pthread_mutex_unlock(&s->lock);
}

static void
writing_ends(struct store *s)
{
    pthread_mutex_lock(&s->lock);
    s->writing = false;
    s->commits++; /* after a rollback as well: it costs one fresh snapshot */
    pthread_mutex_unlock(&s->lock);
}

/* ---- the writer ---- */

struct store_conn *
store_writer(struct store *s)
{
    return s->writer;
}

enum cofre_err
store_begin(struct store_conn *w)
{
    enum cofre_err err;

    assert(!w->open);
    writing_begins(w->store);
    w->open = true;
    w->lost = COFRE_OK;
    err = store_run(w, SQL_WRITER_BEGIN, NO_ARGS);
    if (err == COFRE_OK && w->sums != NULL)
        err = sums_begin(w);
    if (err != COFRE_OK) {
        leave(w);
        writing_ends(w->store);
    }
    return err;
}

static enum cofre_err
head_set(struct store_conn *w, struct store_head *next)
{
    struct sums_column sums;
    struct bytes mac = BYTES_NONE;
    enum cofre_err err;

    if ((err = sums_column(w, next, &sums)) != COFRE_OK)
        return err;
    next->summed = sums.len > 0;
    if (sums.len > 0)
        mac = BYTES_OF(sums.mac);
    return store_run(w, SQL_HEAD_SET,
                     ARGS(ARG_INT(next->generation), ARG_INT(next->log_size),
                          ARG_FIXED(next->log_root, sizeof next->log_root),
                          ARG_INT(sums.version), ARG_FIXED(sums.encoded, sums.len), ARG_BLOB(mac)));
}

enum cofre_err
store_commit(struct store_conn *w, struct store_head *head)
{
    struct store_head next;
    enum cofre_err err;

    assert(w->open);
    store_end_all(w);
    if ((err = store_head_get(w, &next)) == COFRE_OK) {
        next.generation++;
        next.log_size = head->log_size;
        memcpy(next.log_root, head->log_root, sizeof next.log_root);
        err = head_set(w, &next);
    }
    if (err == COFRE_OK && (err = store_run(w, SQL_COMMIT, NO_ARGS)) == COFRE_OK) {
        *head = next;
        if (w->sums != NULL)
            sums_copy(w->sums->sums, &w->sums->kept, &w->sums->now);
    }
    leave(w);
    writing_ends(w->store);
    return err;
}

void
store_rollback(struct store_conn *w)
{
    assert(w->open);
    leave(w);
    writing_ends(w->store);
}

enum cofre_err
store_savepoint(struct store_conn *w)
{
    enum cofre_err err;

    assert(!w->saved);
    err = store_run(w, SQL_SAVEPOINT, NO_ARGS);
    w->saved = err == COFRE_OK;
    if (w->saved && w->sums != NULL)
        sums_copy(w->sums->sums, &w->sums->saved, &w->sums->now);
    return err;
}

enum cofre_err
store_release(struct store_conn *w)
{
    assert(w->saved);
    w->saved = false;
    return store_run(w, SQL_RELEASE, NO_ARGS);
}

enum cofre_err
store_undo(struct store_conn *w)
{
    enum cofre_err err;

    assert(w->saved);
    err = store_run(w, SQL_UNDO, NO_ARGS);
    if (err == COFRE_OK && w->sums != NULL)
        sums_copy(w->sums->sums, &w->sums->now, &w->sums->saved);
    return err == COFRE_OK ? store_release(w) : err;
}

enum cofre_err
store_incarnate(struct store_conn *w, uint32_t incarnation, uint64_t generation)
{
    return store_run(w, SQL_HEAD_INCARNATE, ARGS(ARG_INT(incarnation), ARG_INT(generation)));
}

enum cofre_err
store_head_get(struct store_conn *c, struct store_head *out)
{
    sqlite3_stmt *s;
    bool good;
    enum cofre_err err = store_one(c, SQL_HEAD_GET, NO_ARGS);

    if (err != COFRE_OK)
        return err == COFRE_ENOENT ? store_misshapen(c) : err;
    s = c->stmt[SQL_HEAD_GET];
    out->generation = store_column_u64(s, 0);
    out->log_size = store_column_u64(s, 1);
    out->incarnation = store_column_u32(s, 3);
    out->summed = store_column_u32(s, 4) != 0;
    good = store_column_fixed(s, 2, out->log_root, sizeof out->log_root);
    store_end(c, SQL_HEAD_GET);
    return good ? COFRE_OK : store_misshapen(c);
}
