#include "cofre/encode.h"

#include "problem.h"

static void
member(struct buf *out, const char *name, const char *text)
{
    buf_putc(out, '"');
    buf_puts(out, name);
    buf_puts(out, "\":");
    encode_json_string(out, bytes_str(text));
}

static void
errors(const struct cofre_call *call, struct buf *out)
{
    buf_puts(out, ",\"errors\":[");
    for (size_t i = 0; i < call->n_faults; i++) {
        buf_puts(out, i > 0 ? ",{" : "{");
        member(out, "pointer", call->faults[i].pointer);
        buf_putc(out, ',');
        member(out, "detail", call->faults[i].reason);
        buf_putc(out, '}');
    }
    buf_putc(out, ']');
}

void
problem_write(struct cofre_call *call, const char *request_id)
{
    const struct cofre_outcome_info *info = cofre_outcome(call->outcome);
    struct buf *out = &call->body;

    buf_puts(out, "{\"type\":\"urn:cofre:problem:");
    buf_puts(out, info->code);
    buf_puts(out, "\",");
    member(out, "title", info->title);
    buf_puts(out, ",\"status\":");
    buf_put_u64_dec(out, info->http);
    buf_putc(out, ',');
    member(out, "code", info->code);
    buf_putc(out, ',');
    member(out, "request_id", request_id);
    /* Faults of a request that failed for another reason in the end would mislead. */
    if (call->n_faults > 0 && info->http < 500)
        errors(call, out);
    buf_putc(out, '}');
    call->content_type = "application/problem+json";
}
