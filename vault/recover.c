#include <stdlib.h>
#include <string.h>

#include "audit/entry.h"
#include "audit/log_prune.h"
#include "cofre/oplog.h"

#include "vault/recover.h"

struct owed {
    struct log *log;
    uint64_t n;
    bool unfit; /* an entry does not follow: then the log is shorter than head says, too */
};

static enum cofre_err
stage_line(void *ctx, uint64_t seq, struct bytes line)
{
    struct owed *o = ctx;
    enum cofre_err err = log_stage_line(o->log, line);

    (void)seq;
    o->unfit = err == COFRE_EINTEGRITY;
    o->n += err == COFRE_OK;
    return err;
}

static enum cofre_err
stage_outbox(struct cofre_vault *v, struct store_conn *conn, struct cofre_why *why)
{
    struct owed o = {.log = v->log};
    struct log_head head;
    enum cofre_err err;

    log_head(v->log, &head);
    err = store_outbox_each(conn, head.size, stage_line, &o);
    if (err != COFRE_OK && !o.unfit)
        return cofre_why_set(why, err, "vault.db: %s", store_cause(conn));
    if (o.n > 0)
        oplog_line(OPLOG_INFO, "audit log: %llu entries of committed changes are owed after a crash",
                   (unsigned long long)o.n);
    return COFRE_OK;
}

/* The root at a size that is durable, or that of all that is staged. */
static enum cofre_err
root_at(struct cofre_vault *v, uint64_t size, uint8_t root[static HASH_LEN], struct cofre_why *why)
{
    struct log_head staged;

    log_staged_head(v->log, &staged);
    if (size != staged.size)
        return log_root_at(v->log, size, root, why);
    memcpy(root, staged.root, HASH_LEN);
    return COFRE_OK;
}

/* Looks for a change that the database does not know. */
struct beyond {
    struct entry_parsed *parsed;
    uint64_t seq;
    bool found;
};

static enum cofre_err
check_entry(void *ctx, uint64_t seq, struct bytes line)
{
    struct beyond *b = ctx;
    enum cofre_act act;
    enum cofre_err err;

    if ((err = entry_parse(line, b->parsed)) != COFRE_OK)
        return COFRE_EINTEGRITY;
    if (!b->parsed->e.ok || cofre_act_parse(b->parsed->e.act, &act) != COFRE_OK ||
        !cofre_act_mutates(act))
        return COFRE_OK;
    b->found = true;
    b->seq = seq;
    return COFRE_EINTEGRITY;
}

static enum cofre_err
check_beyond(struct cofre_vault *v, const struct store_head *db, uint64_t size, struct findings *f,
             struct cofre_why *why)
{
    struct beyond b = {.parsed = malloc(sizeof *b.parsed)};
    struct cofre_why cause = {""};
    enum cofre_err err;

    if (b.parsed == NULL)
        return COFRE_ENOMEM;
    err = log_entries(v->log, db->log_size, size - db->log_size, check_entry, &b, &cause);
    if (err == COFRE_ENOENT) { /* pruned; the change that announced it lies behind */
        b.found = true;
        b.seq = log_prune_first(v->log);
    } else if (!b.found && err != COFRE_OK) {
        err = cofre_why_set(why, err, "%s", cause.text);
    }
    if (b.found)
        err = findings_add(f, FOUND_OLDER_DATABASE, why,
                           "vault.db is older than audit/: the log has a change at entry %llu of %llu, "
                           "vault.db ends at %llu; put the newer vault.db back, with its -wal file"
                           FINDINGS_LAST_WAY,
                           (unsigned long long)b.seq, (unsigned long long)size,
                           (unsigned long long)db->log_size);
    free(b.parsed);
    return err;
}

/* The log is shorter than the database knows it, with what the database owes it. */
static enum cofre_err
log_too_short(const struct store_head *db, uint64_t size, struct findings *f, struct cofre_why *why)
{
    return findings_add(f, FOUND_OLDER_LOG, why,
                        "audit/ (%llu entries) is older than vault.db, which saw %llu: %llu are missing; "
                        "put the newer audit/ back" FINDINGS_LAST_WAY,
                        (unsigned long long)size, (unsigned long long)db->log_size,
                        (unsigned long long)(db->log_size - size));
}

static enum cofre_err
two_histories(uint64_t at, struct findings *f, struct cofre_why *why)
{
    return findings_add(f, FOUND_FORKED, why,
                        "audit/ and vault.db are of two histories: their roots differ at entry %llu; put "
                        "back those that belong together" FINDINGS_LAST_WAY,
                        (unsigned long long)at);
}

static enum cofre_err
compare(struct cofre_vault *v, const struct store_head *db, struct findings *f,
        struct cofre_why *why)
{
    struct log_head log; /* with what is owed to it */
    uint8_t root[HASH_LEN];
    enum cofre_err err;

    log_staged_head(v->log, &log);
    findings_log(f, log.size, log.root);
    findings_log(f, db->log_size, db->log_root);
    if (log.size < db->log_size)
        return log_too_short(db, log.size, f, why);
    if ((err = root_at(v, db->log_size, root, why)) != COFRE_OK)
        return err;
    if (memcmp(root, db->log_root, HASH_LEN) != 0 && db->log_size > 0)
        return two_histories(db->log_size, f, why);
    return log.size == db->log_size ? COFRE_OK : check_beyond(v, db, log.size, f, why);
}

enum cofre_err
recover_check(struct cofre_vault *v, struct findings *found, struct cofre_why *why)
{
    struct store_conn *conn = NULL;
    struct store_head db;
    enum cofre_err err;

    if ((err = store_snapshot(v->store, &conn, why)) != COFRE_OK)
        return err;
    if ((err = store_head_get(conn, &db)) == COFRE_OK)
        err = stage_outbox(v, conn, why);
    store_snapshot_end(conn);
    if (err != COFRE_OK)
        return err;
    findings_database(found, db.generation, db.incarnation);
    atomic_store(&v->generation, db.generation);
    return compare(v, &db, found, why);
}
