#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "cofre/encode.h"

#include "report.h"

static const struct {
    enum verify_verdict verdict;
    const char *word;
    const char *text;
} verdicts[] = {
    {VERIFY_GOOD, "good", "Good: nothing was changed, removed or added."},
    {VERIFY_TAMPERED, "tampered", "TAMPERED: the log is not what it was."},
    {VERIFY_ROLLED_BACK, "rolled-back", "ROLLED BACK: the log is shorter than it was."},
    {VERIFY_FORKED, "forked", "FORKED: the log is not a continuation of the one that was kept."},
    {VERIFY_UNREADABLE, "unreadable", "Not verified: something could not be read."},
};

static size_t
row_of(enum verify_verdict verdict)
{
    size_t i = 0;

    while (i + 1 < sizeof verdicts / sizeof verdicts[0] && verdicts[i].verdict != verdict)
        i++;
    return i;
}

/* RFC 3339, in UTC, with milliseconds. */
static void
put_time(struct buf *out, uint64_t ms)
{
    const time_t seconds = (time_t)(ms / 1000);
    char text[32];
    struct tm tm;

    if (gmtime_r(&seconds, &tm) == NULL ||
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm) == 0)
        buf_putf(out, "%" PRIu64 " ms", ms);
    else
        buf_putf(out, "%s.%03uZ", text, (unsigned)(ms % 1000));
}

static void
put_sizes(struct buf *out, const struct verify_report *r, const char *signer)
{
    buf_putf(out, "  signed    %" PRIu64 " entries, by %s\n", r->signed_size, signer);
    buf_puts(out, "  root      ");
    encode_base64(out, BYTES_OF(r->root));
    buf_putc(out, '\n');
    if (r->size > r->signed_size)
        buf_putf(out, "  chained   %" PRIu64 " more entries that no checkpoint covers yet\n",
                 r->size - r->signed_size);
    if (r->size == 0)
        return;
    buf_puts(out, "  first     ");
    put_time(out, r->first_ts);
    buf_puts(out, "\n  last      ");
    put_time(out, r->last_ts);
    buf_putf(out, "\n  entries   %" PRIu64 " bytes\n", r->bytes);
}

/* Writes out whole, and frees it. */
static bool
emit(struct buf *out)
{
    const bool ok = buf_error(out) == COFRE_OK && fwrite(out->p, 1, out->len, stdout) == out->len &&
                    fflush(stdout) == 0;

    buf_free(out);
    return ok;
}

bool
report_text(const struct verify_report *r, const char *signer)
{
    struct buf out = BUF_INIT;

    buf_puts(&out, verdicts[row_of(r->verdict)].text);
    buf_putc(&out, '\n');
    if (r->reason[0] != '\0')
        buf_putf(&out, "  %s\n", r->reason);
    if (r->verdict != VERIFY_TAMPERED && r->verdict != VERIFY_UNREADABLE)
        put_sizes(&out, r, signer);
    if (r->verdict == VERIFY_GOOD && r->torn)
        buf_puts(&out, "  note      the last record was cut short by a crash; nobody was told "
                       "that it was written\n");
    return emit(&out);
}

/* A text that was cut may end inside a character. */
static void
put_string(struct buf *out, const char *name, const char *text)
{
    struct bytes b = bytes_str(text);

    while (b.len > 0 && !encode_utf8_valid(b))
        b.len--;
    buf_putf(out, ",\"%s\":", name);
    encode_json_string(out, b);
}

static void
put_number(struct buf *out, const char *name, uint64_t n)
{
    buf_putf(out, ",\"%s\":%" PRIu64, name, n);
}

bool
report_json(const struct verify_report *r, const char *signer)
{
    struct buf out = BUF_INIT;

    buf_putf(&out, "{\"verdict\":\"%s\"", verdicts[row_of(r->verdict)].word);
    put_number(&out, "exit", (uint64_t)r->verdict);
    put_string(&out, "reason", r->reason);
    put_string(&out, "signer", signer);
    put_number(&out, "signed_size", r->signed_size);
    put_number(&out, "size", r->size);
    buf_puts(&out, ",\"root\":\"");
    encode_base64(&out, BYTES_OF(r->root));
    buf_puts(&out, "\"");
    put_number(&out, "first_ts", r->first_ts);
    put_number(&out, "last_ts", r->last_ts);
    put_number(&out, "bytes", r->bytes);
    buf_putf(&out, ",\"torn\":%s}\n", r->torn ? "true" : "false");
    return emit(&out);
}

bool
report_proof(bool good, uint64_t index, const char *signer, bool json)
{
    struct buf out = BUF_INIT;

    if (json) {
        buf_putf(&out, "{\"verdict\":\"%s\"", good ? "good" : "tampered");
        put_number(&out, "exit", good ? VERIFY_GOOD : VERIFY_TAMPERED);
        put_string(&out, "signer", signer);
        if (good)
            put_number(&out, "index", index);
        buf_puts(&out, "}\n");
    } else if (good) {
        buf_putf(&out, "Good: this is entry %" PRIu64 " of the log that %s signed.\n", index,
                 signer);
    } else {
        buf_putf(&out, "NOT PROVED: the proof does not show this entry in a log that %s signed.\n",
                 signer);
    }
    return emit(&out);
}
