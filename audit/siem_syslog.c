#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "audit/siem_internal.h"

/*
 *   <PRI>1 TIMESTAMP HOSTNAME cofre - ACT [cofre@32473 ...][origin ...][meta sequenceId="N"] MSG
 *
 * 32473 is the enterprise number that is set aside for whoever has none; `origin` and `meta` are
 * registered.  MSG has no byte order mark: it is ASCII unless the log's origin is not.
 */
enum { FACILITY_AUDIT = 13, MSGID_MAX = 32, SD_FIELDS_MAX = 1000, SEQUENCE_MAX = 2147483647 };

/* No year beyond 9999 has an RFC 3339 form. */
static const uint64_t ts_end = UINT64_C(253402300800000);

static const unsigned severities[SIEM_LEVELS] = {
    [SIEM_INFO] = 6, [SIEM_NOTICE] = 5, [SIEM_WARNING] = 4, [SIEM_ERROR] = 3, [SIEM_CRITICAL] = 2};

static void
put_time(struct buf *out, uint64_t ts)
{
    time_t seconds = (time_t)(ts / 1000);
    struct tm t;
    char text[32];

    if (ts >= ts_end || gmtime_r(&seconds, &t) == NULL ||
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &t) == 0) {
        buf_putc(out, '-');
        return;
    }
    buf_putf(out, "%s.%03uZ", text, (unsigned)(ts % 1000));
}

static void
put_or_nil(struct buf *out, struct bytes text)
{
    if (text.len == 0)
        buf_putc(out, '-');
    buf_putb(out, text);
}

static void
put_param(struct buf *out, const char *name, struct bytes value)
{
    if (value.len == 0)
        return;
    buf_putf(out, " %s=\"", name);
    for (size_t i = 0; i < value.len; i++) {
        char c = (char)value.p[i];

        if (c == '"' || c == '\\' || c == ']')
            buf_putc(out, '\\');
        buf_putc(out, c);
    }
    buf_putc(out, '"');
}

static void
put_hash(struct buf *out, const char *name, const uint8_t hash[static HASH_LEN])
{
    buf_putf(out, " %s=\"", name);
    buf_put_hex(out, (struct bytes){hash, HASH_LEN});
    buf_putc(out, '"');
}

static void
put_data(struct buf *out, const struct siem_source *source, const struct siem_item *item)
{
    const struct entry *e = &item->parsed.e;

    buf_puts(out, "[cofre@32473");
    put_param(out, "log", source->origin);
    buf_putf(out, " seq=\"%" PRIu64 "\"", e->seq);
    put_hash(out, "hash", item->leaf);
    put_hash(out, "prev", e->prev);
    buf_putf(out, " ok=\"%s\" code=\"%" PRIu32 "\"", e->ok ? "true" : "false", e->code);
    put_param(out, "actor", e->actor);
    put_param(out, "role", e->role);
    put_param(out, "view", e->view);
    put_param(out, "purpose", e->purpose);
    if (e->n_fields > 0) {
        buf_puts(out, " fields=\"");
        siem_put_fields(out, e, SD_FIELDS_MAX);
        buf_putc(out, '"');
    }
    buf_putf(out, " n=\"%" PRIu64 "\" tags=\"%zu\"]", e->n, e->n_subjects);
    buf_puts(out, "[origin software=\"cofre\"");
    put_param(out, "swVersion", source->version);
    buf_putf(out, "][meta sequenceId=\"%" PRIu64 "\"]", e->seq % SEQUENCE_MAX + 1);
}

void
siem_syslog(struct buf *out, enum siem_format format, const struct siem_source *source,
            const struct siem_item *item)
{
    const struct entry *e = &item->parsed.e;
    size_t begin = out->len;
    size_t message;

    buf_putf(out, "<%u>1 ", FACILITY_AUDIT * 8 + severities[item->level]);
    put_time(out, e->ts);
    buf_putc(out, ' ');
    put_or_nil(out, source->host);
    buf_puts(out, " cofre - ");
    put_or_nil(out, (struct bytes){e->act.p, e->act.len < MSGID_MAX ? e->act.len : MSGID_MAX});
    buf_putc(out, ' ');
    put_data(out, source, item);
    buf_putc(out, ' ');
    message = out->len;
    siem_write(out, format, source, item);
    if (out->failed || out->len - begin <= SIEM_SYSLOG_MAX)
        return;
    out->len = message;
    buf_putf(out, "entry %" PRIu64 " has %zu bytes, too many for one message", e->seq,
             item->line.len);
}
