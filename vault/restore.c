#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cofre/encode.h"
#include "cofre/oplog.h"
#include "vault/anchor.h"
#include "vault/rows.h"

#include "vault/vault_internal.h"

/*
 * `cofre restore --declare`: what is there is taken as it is, and the log says so, first of all.
 *
 * Rows, head and the entry are one transaction of the committer's, like any other mutation; then comes the anchor.
 * After a crash in between the anchor is of the incarnation before, the start is refused still, and the same
 * command ends it with one more entry.
 */
struct declaration {
    struct findings found;
    uint32_t incarnation;
    struct cofre_why why;
};

static enum cofre_err
apply(struct cofre_vault *v, struct cofre_call *call)
{
    struct declaration *d = call->op;
    struct store_conn *w = store_writer(v->store);
    enum cofre_err err;

    /* Entries that are owed were paid before; what is left does not follow what the log has. */
    if ((err = store_outbox_trim(w, UINT64_MAX)) != COFRE_OK ||
        (err = store_incarnate(w, d->incarnation, d->found.generation)) != COFRE_OK)
        return cofre_why_set(&d->why, err, "vault.db: %s", store_cause(w));
    return store_rows_rebuild(w, &d->why);
}

static void
put_fields(const struct declaration *d, struct cofre_call *call)
{
    struct buf text = BUF_INIT;

    buf_putf(&text, "incarnation-%u%csize-%" PRIu64 "%c", (unsigned)d->incarnation, 0,
             d->found.log_size, 0);
    encode_hex(&text, BYTES_OF(d->found.log_root));
    buf_putf(&text, "%cgeneration-%" PRIu64 "%c", 0, d->found.generation, 0);
    for (unsigned i = 0; i < FINDINGS; i++)
        if (d->found.found[i])
            buf_putf(&text, "%s%c", findings_word((enum finding)i), 0);
    call->fields.failed = call->fields.failed || text.failed;
    for (size_t at = 0; at < text.len;) {
        size_t len = strlen((const char *)text.p + at);

        cofre_call_field(call, (struct bytes){text.p + at, len});
        at += len + 1;
    }
    buf_free(&text);
}

/* The entry, and in its transaction all that it stands for. */
static enum cofre_err
record(struct cofre_vault *v, const char *actor, struct declaration *d, struct buf *out,
       struct cofre_why *why)
{
    struct cofre_call call;
    enum cofre_err err = COFRE_OK;

    cofre_call_init(&call);
    snprintf(call.actor.id, sizeof call.actor.id, "%s", actor);
    call.actor.role = COFRE_ROLE_ADMIN;
    call.act = COFRE_ACT_RESTORE;
    put_fields(d, &call);
    commit_prepare(&call, d, apply, NULL);
    cofre_submit_wait(v, &call);
    if (!cofre_call_ok(&call) || !call.recorded) {
        err = call.outcome == COFRE_OUT_INTEGRITY ? COFRE_EINTEGRITY : COFRE_ESTOPPED;
        cofre_why_set(why, err, "%s",
                      d->why.text[0] != 0 ? d->why.text : "the declaration could not be written");
    }
    buf_putf(out, ",\"entry\":%" PRIu64 ",\"hash\":\"", call.seq);
    encode_hex(out, BYTES_OF(call.leaf));
    buf_puts(out, "\"");
    cofre_call_free(&call);
    return err;
}

static void
put_findings(const struct declaration *d, struct buf *out)
{
    bool first = true;

    buf_puts(out, "{\"found\":[");
    for (unsigned i = 0; i < FINDINGS; i++) {
        if (!d->found.found[i])
            continue;
        buf_putf(out, "%s{\"what\":\"%s\",\"detail\":", first ? "" : ",",
                 findings_word((enum finding)i));
        encode_json_string(out, bytes_str(d->found.text[i].text));
        buf_putc(out, '}');
        first = false;
    }
    buf_putf(out, "],\"incarnation\":%u,\"size\":%" PRIu64 ",\"root\":\"", (unsigned)d->incarnation,
             d->found.log_size);
    encode_hex(out, BYTES_OF(d->found.log_root));
    buf_putf(out, "\",\"generation\":%" PRIu64, d->found.generation);
}

/* Writes: log, rows and entry, then the anchor. */
static enum cofre_err
declare(struct cofre_vault *v, const struct cofre_vault_config *config, const char *actor,
        struct declaration *d, struct buf *out, struct cofre_why *why)
{
    struct anchor now;
    enum cofre_err err;

    if ((err = vault_start_log(v, config, why)) != COFRE_OK)
        return err;
    store_rows_accept(v->store);
    if ((err = commit_start(v, why)) != COFRE_OK ||
        (err = record(v, actor, d, out, why)) != COFRE_OK ||
        (err = anchor_now(v, &now, why)) != COFRE_OK)
        return err;
    oplog_line(OPLOG_WARNING, "incarnation %u begins", (unsigned)d->incarnation);
    return anchor_write(v, &now, why);
}

/* Everything that could be in the way, before anything is written. */
static enum cofre_err
look(struct cofre_vault *v, const struct cofre_vault_config *config, struct declaration *d,
     struct cofre_why *why)
{
    enum cofre_err err;

    if ((err = vault_check(v, config, &d->found, why)) != COFRE_OK)
        return err;
    if (!findings_any(&d->found))
        return cofre_why_set(why, COFRE_ECONFLICT,
                             "log, database, keyring and anchor agree, and the rows add up: there is "
                             "nothing to declare");
    if ((err = catalog_read(v, &v->catalog, why)) != COFRE_OK)
        return cofre_why_add(why, err, "what is here could not be served");
    d->incarnation = d->found.incarnation + 1;
    return COFRE_OK;
}

enum cofre_err
cofre_vault_declare(const struct cofre_vault_config *config, const char *actor, bool dry_run,
                    struct buf *out, struct cofre_why *why)
{
    struct declaration d = {.found = {.collect = true}};
    struct cofre_vault *v = NULL;
    bool writing = false;
    enum cofre_err err;
    enum cofre_err closed;

    if ((err = vault_new(config, &v)) == COFRE_OK && (err = look(v, config, &d, why)) == COFRE_OK) {
        put_findings(&d, out);
        writing = !dry_run;
        if (writing)
            err = declare(v, config, actor, &d, out, why);
        buf_putf(out, ",\"dry_run\":%s}", dry_run ? "true" : "false");
    }
    if (v == NULL)
        return err;
    if (!writing)
        store_leave_files(v->store);
    commit_stop(v);
    closed = log_close(v->log, why);
    vault_free(v);
    if (err == COFRE_OK)
        err = closed;
    return err == COFRE_OK ? buf_error(out) : err;
}
