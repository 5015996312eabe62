#include <utf8proc.h>

#include "cofre/encode.h"
#include "vault/views/transform_internal.h"

/* ASCII that a JSON string holds as it is. */
static bool
is_plain(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.p[i];

        if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\')
            return false;
    }
    return true;
}

static bool
put_string(struct buf *out, struct bytes text)
{
    uint8_t *p;

    if (!is_plain(text)) {
        if (!encode_utf8_valid(text))
            return false;
        encode_json_string(out, text);
        return true;
    }
    if ((p = buf_reserve(out, text.len + 2)) == NULL)
        return true; /* out->failed tells */
    p[0] = '"';
    if (text.len > 0)
        memcpy(p + 1, text.p, text.len);
    p[text.len + 1] = '"';
    out->len += text.len + 2;
    return true;
}

bool
transform_text_keep(struct buf *out, const struct transform_value *v)
{
    switch (v->type) {
    case SCHEMA_NUMBER:
        return transform_number_keep(out, v);
    case SCHEMA_BOOL:
        if (!bytes_equal(v->value, BYTES_LIT("true")) && !bytes_equal(v->value, BYTES_LIT("false")))
            return false;
        buf_putb(out, v->value);
        return true;
    default:
        return put_string(out, v->value);
    }
}

bool
transform_text_domain(struct buf *out, const struct transform_value *v)
{
    size_t at = v->value.len;

    while (at > 0 && v->value.p[at - 1] != '@')
        at--;
    if (at < 2 || at == v->value.len)
        return false;
    return put_string(out, (struct bytes){v->value.p + at, v->value.len - at});
}

/* Where the next code point ends; 0: not UTF-8. */
static size_t
code_point(struct bytes text, utf8proc_int32_t *c)
{
    utf8proc_ssize_t n;

    if (text.p[0] < 0x80) {
        *c = text.p[0];
        return 1;
    }
    n = utf8proc_iterate(text.p, (utf8proc_ssize_t)text.len, c);
    return n > 0 ? (size_t)n : 0;
}

static struct bytes
after(struct bytes text, size_t n)
{
    return (struct bytes){text.p + n, text.len - n};
}

static bool
skip_format(struct bytes *rest)
{
    utf8proc_int32_t c;
    size_t n;

    while (rest->len > 0 && rest->p[0] >= 0x80) {
        if ((n = code_point(*rest, &c)) == 0)
            return false;
        if (utf8proc_category(c) != UTF8PROC_CATEGORY_CF)
            return true;
        *rest = after(*rest, n);
    }
    return true;
}

/* The length of the grapheme cluster that text begins with; 0: not UTF-8. */
static size_t
cluster(struct bytes text)
{
    utf8proc_int32_t state = 0;
    utf8proc_int32_t last;
    utf8proc_int32_t next;
    size_t end = code_point(text, &last);
    size_t n;

    while (end > 0 && end < text.len) {
        /* Two of ASCII never belong together (CR LF is in no canonical value). */
        if (last < 0x80 && text.p[end] < 0x80)
            break;
        if ((n = code_point(after(text, end), &next)) == 0)
            return 0;
        if (utf8proc_grapheme_break_stateful(last, next, &state))
            break;
        end += n;
        last = next;
    }
    return end;
}

bool
transform_text_next(struct bytes *rest, struct bytes *character)
{
    size_t n;

    *character = BYTES_NONE;
    if (!skip_format(rest))
        return false;
    if (rest->len == 0)
        return true;
    if ((n = cluster(*rest)) == 0)
        return false;
    *character = (struct bytes){rest->p, n};
    *rest = after(*rest, n);
    return skip_format(rest);
}

bool
transform_text_prefix(struct buf *out, const struct transform_value *v)
{
    struct bytes rest = v->value;
    struct bytes shown = BYTES_NONE;
    struct bytes character;

    for (unsigned taken = 0; taken < v->t->chars; taken++) {
        if (!transform_text_next(&rest, &character))
            return false;
        /* The last character of a value is never shown. */
        if (rest.len == 0 || character.len > TRANSFORM_CHARACTER_MAX)
            break;
        if (shown.p == NULL)
            shown.p = character.p;
        shown.len = (size_t)(rest.p - shown.p);
    }
    return put_string(out, shown);
}
