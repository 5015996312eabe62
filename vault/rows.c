#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cofre/oplog.h"

#include "vault/rows.h"

/* Least priority, and how soon a check that failed for another reason is tried again. */
enum { NICE = 19, AGAIN_MS = 600 * 1000 };

void
rows_init(struct cofre_vault *v, const struct cofre_vault_config *config)
{
    struct vault_rows *r = &v->rows;
    pthread_condattr_t monotonic;

    r->at_start = config->check_below > 0 ? config->check_below : ROWS_AT_START;
    r->every_ms = config->check_every_ms > 0 ? config->check_every_ms : ROWS_EVERY_MS;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

/* ---- the start ---- */

static enum cofre_err
found_in(struct findings *f, const char *table, const struct cofre_why *cause, struct cofre_why *why)
{
    return findings_add(f, FOUND_ROWS, why,
                        "%s (%s: an old page, or a change from outside); put the newest whole vault.db "
                        "back, with its -wal file" FINDINGS_LAST_WAY,
                        cause->text, table);
}

static enum cofre_err
check_snapshot(struct cofre_vault *v, struct store_conn *conn, struct findings *f,
               struct cofre_why *why)
{
    struct cofre_why cause = {{0}};
    struct store_check check = {.all = true};
    struct store_head head;
    uint64_t rows = 0;
    enum cofre_err err;

    if ((err = store_head_get(conn, &head)) != COFRE_OK)
        return cofre_why_set(why, err, "vault.db: %s", store_cause(conn));
    v->rows.unsummed = !head.summed;
    if (!head.summed)
        return COFRE_OK; /* whether it should have some says the anchor */
    /* A count that does not authenticate is for the check to tell. */
    if (store_rows_count(conn, &rows) == COFRE_OK && rows > v->rows.at_start && !f->collect)
        check.all = false;
    err = store_rows_check(conn, &check, &cause);
    v->rows.all_checked = check.all;
    if (err == COFRE_EINTEGRITY)
        return found_in(f, check.table, &cause, why);
    return err == COFRE_OK ? err : cofre_why_set(why, err, "%s", cause.text);
}

enum cofre_err
rows_check(struct cofre_vault *v, struct findings *found, struct cofre_why *why)
{
    struct store_conn *conn = NULL;
    enum cofre_err err;

    if ((err = store_snapshot(v->store, &conn, why)) != COFRE_OK)
        return err;
    err = check_snapshot(v, conn, found, why);
    store_snapshot_end(conn);
    return err;
}

enum cofre_err
rows_upgrade(struct cofre_vault *v, struct cofre_why *why)
{
    struct store_conn *w = store_writer(v->store);
    struct store_head head;
    enum cofre_err err;

    if (!v->rows.unsummed)
        return COFRE_OK;
    store_rows_accept(v->store);
    if ((err = store_begin(w)) != COFRE_OK)
        return cofre_why_set(why, err, "vault.db: %s", store_cause(w));
    if ((err = store_head_get(w, &head)) != COFRE_OK ||
        (err = store_rows_rebuild(w, why)) != COFRE_OK) {
        store_rollback(w);
        return err;
    }
    if ((err = store_commit(w, &head)) != COFRE_OK)
        return cofre_why_set(why, err, "vault.db: %s", store_cause(w));
    v->rows.all_checked = true;
    oplog_line(OPLOG_INFO, "vault.db: its rows are summed from now on");
    return COFRE_OK;
}

/* ---- while it is open ---- */

bool
rows_sound(struct cofre_vault *v, struct cofre_why *why)
{
    if (!atomic_load(&v->rows.unsound))
        return true;
    cofre_why_set(why, COFRE_EINTEGRITY,
                  "vault.db: rows in %s do not add up; nothing is served: stop, keep a copy of everything",
                  v->rows.table);
    return false;
}

/* The system, and an admin who looks. */
static bool
may_go_on(const struct cofre_call *call)
{
    static const enum cofre_act looking[] = {COFRE_ACT_STATUS,       COFRE_ACT_DOCTOR,
                                             COFRE_ACT_AUDIT_VERIFY, COFRE_ACT_AUDIT_ENTRIES,
                                             COFRE_ACT_AUDIT_PROOF,  COFRE_ACT_AUDIT_CHECKPOINT,
                                             COFRE_ACT_AUDIT_EXPORT};

    if (call->actor.role == COFRE_ROLE_SYSTEM)
        return true;
    for (size_t i = 0; i < sizeof looking / sizeof *looking; i++)
        if (call->actor.role == COFRE_ROLE_ADMIN && call->act == looking[i])
            return true;
    return false;
}

void
rows_refuse(struct cofre_vault *v, struct commit_batch *b)
{
    if (!atomic_load(&v->rows.unsound))
        return;
    for (size_t i = 0; i < b->n; i++) {
        if (may_go_on(b->calls[i]) || !cofre_call_ok(b->calls[i]))
            continue;
        b->calls[i]->n_faults = 0;
        b->calls[i]->n = 0;
        commit_batch_refuse(b->calls[i], COFRE_OUT_UNSOUND);
    }
}

/* Nothing leaves from here on, then the entry; the first finding stays. */
static void
report(struct cofre_vault *v, const char *table, const struct cofre_why *why)
{
    struct cofre_call call;
    char field[COFRE_NAME_MAX];
    bool told;

    pthread_mutex_lock(&v->rows.lock);
    told = atomic_load(&v->rows.unsound);
    if (!told)
        snprintf(v->rows.table, sizeof v->rows.table, "%s", table);
    atomic_store(&v->rows.unsound, true);
    pthread_mutex_unlock(&v->rows.lock);
    if (told)
        return;
    oplog_line(OPLOG_ERROR, "%s; nothing is served any more", why->text);
    cofre_call_init(&call);
    call.actor.role = COFRE_ROLE_SYSTEM;
    call.act = COFRE_ACT_INTEGRITY;
    call.outcome = COFRE_OUT_UNSOUND;
    snprintf(field, sizeof field, "rows-%s", table);
    cofre_call_field(&call, bytes_str(field));
    cofre_submit_wait(v, &call);
    cofre_call_free(&call);
}

static bool
must_stop(void *ctx)
{
    struct cofre_vault *v = ctx;

    return atomic_load(&v->rows.stop);
}

enum cofre_err
cofre_vault_check_rows(struct cofre_vault *v, uint64_t *rows, unsigned *tables,
                       struct cofre_why *why)
{
    struct store_check check = {.all = true, .stop = must_stop, .ctx = v};
    struct cofre_why cause = {{0}};
    struct store_conn *conn = NULL;
    enum cofre_err err;

    if ((err = store_snapshot(v->store, &conn, &cause)) == COFRE_OK)
        err = store_rows_check(conn, &check, &cause);
    store_snapshot_end(conn);
    *rows = check.rows;
    *tables = check.tables;
    if (err == COFRE_EINTEGRITY)
        report(v, check.table[0] != 0 ? check.table : "file", &cause);
    return err == COFRE_OK ? err : cofre_why_set(why, err, "%s", cause.text);
}

/* ---- the thread ---- */

/* Waits; false when it is to end. */
static bool
wait_for(struct vault_rows *r, int64_t ms)
{
    struct timespec until = vault_until(ms);
    int waited = 0;

    pthread_mutex_lock(&r->lock);
    while (!atomic_load(&r->stop) && waited == 0)
        waited = pthread_cond_timedwait(&r->wake, &r->lock, &until);
    pthread_mutex_unlock(&r->lock);
    return !atomic_load(&r->stop);
}

static void *
watch(void *arg)
{
    struct cofre_vault *v = arg;
    int64_t wait = v->rows.all_checked ? v->rows.every_ms : 0;

    /* On Linux a thread has a priority of its own. */
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
    while (wait_for(&v->rows, wait)) {
        struct cofre_why why = {{0}};
        uint64_t rows;
        unsigned tables;
        enum cofre_err err = cofre_vault_check_rows(v, &rows, &tables, &why);

        if (err == COFRE_EINTEGRITY || err == COFRE_EAGAIN)
            break;
        if (err != COFRE_OK)
            oplog_line(OPLOG_WARNING, "rows: %s: %s", cofre_err_text(err), why.text);
        atomic_fetch_add(&v->rows.checks, err == COFRE_OK);
        wait = err == COFRE_OK || v->rows.every_ms < AGAIN_MS ? v->rows.every_ms : AGAIN_MS;
    }
    return NULL;
}

enum cofre_err
rows_start(struct cofre_vault *v, struct cofre_why *why)
{
    int r = pthread_create(&v->rows.thread, NULL, watch, v);

    if (r != 0)
        return cofre_why_os(why, COFRE_ENOMEM, r, "cannot start the thread that recounts rows");
    v->rows.running = true;
    return COFRE_OK;
}

void
rows_stop(struct cofre_vault *v)
{
    struct vault_rows *r = &v->rows;

    if (!r->running)
        return;
    pthread_mutex_lock(&r->lock);
    atomic_store(&r->stop, true);
    pthread_cond_signal(&r->wake);
    pthread_mutex_unlock(&r->lock);
    pthread_join(r->thread, NULL);
    r->running = false;
}
