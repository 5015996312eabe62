#include <inttypes.h>
#include <stdio.h>

#include "cofre/encode.h"

#include "report.h"

bool
report_emit(struct buf *out)
{
    const bool ok = buf_error(out) == COFRE_OK && fwrite(out->p, 1, out->len, stdout) == out->len &&
                    fflush(stdout) == 0;

    buf_free(out);
    return ok;
}

static void
put_string(struct buf *out, const char *name, const char *text)
{
    buf_putf(out, ",\"%s\":", name);
    encode_json_string(out, bytes_str(text));
}

static void
put_json(struct buf *out, const struct report_proof *p)
{
    buf_putf(out, "{\"verdict\":\"%s\",\"exit\":%d", p->wrong == NULL ? "good" : "tampered",
             p->wrong != NULL);
    put_string(out, "signer", p->signer);
    if (p->wrong != NULL)
        put_string(out, "reason", p->wrong);
    else
        buf_putf(out,
                 ",\"index\":%" PRIu64 ",\"size\":%" PRIu64 ",\"witnesses\":%" PRIu64
                 ",\"receipt\":%s,\"reply\":%s",
                 p->index, p->size, p->witnesses, p->receipt ? "true" : "false",
                 p->reply ? "true" : "false");
    if (p->wrong == NULL && p->epochs > 0)
        buf_putf(out, ",\"epoch\":%zu,\"from\":%" PRIu64 ",\"entry_epoch\":%zu", p->epoch, p->from,
                 p->entry_epoch);
    else if (p->wrong == NULL)
        buf_puts(out, ",\"epoch\":null,\"from\":null,\"entry_epoch\":null");
    buf_puts(out, "}\n");
}

static void
put_text(struct buf *out, const struct report_proof *p)
{
    if (p->wrong != NULL) {
        buf_putf(out, "NOT PROVED: %s (%s).\n", p->wrong, p->signer);
        return;
    }
    buf_putf(out,
             "Good: this is entry %" PRIu64
             " of the log that %s signed, in a checkpoint of %" PRIu64 " entries.\n",
             p->index, p->signer, p->size);
    if (p->epochs > 0)
        buf_putf(out,
                 "  It is signed by the key of epoch %zu (from %" PRIu64
                 "), to which the seals lead.\n",
                 p->epoch, p->from);
    if (p->epochs > 0 && p->entry_epoch < p->epoch)
        buf_putf(out,
                 "  The entry is of epoch %zu: that it is as it was then, the key of epoch %zu "
                 "vouches,\n"
                 "  which did not sign at that time.  A verification of the whole log shows it.\n",
                 p->entry_epoch, p->epoch);
    if (p->witnesses > 0)
        buf_putf(out, "  %" PRIu64 " witnesses signed that checkpoint.\n", p->witnesses);
    if (p->receipt)
        buf_puts(out, "  The receipt is of this entry.\n");
    if (p->reply)
        buf_puts(out, "  The entry commits to this reply.\n");
}

bool
report_proof(const struct report_proof *p, bool json)
{
    struct buf out = BUF_INIT;

    if (json)
        put_json(&out, p);
    else
        put_text(&out, p);
    return report_emit(&out);
}
