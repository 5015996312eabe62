#include "cofre/encode.h"

#include "vault/records/results.h"

static void
head(struct buf *out, size_t index, enum cofre_outcome outcome)
{
    if (index > 0)
        buf_putc(out, ',');
    buf_puts(out, "{\"index\":");
    buf_put_u64_dec(out, index);
    buf_puts(out, ",\"status\":");
    buf_put_u64_dec(out, cofre_outcome(outcome)->http);
}

void
results_ok(struct buf *out, size_t index, enum cofre_outcome outcome, const char *id,
           const char *extra)
{
    head(out, index, outcome);
    buf_puts(out, ",\"id\":\"");
    buf_puts(out, id);
    buf_putc(out, '"');
    if (extra != NULL)
        buf_puts(out, extra);
    buf_putc(out, '}');
}

void
results_problem(struct buf *out, size_t index, enum cofre_outcome outcome,
                const struct cofre_fault *faults, size_t n)
{
    head(out, index, outcome);
    buf_puts(out, ",\"problem\":{\"code\":");
    encode_json_string(out, bytes_str(cofre_outcome(outcome)->code));
    buf_puts(out, ",\"errors\":[");
    for (size_t i = 0; i < n; i++) {
        buf_puts(out, i > 0 ? ",{\"pointer\":" : "{\"pointer\":");
        encode_json_string(out, bytes_str(faults[i].pointer));
        buf_puts(out, ",\"detail\":");
        encode_json_string(out, bytes_str(faults[i].reason));
        buf_putc(out, '}');
    }
    buf_puts(out, "]}}");
}
