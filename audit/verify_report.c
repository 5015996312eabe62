#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cofre/encode.h"

#include "audit/verify_report.h"

static const struct {
    enum verify_verdict verdict;
    const char *word;
    const char *text;
} verdicts[] = {
    {VERIFY_GOOD, "good", "Good: nothing was changed, removed or added."},
    {VERIFY_TAMPERED, "tampered", "TAMPERED: the log is not what it was."},
    {VERIFY_ROLLED_BACK, "rolled-back",
     "ROLLED BACK: the log is older or shorter than it must be."},
    {VERIFY_FORKED, "forked", "FORKED: the log is not a continuation of the one that was kept."},
    {VERIFY_UNREADABLE, "unreadable", "Not verified: something could not be read."},
};

static size_t
row_of(enum verify_verdict verdict)
{
    size_t i = 0;

    while (i + 1 < sizeof verdicts / sizeof *verdicts && verdicts[i].verdict != verdict)
        i++;
    return i;
}

void
verify_report_time(struct buf *out, uint64_t ms)
{
    const time_t seconds = (time_t)(ms / 1000);
    char text[32];
    struct tm tm;

    if (gmtime_r(&seconds, &tm) == NULL ||
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm) == 0)
        buf_putf(out, "%" PRIu64 " ms", ms);
    else if (ms % 1000 == 0)
        buf_putf(out, "%sZ", text);
    else
        buf_putf(out, "%s.%03uZ", text, (unsigned)(ms % 1000));
}

void
verify_report_string(struct buf *out, const char *text)
{
    struct bytes b = bytes_str(text);

    while (b.len > 0 && !encode_utf8_valid(b))
        b.len--;
    encode_json_string(out, b);
}

void
verify_report_shown(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++)
        buf_putc(out, *text >= ' ' && *text != 0x7f ? *text : '?');
}

static void
put_found(struct buf *out, const struct buf *part)
{
    if (buf_error(part) != COFRE_OK)
        out->failed = true;
    else
        buf_putb(out, buf_bytes(part));
}

/* ---- for people ---- */

static uint64_t
minus(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

static void
text_integrity(struct buf *out, const struct verify_report *r)
{
    buf_putf(out, "  integrity     good: %" PRIu64 " entries, %" PRIu64 " bytes", r->size,
             r->bytes);
    if (r->pruned > 0)
        buf_putf(out, "; %" PRIu64 " pruned, known by their hashes", r->pruned);
    buf_puts(out, "\n  root          ");
    encode_base64(out, BYTES_OF(r->root));
    buf_putf(out, " at %" PRIu64 "\n", r->signed_size);
    if (r->size > r->pruned) {
        buf_puts(out, "  written       ");
        verify_report_time(out, r->first_ts);
        buf_puts(out, " to ");
        verify_report_time(out, r->last_ts);
        buf_putc(out, '\n');
    }
}

static void
text_completeness(struct buf *out, const struct verify_report *r, const struct verify_findings *f)
{
    buf_putf(out, "  completeness  up to %" PRIu64 " entries; who vouches up to where, and when:\n",
             r->complete_size);
    put_found(out, &f->text[VERIFY_VOUCHER]);
    buf_putf(out,
             "    at the end, %" PRIu64 " entries that nobody outside vouches for, %" PRIu64
             " of them without any signature\n",
             minus(r->size, r->outside_size), minus(r->size, r->signed_size));
}

static void
text_freshness(struct buf *out, const struct verify_report *r)
{
    buf_puts(out, "  freshness     ");
    if (r->seconds == 0) {
        buf_puts(out, "nobody vouches with a time\n");
        return;
    }
    verify_report_time(out, r->seconds * 1000);
    buf_putf(out, ", %" PRIu64 " seconds ago, by ", r->age);
    verify_report_shown(out, r->newest);
    buf_putc(out, '\n');
}

static void
text_list(struct buf *out, const char *title, const struct verify_findings *f,
          enum verify_finding_kind kind, unsigned from)
{
    if (f->n[kind] < from)
        return;
    buf_putf(out, "  %s\n", title);
    put_found(out, &f->text[kind]);
}

void
verify_report_text(struct buf *out, const struct verify_report *r, const struct verify_findings *f,
                   const char *signer)
{
    if (r->whole && r->verdict == VERIFY_TAMPERED)
        buf_puts(out, "NOT VOUCHED FOR: the log is whole, but its witnesses do not stand by it.");
    else
        buf_puts(out, verdicts[row_of(r->verdict)].text);
    buf_putc(out, '\n');
    if (r->reason[0] != '\0') {
        buf_puts(out, "  ");
        verify_report_shown(out, r->reason);
        buf_putc(out, '\n');
    }
    if (!r->whole)
        return;
    buf_puts(out, "  log           ");
    verify_report_shown(out, signer);
    buf_putc(out, '\n');
    text_integrity(out, r);
    text_completeness(out, r, f);
    text_freshness(out, r);
    text_list(out, "key epochs", f, VERIFY_EPOCH, 2);
    text_list(out, "restores", f, VERIFY_RESTORE, 1);
    if (r->torn)
        buf_puts(out,
                 "  note          the last record was cut short by a crash; nobody was told that "
                 "it was written\n");
    if (r->unfinished)
        buf_puts(
            out,
            "  note          something is unfinished (the end of a key epoch, a pruning, a time "
            "stamp), as a crash leaves it; the next start finishes it\n");
}

/* ---- for programs ---- */

static void
json_number(struct buf *out, const char *name, uint64_t n)
{
    buf_putf(out, ",\"%s\":%" PRIu64, name, n);
}

static void
json_bool(struct buf *out, const char *name, bool b)
{
    buf_putf(out, ",\"%s\":%s", name, b ? "true" : "false");
}

static void
json_list(struct buf *out, const char *name, const struct buf *part)
{
    buf_putf(out, "\"%s\":[", name);
    put_found(out, part);
    buf_putc(out, ']');
}

static const char *
integrity_of(const struct verify_report *r)
{
    if (r->whole)
        return "good";
    return r->verdict == VERIFY_UNREADABLE ? "unknown" : "tampered";
}

static void
json_freshness(struct buf *out, const struct verify_report *r)
{
    if (r->seconds == 0) {
        buf_puts(out, ",\"freshness\":null");
        return;
    }
    buf_putf(out, ",\"freshness\":{\"time\":%" PRIu64 ",\"age\":%" PRIu64 ",\"by\":", r->seconds,
             r->age);
    verify_report_string(out, r->newest);
    buf_putc(out, '}');
}

void
verify_report_json(struct buf *out, const struct verify_report *r, const struct verify_findings *f,
                   const char *signer)
{
    buf_putf(out, "{\"verdict\":\"%s\"", verdicts[row_of(r->verdict)].word);
    json_number(out, "exit", (uint64_t)r->verdict);
    buf_puts(out, ",\"reason\":");
    verify_report_string(out, r->reason);
    buf_puts(out, ",\"signer\":");
    verify_report_string(out, signer);
    buf_putf(out, ",\"integrity\":\"%s\"", integrity_of(r));
    json_number(out, "signed_size", r->signed_size);
    json_number(out, "size", r->size);
    buf_puts(out, ",\"root\":\"");
    encode_base64(out, BYTES_OF(r->root));
    buf_puts(out, "\"");
    json_number(out, "first_ts", r->first_ts);
    json_number(out, "last_ts", r->last_ts);
    json_number(out, "bytes", r->bytes);
    json_number(out, "pruned", r->pruned);
    json_bool(out, "torn", r->torn);
    json_bool(out, "unfinished", r->unfinished);
    buf_putf(out, ",\"completeness\":{\"size\":%" PRIu64, r->complete_size);
    json_number(out, "unvouched", r->whole ? minus(r->size, r->outside_size) : r->size);
    json_number(out, "unsigned", minus(r->size, r->signed_size));
    buf_putc(out, ',');
    json_list(out, "vouchers", &f->json[VERIFY_VOUCHER]);
    buf_putc(out, '}');
    json_freshness(out, r);
    buf_putc(out, ',');
    json_list(out, "epochs", &f->json[VERIFY_EPOCH]);
    buf_putc(out, ',');
    json_list(out, "restores", &f->json[VERIFY_RESTORE]);
    buf_putc(out, '}');
}
