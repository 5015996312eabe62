#include <assert.h>

#include "vault/views/transform.h"

#define DAY_MS INT64_C(86400000)

static const char *const names[] = {
    [TRANSFORM_DAY] = "day", [TRANSFORM_WEEK] = "week", [TRANSFORM_TIME_MONTH] = "month"};

static const size_t n_names = sizeof names / sizeof *names;

enum cofre_err
transform_time_parse(struct bytes name, enum transform_time *out)
{
    for (unsigned i = 0; i < n_names; i++) {
        if (bytes_equal(name, bytes_str(names[i]))) {
            *out = (enum transform_time)i;
            return COFRE_OK;
        }
    }
    return COFRE_EINVAL;
}

const char *
transform_time_text(enum transform_time t)
{
    assert(t < n_names);
    return names[t];
}

/* Of the day, week or so many days that hold ms; shift moves the start of the first. */
static int64_t
floor_days(int64_t ms, int64_t days, int64_t shift)
{
    int64_t rest = (ms + shift * DAY_MS) % (days * DAY_MS);

    return ms - (rest < 0 ? rest + days * DAY_MS : rest);
}

static int64_t
month_start(int64_t ms)
{
    struct normalise_date date = normalise_date_of(ms);

    date.day = 1;
    return normalise_date_ms(&date);
}

void
transform_time_bucket(enum transform_time t, int64_t ms, int64_t *from, int64_t *to)
{
    switch (t) {
    case TRANSFORM_DAY:
        *from = floor_days(ms, 1, 0);
        *to = *from + DAY_MS;
        return;
    case TRANSFORM_WEEK:
        /* 1970-01-01 was a Thursday, the fourth day of its week. */
        *from = floor_days(ms, 7, 3);
        *to = *from + 7 * DAY_MS;
        return;
    case TRANSFORM_TIME_MONTH:
        *from = month_start(ms);
        *to = month_start(*from + 31 * DAY_MS);
        return;
    }
    assert(t <= TRANSFORM_TIME_MONTH);
}

static uint8_t *
put_digits(uint8_t *p, int n, int digits)
{
    for (int i = digits - 1; i >= 0; i--) {
        p[i] = (uint8_t)('0' + n % 10);
        n /= 10;
    }
    return p + digits;
}

void
transform_time_put(struct buf *out, enum transform_time t, int64_t ms)
{
    uint8_t text[sizeof "\"YYYY-MM-DD\""];
    uint8_t *p = text;
    struct normalise_date date;
    int week;

    if (t == TRANSFORM_WEEK)
        normalise_week_of(ms, &date.year, &week);
    else
        date = normalise_date_of(ms);

    *p++ = '"';
    p = put_digits(p, date.year, 4);
    *p++ = '-';
    if (t == TRANSFORM_WEEK) {
        *p++ = 'W';
        p = put_digits(p, week, 2);
    } else {
        p = put_digits(p, date.month, 2);
    }
    if (t == TRANSFORM_DAY) {
        *p++ = '-';
        p = put_digits(p, date.day, 2);
    }
    *p++ = '"';
    buf_put(out, text, (size_t)(p - text));
}
