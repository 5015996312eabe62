#include "vault/views/transform_internal.h"

enum { DIGITS_MAX = 18 }; /* before the point: more than any canonical value has; fit int64_t */

static bool
is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* JSON's own form of an integer, which goes out as it is: no leading zero, no "-0". */
bool
transform_number_keep(struct buf *out, const struct transform_value *v)
{
    struct bytes digits = v->value;

    if (digits.p[0] == '-')
        digits = (struct bytes){digits.p + 1, digits.len - 1};
    if (digits.len == 0 || digits.len > DIGITS_MAX)
        return false;
    if (digits.p[0] == '0' && v->value.len > 1)
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        if (!is_digit(digits.p[i]))
            return false;
    }
    buf_putb(out, v->value);
    return true;
}

/*
 * The greatest integer that is not above the decimal text: to be at or above a whole edge is the
 * same for both, so that no fraction is ever computed with.
 */
static bool
floor_of(struct bytes text, int64_t *out)
{
    bool negative = text.p[0] == '-';
    bool fraction = false;
    size_t start = negative ? 1 : 0;
    size_t i = start;
    int64_t n = 0;

    for (; i < text.len && i - start < DIGITS_MAX && is_digit(text.p[i]); i++)
        n = n * 10 + (text.p[i] - '0');
    if (i == start)
        return false;
    if (i < text.len) {
        if (text.p[i++] != '.' || i == text.len)
            return false;
        for (; i < text.len && is_digit(text.p[i]); i++)
            fraction |= text.p[i] != '0';
    }
    if (i < text.len)
        return false;
    *out = negative ? -n - (fraction ? 1 : 0) : n;
    return true;
}

static void
put_edge(struct buf *out, int64_t edge)
{
    if (edge < 0)
        buf_putc(out, '-');
    buf_put_u64_dec(out, edge < 0 ? 0 - (uint64_t)edge : (uint64_t)edge);
}

bool
transform_number_band(struct buf *out, const struct transform_value *v)
{
    const struct transform *t = v->t;
    int64_t value;
    size_t i = 0;

    if (!floor_of(v->value, &value))
        return false;
    while (i < t->n_edges && value >= t->edges[i])
        i++;

    buf_puts(out, i == 0 ? "\"<" : "\"");
    put_edge(out, t->edges[i == 0 ? 0 : i - 1]);
    if (i > 0 && i < t->n_edges) {
        buf_putc(out, '-');
        put_edge(out, t->edges[i]);
    }
    buf_puts(out, i == t->n_edges ? "+\"" : "\"");
    return true;
}
