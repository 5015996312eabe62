#include <assert.h>

#include "vault/views/transform_internal.h"

enum { TOP_AGE = 80 }; /* the band that holds it is open: the very old would stand out */

/* Somebody born on 29 February is a year older from 1 March on in common years. */
static int
age_on(const struct normalise_date *birth, const struct normalise_date *today)
{
    bool before_birthday =
        today->month < birth->month || (today->month == birth->month && today->day < birth->day);
    int age = today->year - birth->year - (before_birthday ? 1 : 0);

    return age > 0 ? age : 0;
}

bool
transform_date_age_band(struct buf *out, const struct transform_value *v)
{
    struct normalise_date birth;
    unsigned width = v->t->width;
    unsigned lower;
    unsigned top;

    assert(width > 0 && v->today != NULL);
    if (normalise_date_parse(v->value, &birth) != COFRE_OK)
        return false;
    lower = (unsigned)age_on(&birth, v->today) / width * width;
    top = TOP_AGE / width * width;

    buf_putc(out, '"');
    buf_put_u64_dec(out, lower < top ? lower : top);
    if (lower >= top) {
        buf_putc(out, '+');
    } else if (width > 1) {
        buf_putc(out, '-');
        buf_put_u64_dec(out, lower + width - 1);
    }
    buf_putc(out, '"');
    return true;
}

/* The first len characters of a canonical date. */
static bool
put_start(struct buf *out, struct bytes value, size_t len)
{
    struct normalise_date date;

    if (normalise_date_parse(value, &date) != COFRE_OK)
        return false;
    buf_putc(out, '"');
    buf_put(out, value.p, len);
    buf_putc(out, '"');
    return true;
}

bool
transform_date_year(struct buf *out, const struct transform_value *v)
{
    return put_start(out, v->value, sizeof "YYYY" - 1);
}

bool
transform_date_month(struct buf *out, const struct transform_value *v)
{
    return put_start(out, v->value, sizeof "YYYY-MM" - 1);
}
