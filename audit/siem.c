#include "audit/tree.h"

#include "audit/siem_internal.h"

enum { HTTP_LEAST = 100, PLUS_ROOM = 8 };

static const char *const formats[SIEM_FORMATS] = {
    [SIEM_JSONL] = "jsonl", [SIEM_CEF] = "cef", [SIEM_OCSF] = "ocsf"};

enum cofre_err
siem_format_parse(struct bytes text, enum siem_format *out)
{
    for (unsigned i = 0; i < SIEM_FORMATS; i++) {
        if (bytes_equal(text, bytes_str(formats[i]))) {
            *out = (enum siem_format)i;
            return COFRE_OK;
        }
    }
    return COFRE_ENOENT;
}

/* ---- levels ---- */

bool
siem_is_http(const struct entry *e)
{
    return e->code >= HTTP_LEAST;
}

/* Codes that ask for more than a notice, of HTTP and of commands. */
static const struct {
    uint32_t code;
    enum siem_level level;
} codes[] = {
    {4, SIEM_ERROR},  {5, SIEM_CRITICAL},  {6, SIEM_WARNING},
    {75, SIEM_ERROR}, {401, SIEM_WARNING}, {403, SIEM_WARNING},
};

/* What nobody should overlook although it went well; and what went wrong in a way that matters more. */
static const struct {
    const char *act;
    enum siem_level least;
} acts[] = {
    {"restore", SIEM_CRITICAL},      {"integrity", SIEM_CRITICAL},  {"unavailable", SIEM_CRITICAL},
    {"audit-recover", SIEM_WARNING}, {"audit-prune", SIEM_WARNING}, {"audit-rotate", SIEM_NOTICE},
    {"available", SIEM_NOTICE},
};

static enum siem_level
level_of_code(const struct entry *e)
{
    if (e->ok)
        return SIEM_INFO;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i].code == e->code)
            return codes[i].level;
    return e->code >= 500 ? SIEM_ERROR : SIEM_NOTICE;
}

static enum siem_level
level_of(const struct entry *e)
{
    enum siem_level level = level_of_code(e);

    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++)
        if (bytes_equal(e->act, bytes_str(acts[i].act)) && acts[i].least > level)
            level = acts[i].least;
    return level;
}

enum cofre_err
siem_read(struct bytes line, struct siem_item *out)
{
    enum cofre_err err;

    if ((err = entry_parse(line, &out->parsed)) != COFRE_OK)
        return err;
    out->line = line;
    tree_leaf(line, out->leaf);
    out->level = level_of(&out->parsed.e);
    return COFRE_OK;
}

/* ---- writing ---- */

void
siem_put_fields(struct buf *out, const struct entry *e, size_t max)
{
    size_t begin = out->len;

    for (size_t i = 0; i < e->n_fields; i++) {
        if (out->len - begin + e->fields[i].len + PLUS_ROOM > max) {
            buf_putf(out, ",+%zu", e->n_fields - i);
            return;
        }
        if (i > 0)
            buf_putc(out, ',');
        buf_putb(out, e->fields[i]);
    }
}

void
siem_put_words(struct buf *out, struct bytes name)
{
    for (size_t i = 0; i < name.len; i++)
        buf_putc(out, name.p[i] == '-' ? ' ' : (char)name.p[i]);
}

void
siem_write(struct buf *out, enum siem_format format, const struct siem_source *source,
           const struct siem_item *item)
{
    switch (format) {
    case SIEM_CEF:
        siem_cef_write(out, source, item);
        return;
    case SIEM_OCSF:
        siem_ocsf_write(out, source, item);
        return;
    case SIEM_JSONL:
    case SIEM_FORMATS:
        break;
    }
    buf_putb(out, item->line);
}
