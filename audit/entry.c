#include <string.h>

#include "audit/entry.h"

/*
 * A verifier parses every entry, so this goes over the bytes once, by tables.  Each piece has one
 * spelling only; that is why what parses is what entry_write would have written.
 */

static const uint64_t number_max = ((uint64_t)1 << 53) - 1;

/* Bit c is set for the characters of names: "-", digits, "_", a to z. */
static const uint64_t name_chars[4] = {
    (UINT64_C(0x3ff) << '0') | (UINT64_C(1) << '-'),
    (UINT64_C(0x3ffffff) << ('a' - 64)) | (UINT64_C(1) << ('_' - 64)), 0, 0};

/* One more than the value of a lower-case hexadecimal digit; 0 for any other byte. */
static const uint8_t hex_values[256] = {
    ['0'] = 1, ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9, ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16};

bool
entry_name_valid(struct bytes name)
{
    uint64_t all = 1;

    if (name.len == 0 || name.len > ENTRY_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++)
        all &= name_chars[name.p[i] >> 6] >> (name.p[i] & 63);
    return all & 1;
}

/* What is left of a line, and whether all before it was well-formed.  Once bad, for good. */
struct cursor {
    const uint8_t *p;
    size_t left;
    bool bad;
};

static struct bytes
take(struct cursor *c, size_t len)
{
    struct bytes b = {c->p, len};

    if (c->bad || c->left < len) {
        c->bad = true;
        return BYTES_NONE;
    }
    c->p += len;
    c->left -= len;
    return b;
}

static void
take_text(struct cursor *c, struct bytes text)
{
    if (!bytes_equal(take(c, text.len), text))
        c->bad = true;
}

#define TAKE(c, literal) take_text(c, BYTES_LIT(literal))

/* Takes the byte if it is next. */
static bool
skip(struct cursor *c, uint8_t byte)
{
    if (c->bad || c->left == 0 || *c->p != byte)
        return false;
    c->p++;
    c->left--;
    return true;
}

static void
take_hex(struct cursor *c, uint8_t *out, size_t len)
{
    struct bytes text = take(c, 2 * len);
    unsigned all = 0;

    for (size_t i = 0; i < text.len / 2; i++) {
        unsigned high = hex_values[text.p[2 * i]] - 1U;
        unsigned low = hex_values[text.p[2 * i + 1]] - 1U;

        all |= high | low;
        out[i] = (uint8_t)(high << 4 | low);
    }
    if (all > 15)
        c->bad = true;
}

/* A number without leading zeros, up to max. */
static uint64_t
take_number(struct cursor *c, uint64_t max)
{
    const uint8_t *start = c->p;
    uint64_t n = 0;

    while (!c->bad && c->left > 0 && *c->p >= '0' && *c->p <= '9') {
        n = n * 10 + (uint64_t)(*c->p - '0');
        c->p++;
        c->left--;
        if (n > max)
            c->bad = true;
    }
    if (c->p == start || (*start == '0' && c->p - start > 1))
        c->bad = true;
    return n;
}

/* A name up to its quote, which is taken too. */
static struct bytes
take_name(struct cursor *c)
{
    const uint8_t *end = c->bad ? NULL : memchr(c->p, '"', c->left);
    struct bytes name;

    if (end == NULL) {
        c->bad = true;
        return BYTES_NONE;
    }
    name = take(c, (size_t)(end - c->p));
    if (name.len > 0 && !entry_name_valid(name))
        c->bad = true;
    (void)take(c, 1);
    return name;
}

static void
take_fields(struct cursor *c, struct entry_parsed *out)
{
    size_t n = 0;

    while (!c->bad && skip(c, n == 0 ? '"' : ',')) {
        if (n > 0)
            TAKE(c, "\"");
        if (n == ENTRY_FIELDS_MAX) {
            c->bad = true;
            return;
        }
        out->fields[n] = take_name(c);
        if (out->fields[n++].len == 0)
            c->bad = true;
    }
    out->e.fields = out->fields;
    out->e.n_fields = n;
}

static void
take_subjects(struct cursor *c, struct entry_parsed *out)
{
    size_t n = 0;

    while (!c->bad && skip(c, n == 0 ? '"' : ',')) {
        if (n > 0)
            TAKE(c, "\"");
        if (n == ENTRY_SUBJECTS_MAX) {
            c->bad = true;
            return;
        }
        take_hex(c, out->subjects + n++ * ENTRY_TAG, ENTRY_TAG);
        TAKE(c, "\"");
    }
    out->e.subjects = out->subjects;
    out->e.n_subjects = n;
}

/* "true" or "false", up to the comma after it. */
static bool
take_bool(struct cursor *c)
{
    bool is_true = c->left > 0 && *c->p == 't';

    take_text(c, is_true ? BYTES_LIT("true") : BYTES_LIT("false"));
    return is_true;
}

enum cofre_err
entry_prev(struct bytes line, uint8_t prev[static HASH_LEN])
{
    struct cursor c = {line.p, line.len, false};

    TAKE(&c, "{\"prev\":\"");
    take_hex(&c, prev, HASH_LEN);
    TAKE(&c, "\"");
    return c.bad ? COFRE_EFORMAT : COFRE_OK;
}

static void
take_head(struct cursor *c, struct entry *e)
{
    TAKE(c, "{\"prev\":\"");
    take_hex(c, e->prev, HASH_LEN);
    TAKE(c, "\",\"seq\":");
    e->seq = take_number(c, number_max);
    TAKE(c, ",\"ts\":");
    e->ts = take_number(c, number_max);
    TAKE(c, ",\"v\":1,\"act\":\"");
    e->act = take_name(c);
    TAKE(c, ",\"ok\":");
    e->ok = take_bool(c);
    TAKE(c, ",\"code\":");
    e->code = (uint32_t)take_number(c, UINT32_MAX);
    TAKE(c, ",\"actor\":\"");
    e->actor = take_name(c);
    TAKE(c, ",\"role\":\"");
    e->role = take_name(c);
    TAKE(c, ",\"view\":\"");
    e->view = take_name(c);
    TAKE(c, ",\"purpose\":\"");
    e->purpose = take_name(c);
}

enum cofre_err
entry_parse(struct bytes line, struct entry_parsed *out)
{
    struct cursor c = {line.p, line.len, line.len > ENTRY_MAX};
    struct entry *e = &out->e;

    take_head(&c, e);
    TAKE(&c, ",\"fields\":[");
    take_fields(&c, out);
    TAKE(&c, "],\"n\":");
    e->n = take_number(&c, number_max);
    TAKE(&c, ",\"reply\":\"");
    e->has_reply = c.left > 0 && *c.p != '"';
    memset(e->reply, 0, sizeof e->reply);
    take_hex(&c, e->reply, e->has_reply ? HASH_LEN : 0);
    TAKE(&c, "\",\"nonce\":\"");
    take_hex(&c, e->nonce, ENTRY_NONCE);
    TAKE(&c, "\",\"subj\":[");
    take_subjects(&c, out);
    TAKE(&c, "]}");
    return c.bad || c.left > 0 ? COFRE_EFORMAT : COFRE_OK;
}
