#include <assert.h>

#include "vault/records/normalise_internal.h"

static const struct normalise_text_rules rules[SCHEMA_TYPES] = {
    [SCHEMA_TEXT] = {NORMALISE_MAX, "is longer than 4096 bytes", true, false},
    [SCHEMA_PERSON_NAME] = {512, "is longer than 512 bytes", false, true},
    [SCHEMA_POSTAL_ADDRESS] = {1024, "is longer than 1024 bytes", true, false},
    [SCHEMA_CATEGORY] = {64, "is longer than 64 bytes", false, false},
};

static enum cofre_err
text(const struct normalise_in *in, struct buf *out, const char **reason)
{
    struct normalise_text t;
    enum cofre_err err;

    if ((err = normalise_text_open(in->text, &t, reason)) != COFRE_OK)
        return err;
    err = normalise_text_put(t.text, &rules[in->type], out, reason);
    normalise_text_close(&t);
    return err;
}

static enum cofre_err
email(const struct normalise_in *in, struct buf *out, const char **reason)
{
    return normalise_email(in->text, out, reason);
}

static enum cofre_err
phone(const struct normalise_in *in, struct buf *out, const char **reason)
{
    assert(in->default_country != NULL);
    return normalise_phone(in->text, in->default_country, out, reason);
}

static bool
is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool
is_letter(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static char
upper(uint8_t c)
{
    return (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
}

static enum cofre_err
postal_code(const struct normalise_in *in, struct buf *out, const char **reason)
{
    struct bytes code = normalise_text_trim_ascii(in->text);

    if (code.len < 2 || code.len > 16)
        return normalise_refuse(reason, "is not 2 to 16 characters long");
    for (size_t i = 0; i < code.len; i++)
        if (!is_digit(code.p[i]) && !is_letter(code.p[i]) && code.p[i] != ' ' && code.p[i] != '-')
            return normalise_refuse(reason, "has other than letters, digits, blanks and dashes");
    for (size_t i = 0; i < code.len; i++)
        buf_putc(out, upper(code.p[i]));
    return buf_error(out);
}

static enum cofre_err
country(const struct normalise_in *in, struct buf *out, const char **reason)
{
    if (in->text.len != 2 || !is_letter(in->text.p[0]) || !is_letter(in->text.p[1]))
        return normalise_refuse(reason, "is not a country code of two letters");
    buf_putc(out, upper(in->text.p[0]));
    buf_putc(out, upper(in->text.p[1]));
    return buf_error(out);
}

static enum cofre_err
date(const struct normalise_in *in, struct buf *out, const char **reason)
{
    struct normalise_date d;

    if (!normalise_date_read(in->text, &d))
        return normalise_refuse(reason, "is not a date (YYYY-MM-DD)");
    buf_putb(out, in->text);
    return buf_error(out);
}

static enum cofre_err
birth_date(const struct normalise_in *in, struct buf *out, const char **reason)
{
    struct normalise_date d;

    assert(in->today != NULL && strlen(in->today) == 10);
    if (!normalise_date_read(in->text, &d))
        return normalise_refuse(reason, "is not a date (YYYY-MM-DD)");
    if (d.year < 1850)
        return normalise_refuse(reason, "is before 1850");
    if (memcmp(in->text.p, in->today, 10) > 0)
        return normalise_refuse(reason, "lies in the future");
    buf_putb(out, in->text);
    return buf_error(out);
}

static enum cofre_err
number(const struct normalise_in *in, struct buf *out, const char **reason)
{
    const int64_t max = (INT64_C(1) << 53) - 1;
    size_t sign = in->text.len > 0 && in->text.p[0] == '-';
    size_t digits = in->text.len - sign;
    int64_t n = 0;

    if (digits == 0 || (digits > 1 && in->text.p[sign] == '0'))
        return normalise_refuse(reason, "is not an integer");
    for (size_t i = sign; i < in->text.len; i++)
        if (!is_digit(in->text.p[i]))
            return normalise_refuse(reason, "is not an integer");
    for (size_t i = sign; i < in->text.len && n <= max; i++)
        n = n * 10 + (in->text.p[i] - '0');
    if (n > max)
        return normalise_refuse(reason, "is beyond 2^53-1");
    if (sign && n > 0)
        buf_putc(out, '-');
    buf_put_u64_dec(out, (uint64_t)n);
    return buf_error(out);
}

/* How many digits stand at from. */
static size_t
digits_at(struct bytes in, size_t from)
{
    size_t n = 0;

    while (from + n < in.len && is_digit(in.p[from + n]))
        n++;
    return n;
}

/* The scale stays; zeros in front, and the sign of nothing, go: one amount, one text. */
static enum cofre_err
money(const struct normalise_in *in, struct buf *out, const char **reason)
{
    struct bytes text = in->text;
    size_t sign = text.len > 0 && text.p[0] == '-';
    size_t whole = digits_at(text, sign);
    size_t point = sign + whole;
    size_t behind = point < text.len && text.p[point] == '.' ? digits_at(text, point + 1) : 0;
    size_t zeros = 0;
    bool zero = true;

    if (whole == 0 || point + (behind > 0) + behind != text.len)
        return normalise_refuse(reason, "is not a decimal amount");
    if (whole > 15)
        return normalise_refuse(reason, "has more than 15 digits before the point");
    if (behind > 6)
        return normalise_refuse(reason, "has more than 6 digits behind the point");

    while (zeros + 1 < whole && text.p[sign + zeros] == '0')
        zeros++;
    for (size_t i = sign; i < text.len; i++)
        zero = zero && (text.p[i] == '0' || text.p[i] == '.');
    if (sign && !zero)
        buf_putc(out, '-');
    buf_put(out, text.p + sign + zeros, text.len - sign - zeros);
    return buf_error(out);
}

static bool
equals_ignoring_case(struct bytes in, const char *capitals)
{
    size_t i = 0;

    while (i < in.len && capitals[i] != '\0' && upper(in.p[i]) == capitals[i])
        i++;
    return i == in.len && capitals[i] == '\0';
}

static enum cofre_err
boolean(const struct normalise_in *in, struct buf *out, const char **reason)
{
    if (equals_ignoring_case(in->text, "TRUE"))
        buf_puts(out, "true");
    else if (equals_ignoring_case(in->text, "FALSE"))
        buf_puts(out, "false");
    else
        return normalise_refuse(reason, "is neither true nor false");
    return buf_error(out);
}

/* Which form JSON must have given a value, and what to say when it gave another. */
static const struct {
    enum cofre_err (*run)(const struct normalise_in *in, struct buf *out, const char **reason);
    enum normalise_form form;
    const char *other_form;
} types[SCHEMA_TYPES] = {
    [SCHEMA_TEXT] = {text, NORMALISE_STRING, "is not a string"},
    [SCHEMA_PERSON_NAME] = {text, NORMALISE_STRING, "is not a string"},
    [SCHEMA_EMAIL] = {email, NORMALISE_STRING, "is not a string"},
    [SCHEMA_PHONE] = {phone, NORMALISE_STRING, "is not a string"},
    [SCHEMA_POSTAL_ADDRESS] = {text, NORMALISE_STRING, "is not a string"},
    [SCHEMA_POSTAL_CODE] = {postal_code, NORMALISE_STRING, "is not a string"},
    [SCHEMA_COUNTRY] = {country, NORMALISE_STRING, "is not a string"},
    [SCHEMA_DATE] = {date, NORMALISE_STRING, "is not a string"},
    [SCHEMA_BIRTH_DATE] = {birth_date, NORMALISE_STRING, "is not a string"},
    [SCHEMA_NUMBER] = {number, NORMALISE_INTEGER, "is not an integer"},
    [SCHEMA_MONEY] = {money, NORMALISE_STRING, "is not a string: amounts are never JSON numbers"},
    [SCHEMA_CATEGORY] = {text, NORMALISE_STRING, "is not a string"},
    [SCHEMA_BOOL] = {boolean, NORMALISE_BOOL, "is neither true nor false"},
};

enum cofre_err
normalise_value(const struct normalise_in *in, struct buf *out, const char **reason)
{
    struct normalise_in value = *in;
    size_t start = out->len;
    enum cofre_err err;

    assert((unsigned)in->type < SCHEMA_TYPES);
    if (in->form == NORMALISE_FILE)
        value.text = normalise_text_trim_ascii(in->text);
    else if (in->form != types[in->type].form)
        return normalise_refuse(reason, types[in->type].other_form);
    if (value.text.len == 0)
        return normalise_refuse(reason, "is empty");
    if ((err = types[in->type].run(&value, out, reason)) != COFRE_OK)
        out->len = start;
    return err;
}
