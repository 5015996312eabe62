#include <stdlib.h>
#include <utf8proc.h>

#include "cofre/encode.h"
#include "cofre/secret.h"
#include "vault/records/normalise_internal.h"

/* No text is more than three times longer before NFC than after it (Hangul letter by letter). */
enum { BEFORE_NFC_MAX = 4 * NORMALISE_MAX };

bool
normalise_text_blank(int32_t c)
{
    if (c < 0x80)
        return c == ' ' || (c >= '\t' && c <= '\r');
    return c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
           c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

/* At the ends, marks that show nothing and that copying from elsewhere leaves go too. */
static bool
is_trimmed(int32_t c)
{
    return normalise_text_blank(c) || c == 0x200b || c == 0x2060 || c == 0xfeff;
}

static bool
is_control(int32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

struct bytes
normalise_text_trim_ascii(struct bytes in)
{
    while (in.len > 0 && (in.p[0] == ' ' || in.p[0] == '\t')) {
        in.p++;
        in.len--;
    }
    while (in.len > 0 && (in.p[in.len - 1] == ' ' || in.p[in.len - 1] == '\t'))
        in.len--;
    return in;
}

/* The first character of valid UTF-8, and how many bytes it takes. */
static size_t
decode(const uint8_t *p, size_t len, int32_t *code)
{
    utf8proc_ssize_t n = 1;

    if (p[0] < 0x80)
        *code = p[0];
    else
        n = utf8proc_iterate(p, (utf8proc_ssize_t)len, code);
    return n > 0 ? (size_t)n : 1;
}

static struct bytes
trim(struct bytes in)
{
    int32_t code;
    size_t n;

    while (in.len > 0) {
        n = decode(in.p, in.len, &code);
        if (!is_trimmed(code))
            break;
        in.p += n;
        in.len -= n;
    }
    while (in.len > 0) {
        for (n = 1; n < in.len && (in.p[in.len - n] & 0xc0) == 0x80;)
            n++;
        (void)decode(in.p + in.len - n, n, &code);
        if (!is_trimmed(code))
            break;
        in.len -= n;
    }
    return in;
}

static bool
is_ascii(struct bytes in)
{
    uint64_t word;
    size_t i = 0;

    for (; in.len - i >= sizeof word; i += sizeof word) {
        memcpy(&word, in.p + i, sizeof word);
        if ((word & 0x8080808080808080U) != 0)
            return false;
    }
    for (; i < in.len; i++)
        if (in.p[i] >= 0x80)
            return false;
    return true;
}

/*
 * Characters that NFC leaves alone whatever stands beside them: what most names here are made of
 * needs no composing.  No range holds a combining mark or a character with a canonical mapping.
 */
static bool
is_settled(int32_t c)
{
    return c < 0x300 || (c >= 0x3400 && c <= 0x9fff) || (c >= 0x400 && c <= 0x482) ||
           (c >= 0xac00 && c <= 0xd7a3);
}

static bool
is_composed(struct bytes in)
{
    int32_t code;

    for (size_t i = 0; i < in.len;) {
        i += decode(in.p + i, in.len - i, &code);
        if (!is_settled(code))
            return false;
    }
    return true;
}

static enum cofre_err
compose(struct normalise_text *t, const char **reason)
{
    utf8proc_uint8_t *composed;
    utf8proc_ssize_t len;

    len = utf8proc_map(t->text.p, (utf8proc_ssize_t)t->text.len, &composed,
                       UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    if (len == UTF8PROC_ERROR_NOMEM)
        return COFRE_ENOMEM;
    if (len < 0)
        return normalise_refuse(reason, "has characters that cannot be composed");
    t->owned = t->text = (struct bytes){composed, (size_t)len};
    return COFRE_OK;
}

enum cofre_err
normalise_text_open(struct bytes in, struct normalise_text *t, const char **reason)
{
    *t = (struct normalise_text){in, BYTES_NONE, is_ascii(in)};
    if (!t->ascii && !encode_utf8_valid(in))
        return normalise_refuse(reason, "is not UTF-8");
    t->text = trim(in);
    if (t->text.len == 0)
        return normalise_refuse(reason, "is empty");
    if (t->text.len > BEFORE_NFC_MAX)
        return normalise_refuse(reason, "is far too long");
    if (t->ascii || is_composed(t->text))
        return COFRE_OK;
    return compose(t, reason);
}

void
normalise_text_close(struct normalise_text *t)
{
    uint8_t *owned = (uint8_t *)(uintptr_t)t->owned.p;

    if (owned == NULL)
        return;
    secret_wipe(owned, t->owned.len);
    free(owned);
    *t = (struct normalise_text){BYTES_NONE, BYTES_NONE, false};
}

enum cofre_err
normalise_text_put(struct bytes in, const struct normalise_text_rules *rules, struct buf *out,
                   const char **reason)
{
    uint8_t *start = buf_reserve(out, in.len);
    uint8_t *w = start;
    bool blank = false;
    int32_t code;
    size_t n;

    if (start == NULL)
        return COFRE_ENOMEM;
    for (size_t i = 0; i < in.len; i += n) {
        n = decode(in.p + i, in.len - i, &code);
        if (rules->squeeze && normalise_text_blank(code)) {
            blank = true;
            continue;
        }
        if (rules->lines && code == '\r' && i + 1 < in.len && in.p[i + 1] == '\n')
            continue;
        if (is_control(code) && !(rules->lines && code == '\n'))
            return normalise_refuse(reason, "has a control character");
        if (blank)
            *w++ = ' ';
        blank = false;
        memcpy(w, in.p + i, n);
        w += n;
    }
    if ((size_t)(w - start) > rules->max)
        return normalise_refuse(reason, rules->too_long);
    out->len += (size_t)(w - start);
    return COFRE_OK;
}
