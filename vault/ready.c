#include "cofre/oplog.h"
#include "vault/rows.h"
#include "vault/space.h"
#include "vault/witnesses.h"

#include "vault/ready.h"

/*
 * Whether accesses can be recorded and served.  One row for each thing that must be in order, the worst
 * first: the first that is not is the cause that is told.
 */
enum { REFUSED_MS = 5000 };

static bool
log_lives(struct cofre_vault *v, struct cofre_why *why)
{
    struct cofre_why trouble = {{0}};

    if (!log_dead(v->log))
        return true;
    log_trouble(v->log, &trouble);
    cofre_why_set(why, COFRE_ESTOPPED, "audit log: %s/audit: %s", v->dir, trouble.text);
    return false;
}

static bool
store_works(struct cofre_vault *v, struct cofre_why *why)
{
    if (!atomic_load(&v->store_unknown) && !atomic_load(&v->catalog_failed))
        return true;
    cofre_why_set(why, COFRE_EIO, "the database failed; see the server's output");
    return false;
}

static bool
has_reserve(struct cofre_vault *v, struct cofre_why *why)
{
    if (!space_full(v))
        return true;
    cofre_why_set(why, COFRE_ENOSPC, "disk full at %s", v->dir);
    return false;
}

/* Entries are durable in the journal, and serving goes on; proofs and checkpoints stand still. */
static bool
builder_works(struct cofre_vault *v, struct cofre_why *why)
{
    struct cofre_why trouble = {{0}};

    log_trouble(v->log, &trouble);
    if (trouble.text[0] == 0)
        return true;
    cofre_why_set(why, COFRE_EIO, "%s/audit: %s", v->dir, trouble.text);
    return false;
}

/* Still serving: time to make room. */
static bool
has_room(struct cofre_vault *v, struct cofre_why *why)
{
    return !space_low(v, why);
}

/* Whether it would go well by now only the next batch can tell: red for a while, then try. */
static bool
last_was_recorded(struct cofre_vault *v, struct cofre_why *why)
{
    int64_t refused = atomic_load(&v->refused);

    if (refused == 0 || vault_clock() - refused >= REFUSED_MS)
        return true;
    cofre_why_set(why, COFRE_ESTOPPED,
                  "the last access could not be recorded; see the server's output");
    return false;
}

static bool
anchor_kept(struct cofre_vault *v, struct cofre_why *why)
{
    if (!atomic_load(&v->anchor_failed))
        return true;
    cofre_why_set(why, COFRE_EIO, "the anchor cannot be written");
    return false;
}

/* Where they are required: a quorum did, not too long ago. */
static bool
witnesses_sign(struct cofre_vault *v, struct cofre_why *why)
{
    return !witnesses_overdue(v, why);
}

static const struct {
    const char *cause; /* as /readyz names it: a kind, no place */
    /* False: it is not in order, and why says how, for the operator. */
    bool (*holds)(struct cofre_vault *v, struct cofre_why *why);
} rows[] = {
    {"audit-log", log_lives},
    {"store", store_works},
    {"rows", rows_sound},
    {"disk-full", has_reserve},
    {"anchor", anchor_kept},
    {"witnesses", witnesses_sign},
    {"audit-refused", last_was_recorded},
    {"audit-behind", builder_works},
    {"disk-low", has_room},
};

const char *
cofre_vault_unready(struct cofre_vault *v, struct cofre_why *why)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!rows[i].holds(v, why))
            return rows[i].cause;
    return NULL;
}

bool
cofre_vault_ready(struct cofre_vault *v, struct cofre_why *why)
{
    return cofre_vault_unready(v, why) == NULL;
}

void
ready_watch(struct cofre_vault *v)
{
    struct cofre_why why = {{0}};
    const char *cause = cofre_vault_unready(v, &why);

    if (cause == v->ready_said)
        return;
    if (cause != NULL)
        oplog_line(OPLOG_WARNING, "not ready: %s", why.text);
    else
        oplog_line(OPLOG_INFO, "ready again");
    v->ready_said = cause;
}
