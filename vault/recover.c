#include <stdlib.h>
#include <string.h>

#include "audit/entry.h"
#include "cofre/oplog.h"

#include "vault/recover.h"

struct owed {
    struct log *log;
    uint64_t n;
};

static enum cofre_err
stage_line(void *ctx, uint64_t seq, struct bytes line)
{
    struct owed *o = ctx;

    (void)seq;
    o->n++;
    return log_stage_line(o->log, line);
}

static enum cofre_err
stage_outbox(struct cofre_vault *v, struct store_conn *conn, struct cofre_why *why)
{
    struct owed o = {.log = v->log};
    struct log_head head;
    enum cofre_err err;

    log_head(v->log, &head);
    err = store_outbox_each(conn, head.size, stage_line, &o);
    if (err == COFRE_EINTEGRITY)
        return cofre_why_set(why, err,
                             "audit/ (%llu entries) is older than vault.db, or another history: the "
                             "entries that vault.db still owes it do not follow; put the newer audit/ back",
                             (unsigned long long)head.size);
    if (err != COFRE_OK)
        return err;
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
check_beyond(struct cofre_vault *v, const struct store_head *db, uint64_t size,
             struct cofre_why *why)
{
    struct beyond b = {.parsed = malloc(sizeof *b.parsed)};
    enum cofre_err err;

    if (b.parsed == NULL)
        return COFRE_ENOMEM;
    err = log_entries(v->log, db->log_size, size - db->log_size, check_entry, &b, why);
    if (b.found)
        cofre_why_set(why, err,
                      "vault.db is older than audit/: the log has a change at entry %llu, vault.db ends at "
                      "%llu; put the newer vault.db back, with its -wal file",
                      (unsigned long long)b.seq, (unsigned long long)db->log_size);
    free(b.parsed);
    return err;
}

enum cofre_err
recover_check(struct cofre_vault *v, struct cofre_why *why)
{
    struct store_conn *conn = NULL;
    struct store_head db;
    struct log_head log; /* with what is owed to it */
    uint8_t root[HASH_LEN];
    enum cofre_err err;

    if ((err = store_snapshot(v->store, &conn, why)) != COFRE_OK)
        return err;
    if ((err = store_head_get(conn, &db)) == COFRE_OK)
        err = stage_outbox(v, conn, why);
    store_snapshot_end(conn);
    if (err != COFRE_OK)
        return err;
    log_staged_head(v->log, &log);
    if (log.size < db.log_size)
        return cofre_why_set(why, COFRE_EINTEGRITY,
                             "audit/ (%llu entries) is older than vault.db, which saw %llu; put the "
                             "newer audit/ back",
                             (unsigned long long)log.size, (unsigned long long)db.log_size);
    if ((err = root_at(v, db.log_size, root, why)) != COFRE_OK)
        return err;
    if (memcmp(root, db.log_root, HASH_LEN) != 0 && db.log_size > 0)
        return cofre_why_set(why, COFRE_EINTEGRITY,
                             "audit/ and vault.db are of two histories: their roots differ at entry %llu",
                             (unsigned long long)db.log_size);
    atomic_store(&v->generation, db.generation);
    if (log.size == db.log_size)
        return COFRE_OK;
    return check_beyond(v, &db, log.size, why);
}
