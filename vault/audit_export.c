#include <stdio.h>
#include <string.h>

#include "audit/log_prune.h"
#include "cofre/audit.h"
#include "cofre/encode.h"
#include "vault/vault_internal.h"

/* A piece of the log for a collector. */

enum { EXPORT_BYTES_MAX = 4 * 1024 * 1024 };

struct piece {
    struct cofre_call *call;
    bool news; /* something that is not an export that follows */
    bool full;
};

/*
 * An export that follows must not be woken by the entries that exports which follow leave, its own or
 * another's: they would go on for ever.  An entry has one spelling, so its bytes tell.
 */
static bool
of_a_follower(struct bytes line)
{
    static const char act[] = ",\"act\":\"audit-export\",";
    static const char field[] = ",\"fields\":[\"follow\",";

    return memmem(line.p, line.len, act, sizeof act - 1) != NULL &&
           memmem(line.p, line.len, field, sizeof field - 1) != NULL;
}

static enum cofre_err
put_line(void *ctx, uint64_t seq, struct bytes line)
{
    struct piece *p = ctx;
    struct buf *body = &p->call->body;

    (void)seq;
    if (p->full || body->len + line.len > EXPORT_BYTES_MAX) {
        p->full = true;
        return COFRE_OK;
    }
    p->news = p->news || !of_a_follower(line);
    buf_putb(body, line);
    buf_putc(body, '\n');
    p->call->n++;
    return buf_error(body);
}

static void
put_head(const struct cofre_vault *v, uint64_t first, uint64_t size, struct buf *out)
{
    buf_puts(out, "{\"origin\":");
    encode_json_string(out, bytes_str(v->origin));
    buf_putf(out, ",\"first\":%llu,\"size\":%llu}\n", (unsigned long long)first,
             (unsigned long long)size);
}

static void
name_fields(struct cofre_call *call, const struct cofre_export *e)
{
    char from[40];

    if (e->follow)
        cofre_call_field(call, BYTES_LIT("follow"));
    snprintf(from, sizeof from, "from-%llu", (unsigned long long)e->from);
    cofre_call_field(call, bytes_str(from));
}

bool
cofre_audit_export(struct cofre_vault *v, struct cofre_call *call, const struct cofre_export *e)
{
    struct piece p = {.call = call};
    struct cofre_why why = {{0}};
    struct log_head head;
    uint64_t n = 0;
    uint64_t first;
    uint64_t from;
    size_t begin;
    enum cofre_err err;

    if (!policy_role(call))
        return true;
    log_head(v->log, &head);
    first = log_prune_first(v->log);
    put_head(v, first, head.size, &call->body);
    begin = call->body.len;
    from = e->from > first ? e->from : first;
    if (from < head.size)
        n = e->limit < head.size - from ? e->limit : head.size - from;
    if ((err = log_entries(v->log, from, n, put_line, &p, &why)) != COFRE_OK) {
        policy_error(call, err, &why);
        return true;
    }
    call->content_type = "application/jsonl";
    name_fields(call, e);
    if (!e->follow || p.news)
        return true;
    call->body.len = begin;
    return false;
}
