#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/log_prune.h"
#include "audit/proof.h"
#include "audit/tiles.h"
#include "cofre/audit.h"
#include "cofre/encode.h"
#include "vault/disk.h"
#include "vault/vault_internal.h"

/* The log, read through the vault. */

enum { ENTRIES_BYTES_MAX = 4 * 1024 * 1024, VKEYS_MAX = 65536 };

void
cofre_audit_checkpoint(struct cofre_vault *v, struct cofre_call *call)
{
    struct cofre_why why = {{0}};
    struct log_head head;
    enum cofre_err err;

    if (!policy_role(call))
        return;
    log_head(v->log, &head);
    call->content_type = "text/plain; charset=utf-8";
    if ((err = log_checkpoint(v->log, head.size, &call->body, &why)) != COFRE_OK)
        policy_error(call, err, &why);
}

void
cofre_audit_tile(struct cofre_vault *v, struct cofre_call *call, struct bytes path)
{
    struct cofre_why why = {{0}};
    struct buf whole = BUF_INIT;
    struct tiles_name name;
    enum cofre_err err;

    if (!policy_role(call))
        return;
    buf_puts(&whole, "tile/");
    buf_putb(&whole, path);
    if ((err = buf_error(&whole)) == COFRE_OK &&
        tiles_path_parse(buf_bytes(&whole), &name) != COFRE_OK)
        err = COFRE_ENOENT;
    if (err == COFRE_OK)
        err = tiles_read(v->audit_fd, &name, &call->body, &why);
    if (err != COFRE_OK)
        policy_error(call, err, &why);
    call->content_type = "application/octet-stream";
    call->n = cofre_call_ok(call);
    buf_free(&whole);
}

struct listing {
    struct cofre_call *call;
    uint64_t next;
    bool full;
};

static enum cofre_err
put_entry(void *ctx, uint64_t seq, struct bytes line)
{
    struct listing *l = ctx;

    if (l->full || l->call->body.len + line.len > ENTRIES_BYTES_MAX) {
        l->full = true;
        return COFRE_OK;
    }
    if (l->call->n > 0)
        buf_putc(&l->call->body, ',');
    encode_json_string(&l->call->body, line);
    l->call->n++;
    l->next = seq + 1;
    return buf_error(&l->call->body);
}

void
cofre_audit_entries(struct cofre_vault *v, struct cofre_call *call, uint64_t from, uint64_t limit)
{
    struct listing l = {.call = call, .next = from};
    struct cofre_why why = {{0}};
    struct log_head head;
    enum cofre_err err = COFRE_OK;

    if (!policy_role(call))
        return;
    log_head(v->log, &head);
    if (from < log_prune_first(v->log)) {
        (void)snprintf(why.text, sizeof why.text, "entries below %llu were pruned",
                       (unsigned long long)log_prune_first(v->log));
        cofre_call_fail(call, COFRE_OUT_NOT_FOUND, "?from", why.text);
        return;
    }
    buf_puts(&call->body, "{\"entries\":[");
    if (from < head.size)
        err = log_entries(v->log, from, limit < head.size - from ? limit : head.size - from,
                          put_entry, &l, &why);
    if (err != COFRE_OK) {
        policy_error(call, err, &why);
        return;
    }
    buf_puts(&call->body, "],\"next\":");
    if (l.next < head.size)
        buf_put_u64_dec(&call->body, l.next);
    else
        buf_puts(&call->body, "null");
    buf_putc(&call->body, '}');
}

/* Whose entry is it, and what does it say? */
struct owner {
    const char *actor;
    bool any;
    bool same;
    struct buf line;
};

static enum cofre_err
check_owner(void *ctx, uint64_t seq, struct bytes line)
{
    struct owner *o = ctx;
    struct entry_parsed *p = malloc(sizeof *p);

    (void)seq;
    if (p == NULL)
        return COFRE_ENOMEM;
    o->same = o->any || (entry_parse(line, p) == COFRE_OK &&
                         bytes_equal(p->e.actor, bytes_str(o->actor)));
    free(p);
    buf_putb(&o->line, line);
    return buf_error(&o->line);
}

void
cofre_audit_proof(struct cofre_vault *v, struct cofre_call *call, uint64_t seq, bool with_entry)
{
    struct owner o = {.actor = call->actor.id};
    struct cofre_why why = {{0}};
    struct log_head head;
    enum cofre_err err = COFRE_OK;

    if (!policy_role(call))
        return;
    log_head(v->log, &head);
    o.any = call->actor.role == COFRE_ROLE_ADMIN || call->actor.role == COFRE_ROLE_COMPLIANCE;
    if (seq >= head.size)
        err = COFRE_ENOENT;
    else if (o.any && !with_entry)
        o.same = true;
    else
        err = log_entries(v->log, seq, 1, check_owner, &o, &why);
    if (err == COFRE_OK && !o.same)
        err = COFRE_ENOENT;
    call->content_type = "text/plain; charset=utf-8";
    if (err == COFRE_OK)
        err = log_prove(v->log, seq, &call->body, &why);
    if (err == COFRE_OK && with_entry) {
        proof_extra_put(&call->body, buf_bytes(&o.line));
        err = buf_error(&call->body);
    }
    buf_free(&o.line);
    if (err != COFRE_OK)
        policy_error(call, err, &why);
    call->n = cofre_call_ok(call);
}

enum cofre_err
cofre_audit_vkeys(struct cofre_vault *v, struct buf *out)
{
    return log_vkeys(v->log, out);
}
