#include "cofre/encode.h"
#include "vault/views/transform_internal.h"

#define BULLET "\u2022"
#define BULLETS BULLET BULLET BULLET
#define PHONE_BULLETS BULLETS BULLET BULLET

/*
 * Digits of a phone's country code (ITU-T E.164): zones 1 and 7 have one; of the others these have
 * two, the rest three.
 */
static const char two_digits[] = "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 "
                                 "54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 "
                                 "95 98";

enum {
    PHONE_MIN = 7,   /* digits */
    PHONE_MAX = 15,  /* digits, by E.164 */
    PHONE_TAIL = 2,  /* digits shown at the end, */
    PHONE_HIDDEN = 4 /* but only where at least so many stay hidden */
};

/* Inside a JSON string that is being written piece by piece. */
static void
put_inside(struct buf *out, struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.p[i];

        if (c < 0x20 || c == 0x7f) {
            buf_puts(out, "\\u00");
            buf_put_hex(out, (struct bytes){&c, 1});
        } else {
            if (c == '"' || c == '\\')
                buf_putc(out, '\\');
            buf_putc(out, (char)c);
        }
    }
}

/* The first character and bullets; bullets alone where it is all there is. text is valid UTF-8. */
static void
put_masked(struct buf *out, struct bytes text)
{
    struct bytes character;

    if (transform_text_next(&text, &character) && text.len > 0 &&
        character.len <= TRANSFORM_CHARACTER_MAX)
        put_inside(out, character);
    buf_puts(out, BULLETS);
}

static bool
mask_text(struct buf *out, struct bytes value)
{
    buf_putc(out, '"');
    put_masked(out, value);
    buf_putc(out, '"');
    return true;
}

static bool
mask_name(struct buf *out, struct bytes value)
{
    bool begun = false;
    size_t end;

    for (size_t at = 0; at < value.len; at = end + 1) {
        for (end = at; end < value.len && value.p[end] != ' '; end++)
            ;
        if (end == at)
            continue;
        buf_putc(out, begun ? ' ' : '"');
        put_masked(out, (struct bytes){value.p + at, end - at});
        begun = true;
    }
    if (begun)
        buf_putc(out, '"');
    return begun;
}

static bool
mask_email(struct buf *out, struct bytes value)
{
    size_t at = value.len;

    while (at > 0 && value.p[at - 1] != '@')
        at--;
    if (at < 2 || at == value.len)
        return false;
    buf_putc(out, '"');
    put_masked(out, (struct bytes){value.p, at - 1});
    put_inside(out, (struct bytes){value.p + at - 1, value.len - at + 1});
    buf_putc(out, '"');
    return true;
}

static size_t
country_code_len(const uint8_t *digits)
{
    if (digits[0] == '1' || digits[0] == '7')
        return 1;
    for (const char *code = two_digits;; code += 3) {
        if (digits[0] == (uint8_t)code[0] && digits[1] == (uint8_t)code[1])
            return 2;
        if (code[2] == '\0')
            return 3;
    }
}

static bool
mask_phone(struct buf *out, struct bytes value)
{
    size_t digits = value.len - 1;
    size_t code;

    if (value.p[0] != '+' || digits < PHONE_MIN || digits > PHONE_MAX)
        return false;
    for (size_t i = 1; i < value.len; i++) {
        if (value.p[i] < '0' || value.p[i] > '9')
            return false;
    }
    code = country_code_len(value.p + 1);

    buf_putc(out, '"');
    buf_put(out, value.p, 1 + code);
    buf_puts(out, PHONE_BULLETS);
    if (digits - code >= PHONE_HIDDEN + PHONE_TAIL)
        buf_put(out, value.p + value.len - PHONE_TAIL, PHONE_TAIL);
    buf_putc(out, '"');
    return true;
}

bool
transform_mask_put(struct buf *out, const struct transform_value *v)
{
    if (!encode_utf8_valid(v->value))
        return false;
    switch (v->type) {
    case SCHEMA_PHONE:
        return mask_phone(out, v->value);
    case SCHEMA_EMAIL:
        return mask_email(out, v->value);
    case SCHEMA_PERSON_NAME:
        return mask_name(out, v->value);
    default:
        return mask_text(out, v->value);
    }
}
