#include <inttypes.h>

#include "audit/siem_internal.h"

/*
 *   CEF:0|vendor|product|version|act|name|severity|key=value key=value ...
 *
 * In the header `\` and `|` are escaped; in a value `\` and `=`, and line ends become \n and \r.  The tags are
 * left out: a value has at most 4,000 characters, and the entry's hash stands for them.
 */
enum { CEF_FIELDS_MAX = 2000 };

static const unsigned severities[SIEM_LEVELS] = {
    [SIEM_INFO] = 1, [SIEM_NOTICE] = 3, [SIEM_WARNING] = 6, [SIEM_ERROR] = 8, [SIEM_CRITICAL] = 10};

static void
put_escaped(struct buf *out, struct bytes text, char special)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = (char)text.p[i];

        if (c == '\n' || c == '\r') {
            buf_puts(out, c == '\n' ? "\\n" : "\\r");
            continue;
        }
        if (c == '\\' || c == special)
            buf_putc(out, '\\');
        buf_putc(out, c);
    }
}

static void
put_header(struct buf *out, const struct siem_source *source, const struct siem_item *item)
{
    buf_puts(out, "CEF:0|Cofre|Cofre|");
    put_escaped(out, source->version, '|');
    buf_putc(out, '|');
    buf_putb(out, item->parsed.e.act);
    buf_putc(out, '|');
    siem_put_words(out, item->parsed.e.act);
    buf_putf(out, "|%u|", severities[item->level]);
}

/* A key whose value is a name or text; nothing when it is empty.  A label may go before it. */
static void
put_text(struct buf *out, const char *key, const char *label, struct bytes value)
{
    if (value.len == 0)
        return;
    if (label != NULL)
        buf_putf(out, " %sLabel=%s", key, label);
    buf_putf(out, " %s=", key);
    put_escaped(out, value, '=');
}

static void
put_hex(struct buf *out, const char *key, const char *label, const uint8_t hash[static HASH_LEN])
{
    buf_putf(out, " %sLabel=%s %s=", key, label, key);
    buf_put_hex(out, (struct bytes){hash, HASH_LEN});
}

void
siem_cef_write(struct buf *out, const struct siem_source *source, const struct siem_item *item)
{
    const struct entry *e = &item->parsed.e;

    put_header(out, source, item);
    buf_putf(out, "rt=%" PRIu64 " externalId=%" PRIu64 " cat=audit outcome=%s reason=%" PRIu32,
             e->ts, e->seq, e->ok ? "success" : "failure", e->code);
    put_text(out, "deviceExternalId", NULL, source->origin);
    put_text(out, "dvchost", NULL, source->host);
    put_text(out, "suid", NULL, e->actor);
    put_text(out, "spriv", NULL, e->role);
    put_text(out, "cs1", "view", e->view);
    put_text(out, "cs2", "purpose", e->purpose);
    if (e->n_fields > 0) {
        buf_puts(out, " cs3Label=fields cs3=");
        siem_put_fields(out, e, CEF_FIELDS_MAX);
    }
    put_hex(out, "cs4", "entryHash", item->leaf);
    put_hex(out, "cs5", "previousHash", e->prev);
    if (e->has_reply)
        put_hex(out, "cs6", "reply", e->reply);
    buf_putf(out, " cn1Label=records cn1=%" PRIu64 " cn2Label=tags cn2=%zu", e->n, e->n_subjects);
}
