#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "audit/log_prune.h"
#include "audit/tiles.h"
#include "cofre/audit.h"
#include "vault/anchor.h"

/*
 * Retention: entries of the log are given up, whole bundles of the oldest (log_prune.h).  The entry that
 * announces it goes through the database like a mutation's, so that the database never has to look for
 * entries that are gone: what it saw last lies behind them.
 */

/* ---- which bundles ---- */

struct first_ts {
    struct entry_parsed *parsed;
    uint64_t ts;
};

static enum cofre_err
take_ts(void *ctx, uint64_t seq, struct bytes line)
{
    struct first_ts *f = ctx;

    (void)seq;
    if (entry_parse(line, f->parsed) != COFRE_OK)
        return COFRE_EINTEGRITY;
    f->ts = f->parsed->e.ts;
    return COFRE_OK;
}

/*
 * The first entry that is not to go: the first of the first bundle that another one follows within the
 * time that is kept.  A clock that jumped ahead for a while makes it keep more, never less.
 */
static enum cofre_err
first_kept(struct cofre_vault *v, uint64_t keep_ms, uint64_t *below, struct cofre_why *why)
{
    const int64_t now = vault_now();
    const uint64_t oldest = now > 0 && (uint64_t)now > keep_ms ? (uint64_t)now - keep_ms : 0;
    struct first_ts f = {.parsed = malloc(sizeof *f.parsed)};
    const uint64_t most = log_prune_most(v->log);
    enum cofre_err err = COFRE_OK;

    if (f.parsed == NULL)
        return COFRE_ENOMEM;
    *below = log_prune_first(v->log);
    for (; err == COFRE_OK && *below + TILES_WIDTH <= most; *below += TILES_WIDTH) {
        err = log_entries(v->log, *below + TILES_WIDTH, 1, take_ts, &f, why);
        if (err == COFRE_OK && f.ts >= oldest)
            break;
    }
    free(f.parsed);
    return err;
}

/* After a crash the anchor is held against the entries from there on that it does not cover. */
static enum cofre_err
check_anchor(struct cofre_vault *v, uint64_t bundles, struct cofre_why *why)
{
    struct anchor a;
    enum cofre_err err = anchor_read(v, &a, why);

    if (err == COFRE_OK && a.log_size < bundles * TILES_WIDTH)
        err = cofre_why_set(why, COFRE_EBUSY, "the anchor does not cover them yet: try again");
    return err;
}

/* How many bundles; says in call why none. */
static bool
choose(struct cofre_vault *v, struct cofre_call *call, const struct cofre_prune_in *in,
       uint64_t *bundles)
{
    struct cofre_why why = {""};
    uint64_t below = in->below;
    enum cofre_err err = in->by_age ? first_kept(v, in->keep_s * 1000, &below, &why) : COFRE_OK;

    if (err == COFRE_OK)
        err = log_prune_check(v->log, below, bundles, &why);
    if (err == COFRE_OK)
        err = check_anchor(v, *bundles, &why);
    if (err == COFRE_EREFUSED || err == COFRE_EBUSY)
        cofre_call_fail(call, err == COFRE_EBUSY ? COFRE_OUT_BUSY : COFRE_OUT_REFUSED, "",
                        why.text);
    else if (err != COFRE_OK)
        policy_error(call, err, &why);
    return err == COFRE_OK;
}

/* ---- entries ---- */

/* One entry with these words; its seq.  False: it was not recorded, and outer says so. */
static bool
record(struct cofre_vault *v, struct cofre_call *outer, const char *word, uint64_t *seq)
{
    struct cofre_call call;
    bool ok;

    cofre_call_init(&call);
    call.actor = outer->actor;
    call.act = COFRE_ACT_AUDIT_PRUNE;
    call.outcome = outer->outcome;
    if (word[0] != '\0')
        cofre_call_field(&call, bytes_str(word));
    cofre_submit_wait(v, &call);
    ok = call.recorded && call.outcome == outer->outcome;
    *seq = call.seq;
    if (!ok)
        cofre_call_fail(outer, call.recorded ? call.outcome : COFRE_OUT_AUDIT, NULL, NULL);
    cofre_call_free(&call);
    return ok;
}

static bool
announce(struct cofre_vault *v, struct cofre_call *outer, uint64_t bundles, uint64_t *seq)
{
    char word[32];

    (void)snprintf(word, sizeof word, "bundles-%" PRIu64, bundles);
    return record(v, outer, word, seq);
}

/* ---- the command ---- */

static void
put_result(struct buf *out, uint64_t before, uint64_t bundles, bool dry_run)
{
    buf_putf(out, "{\"first\":%" PRIu64 ",\"bundles\":%" PRIu64 ",\"entries\":%" PRIu64 "%s}",
             bundles * TILES_WIDTH, bundles - before / TILES_WIDTH, bundles * TILES_WIDTH - before,
             dry_run ? ",\"dry_run\":true" : "");
}

/* Behind what put_result wrote: what a copy of the directory would still hold. */
static enum cofre_err
put_lingering(struct cofre_vault *v, struct buf *out, struct cofre_why *why)
{
    struct log_lingering in;
    enum cofre_err err = log_prune_lingering(v->log, &in, why);

    if (err != COFRE_OK || in.until == 0)
        return err;
    out->len--; /* the closing brace */
    buf_putf(out, ",\"journal\":{\"from\":%" PRIu64 ",\"until\":%" PRIu64 "}}", in.from, in.until);
    return buf_error(out);
}

static enum cofre_err
carry_out(struct cofre_vault *v, uint64_t bundles, uint64_t seq, struct cofre_why *why)
{
    struct buf text = BUF_INIT;
    /* A checkpoint over the entry: by then it is in the tiles. */
    enum cofre_err err = log_checkpoint(v->log, seq + 1, &text, why);

    buf_free(&text);
    return err == COFRE_OK ? log_prune(v->log, bundles, seq, why) : err;
}

void
cofre_audit_prune(struct cofre_vault *v, struct cofre_call *call, const struct cofre_prune_in *in)
{
    const uint64_t before = log_prune_first(v->log);
    struct cofre_why why = {""};
    uint64_t bundles = 0;
    uint64_t seq = 0;
    enum cofre_err err;

    if (!policy_role(call) || !choose(v, call, in, &bundles)) {
        (void)record(v, call, "", &seq);
        return;
    }
    if (in->dry_run) {
        if (record(v, call, "dry-run", &seq))
            put_result(&call->body, before, bundles, true);
        return;
    }
    if (!announce(v, call, bundles, &seq))
        return;
    if ((err = carry_out(v, bundles, seq, &why)) == COFRE_OK) {
        put_result(&call->body, before, bundles, false);
        err = put_lingering(v, &call->body, &why);
    }
    if (err == COFRE_OK)
        return;
    if (err == COFRE_EBUSY || err == COFRE_EAGAIN)
        cofre_call_fail(call, COFRE_OUT_BUSY, "", why.text);
    else
        policy_error(call, err, &why);
}
