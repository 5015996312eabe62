#include "vault/views/transform.h"

#define WEEK_MS (INT64_C(7) * 86400000)

enum {
    WEEK_LEN = sizeof "1997-W02" - 1,
    MONTH_LEN = sizeof "1997-01" - 1,
    DATE_LEN = sizeof "1997-01-12" - 1
};

/* -1: not digits alone. */
static int
digits(const uint8_t *p, size_t n)
{
    int value = 0;

    for (size_t i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9')
            return -1;
        value = value * 10 + (p[i] - '0');
    }
    return value;
}

static enum cofre_err
week_start(struct bytes text, int64_t *out)
{
    int year = digits(text.p, 4);
    int week = digits(text.p + 6, 2);
    struct normalise_date in_first = {year, 1, 4}; /* by ISO 8601 always in week 1 */
    int64_t from;
    int64_t to;
    int got_year;
    int got_week;

    if (year < 1000 || text.p[4] != '-' || text.p[5] != 'W' || week < 1)
        return COFRE_EINVAL;
    transform_time_bucket(TRANSFORM_WEEK, normalise_date_ms(&in_first), &from, &to);
    from += (week - 1) * WEEK_MS;

    /* Not every year has a week 53. */
    normalise_week_of(from, &got_year, &got_week);
    if (got_year != year || got_week != week)
        return COFRE_EINVAL;
    *out = from;
    return COFRE_OK;
}

static enum cofre_err
month_start(struct bytes text, int64_t *out)
{
    uint8_t first[DATE_LEN];
    const char *reason;

    memcpy(first, text.p, MONTH_LEN);
    memcpy(first + MONTH_LEN, "-01", DATE_LEN - MONTH_LEN);
    return normalise_time(BYTES_OF(first), out, &reason);
}

enum cofre_err
transform_since(enum transform_time t, struct bytes text, int64_t *from)
{
    const char *reason;
    int64_t ms;
    int64_t to;

    if (t == TRANSFORM_WEEK && text.len == WEEK_LEN)
        return week_start(text, from);
    if (t == TRANSFORM_TIME_MONTH && text.len == MONTH_LEN)
        return month_start(text, from);
    if (normalise_time(text, &ms, &reason) != COFRE_OK)
        return COFRE_EINVAL;
    transform_time_bucket(t, ms, from, &to);
    return COFRE_OK;
}
