#include <inttypes.h>

#include "audit/verify_report.h"

static const struct {
    const char *word;
    const char *text;
} whos[] = {
    [VERIFY_BY_LOG] = {"log", "the log's own key and clock"},
    [VERIFY_BY_WITNESS] = {"witness", "witness"},
    [VERIFY_BY_KEPT] = {"kept", "kept by who verifies"},
    [VERIFY_BY_TIME] = {"time", "time stamp"},
};

static void
found_epoch(struct buf *text, struct buf *json, const struct verify_epoch *e)
{
    const bool open = e->size == UINT64_MAX;

    buf_putf(text, "    %-3" PRIu32 " key ", e->number);
    buf_put_hex(text, BYTES_OF(e->id));
    buf_putf(text, ", from entry %" PRIu64, e->from);
    if (!open)
        buf_putf(text, " to %" PRIu64, e->size - 1);
    buf_putc(text, '\n');
    if (e->recovered)
        buf_putf(text,
                 "        its key was lost: for entries %" PRIu64 " to %" PRIu64
                 " and what follows the recovery key vouches\n",
                 e->last, e->size - 1);
    buf_putf(json, "{\"epoch\":%" PRIu32 ",\"key\":\"", e->number);
    buf_put_hex(json, BYTES_OF(e->id));
    buf_putf(json, "\",\"from\":%" PRIu64 ",\"size\":", e->from);
    if (open)
        buf_puts(json, "null");
    else
        buf_put_u64_dec(json, e->size);
    buf_putf(json, ",\"recovered\":%s", e->recovered ? "true" : "false");
    if (e->recovered)
        buf_putf(json, ",\"last\":%" PRIu64, e->last);
    buf_putc(json, '}');
}

static void
found_voucher(struct buf *text, struct buf *json, const struct verify_voucher *v)
{
    buf_putf(text, "    %-10" PRIu64, v->size);
    if (v->seconds > 0)
        verify_report_time(text, v->seconds * 1000);
    else
        buf_puts(text, "-                   ");
    buf_puts(text, "  ");
    verify_report_shown(text, v->name);
    buf_putf(text, " (%s%s)\n", whos[v->who].text,
             v->who == VERIFY_BY_TIME && !v->outside ? ", its authority not checked" : "");
    buf_putf(json, "{\"who\":\"%s\",\"name\":", whos[v->who].word);
    verify_report_string(json, v->name);
    buf_putf(json, ",\"size\":%" PRIu64 ",\"time\":", v->size);
    if (v->seconds > 0)
        buf_put_u64_dec(json, v->seconds);
    else
        buf_puts(json, "null");
    buf_putf(json, ",\"outside\":%s}", v->outside ? "true" : "false");
}

static void
found_restore(struct buf *text, struct buf *json, const struct verify_restore *r)
{
    buf_putf(text,
             "    entry %" PRIu64 ", %s: %" PRIu64 " entries were known; found: %s\n      hash ",
             r->seq, r->accepted ? "accepted" : "NOT ACCEPTED", r->size,
             r->found[0] != '\0' ? r->found : "nothing older");
    buf_put_hex(text, BYTES_OF(r->leaf));
    buf_putc(text, '\n');
    buf_putf(json, "{\"seq\":%" PRIu64 ",\"hash\":\"", r->seq);
    buf_put_hex(json, BYTES_OF(r->leaf));
    buf_putf(json, "\",\"size\":%" PRIu64 ",\"found\":", r->size);
    verify_report_string(json, r->found);
    buf_putf(json, ",\"accepted\":%s}", r->accepted ? "true" : "false");
}

void
verify_report_found(void *ctx, const struct verify_finding *finding)
{
    struct verify_findings *f = ctx;
    struct buf *text = &f->text[finding->kind], *json = &f->json[finding->kind];

    if (finding->kind == VERIFY_HIT)
        return;
    if (f->n[finding->kind]++ > 0)
        buf_putc(json, ',');
    if (finding->kind == VERIFY_EPOCH)
        found_epoch(text, json, &finding->epoch);
    else if (finding->kind == VERIFY_VOUCHER)
        found_voucher(text, json, &finding->voucher);
    else
        found_restore(text, json, &finding->restore);
}

void
verify_report_free(struct verify_findings *f)
{
    for (size_t i = 0; i < sizeof f->text / sizeof *f->text; i++) {
        buf_free(&f->text[i]);
        buf_free(&f->json[i]);
        f->n[i] = 0;
    }
}
