#include <utf8proc.h>

#include "cofre/encode.h"
#include "vault/records/normalise_internal.h"

enum {
    DIGITS_MIN = 7,
    DIGITS_MAX = 15,            /* ITU-T E.164, country code included */
    TYPED_MAX = DIGITS_MAX + 2, /* with "00", or with what is dialled inside a country */
    WITH_TRUNK = 11             /* where a 1 or an 8 in front is dropped, a number has 10 digits */
};

struct phone {
    bool plus;
    char digits[TYPED_MAX];
    size_t n;
};

static const char not_a_phone[] = "is not a phone number";

/* What only separates: blanks, dashes, dots and brackets, and marks that address books leave. */
static bool
is_separator(int32_t c)
{
    if (c < 0x80)
        return c == ' ' || c == '\t' || c == '.' || c == '-' || c == '(' || c == ')' || c == '[' ||
               c == ']';
    return normalise_text_blank(c) || (c >= 0x2010 && c <= 0x2015) || c == 0x2212 || c == 0xff0d ||
           c == 0xff08 || c == 0xff09 || c == 0xff0e ||
           utf8proc_category(c) == UTF8PROC_CATEGORY_CF;
}

/* Full-width forms, which Chinese and Japanese keyboards write. */
static int32_t
narrow(int32_t c)
{
    return (c >= 0xff10 && c <= 0xff19) || c == 0xff0b ? c - 0xfee0 : c;
}

static bool
is_international(const struct phone *ph)
{
    return ph->plus || (ph->n >= 2 && ph->digits[0] == '0' && ph->digits[1] == '0');
}

static enum cofre_err
take(struct phone *ph, int32_t c, const char **reason)
{
    if (c >= '0' && c <= '9') {
        if (ph->n == TYPED_MAX)
            return normalise_refuse(reason, "has more than 15 digits");
        ph->digits[ph->n++] = (char)c;
        return COFRE_OK;
    }
    if (c == '+' && !ph->plus && ph->n == 0) {
        ph->plus = true;
        return COFRE_OK;
    }
    return is_separator(c) ? COFRE_OK : normalise_refuse(reason, not_a_phone);
}

static enum cofre_err
scan(struct bytes in, struct phone *ph, const char **reason)
{
    enum cofre_err err;
    int32_t code;
    size_t n;

    *ph = (struct phone){.n = 0};
    for (size_t i = 0; i < in.len; i += n) {
        n = 1;
        code = in.p[i];
        /* +49 (0)30 ...: this zero is for callers inside the country. */
        if (code == '(' && is_international(ph) && in.len - i >= 3 &&
            memcmp(in.p + i, "(0)", 3) == 0) {
            n = 3;
            continue;
        }
        if (code >= 0x80)
            n = (size_t)utf8proc_iterate(in.p + i, (utf8proc_ssize_t)(in.len - i), &code);
        if ((err = take(ph, narrow(code), reason)) != COFRE_OK)
            return err;
    }
    return COFRE_OK;
}

/* The digits behind what is dialled only inside the country. */
static size_t
skip_trunk(const struct phone *ph, const struct normalise_calling *calling)
{
    size_t len = strlen(calling->trunk);
    bool digit = calling->trunk[0] == '1' || (calling->trunk[0] == '8' && len == 1);

    if (len == 0 || ph->n <= len || memcmp(ph->digits, calling->trunk, len) != 0)
        return 0;
    return digit && ph->n != WITH_TRUNK ? 0 : len;
}

enum cofre_err
normalise_phone(struct bytes in, const char *default_country, struct buf *out, const char **reason)
{
    const struct normalise_calling *calling;
    const char *code = "";
    struct phone ph;
    enum cofre_err err;
    size_t skip = 0;
    size_t n;

    if (!encode_utf8_valid(in))
        return normalise_refuse(reason, "is not UTF-8");
    if ((err = scan(in, &ph, reason)) != COFRE_OK)
        return err;
    if (is_international(&ph)) {
        skip = ph.plus ? 0 : 2;
    } else {
        if ((calling = normalise_calling(default_country)) == NULL)
            return normalise_refuse(reason, "has no country code (a leading +)");
        code = calling->code;
        skip = skip_trunk(&ph, calling);
    }
    n = strlen(code) + ph.n - skip;
    if (n > DIGITS_MAX)
        return normalise_refuse(reason, "has more than 15 digits");
    if (n < DIGITS_MIN)
        return normalise_refuse(reason, "has fewer than 7 digits");
    if (code[0] == '\0' && ph.digits[skip] == '0')
        return normalise_refuse(reason, "has a country code that begins with 0");

    buf_putc(out, '+');
    buf_puts(out, code);
    buf_put(out, ph.digits + skip, ph.n - skip);
    return buf_error(out);
}
