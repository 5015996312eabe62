#include "vault/records/normalise_internal.h"

static const char not_a_time[] = "is neither a date nor a time with its offset from UTC";

/* Two digits up to max at p. */
static bool
two(const uint8_t *p, int max, int *out)
{
    if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
        return false;
    *out = (p[0] - '0') * 10 + (p[1] - '0');
    return *out <= max;
}

/* hh:mm:ss in seconds; takes 8 bytes off.  A second of 60 is seen by the caller. */
static bool
read_clock(struct bytes *in, int64_t *seconds, bool *leap)
{
    const uint8_t *p = in->p;
    int hour;
    int minute;
    int second;

    if (in->len < 8 || p[2] != ':' || p[5] != ':' || !two(p, 23, &hour) ||
        !two(p + 3, 59, &minute) || !two(p + 6, 60, &second))
        return false;
    *seconds = hour * 3600 + minute * 60 + second;
    *leap = second == 60;
    in->p += 8;
    in->len -= 8;
    return true;
}

/* ".d+", cut to milliseconds; or nothing. */
static bool
read_fraction(struct bytes *in, int64_t *ms)
{
    int64_t unit = 100;
    size_t n = 1;

    *ms = 0;
    if (in->len == 0 || in->p[0] != '.')
        return true;
    for (; n < in->len && in->p[n] >= '0' && in->p[n] <= '9'; n++) {
        *ms += unit * (in->p[n] - '0');
        unit /= 10;
    }
    in->p += n;
    in->len -= n;
    return n > 1;
}

/* Z or +hh:mm or -hh:mm, to the end. */
static bool
read_offset(struct bytes in, int64_t *seconds)
{
    int hour;
    int minute;

    *seconds = 0;
    if (in.len == 1 && (in.p[0] == 'Z' || in.p[0] == 'z'))
        return true;
    if (in.len != 6 || (in.p[0] != '+' && in.p[0] != '-') || in.p[3] != ':' ||
        !two(in.p + 1, 23, &hour) || !two(in.p + 4, 59, &minute))
        return false;
    *seconds = (hour * 3600 + minute * 60) * (in.p[0] == '-' ? -1 : 1);
    return true;
}

enum cofre_err
normalise_time(struct bytes text, int64_t *out, const char **reason)
{
    struct normalise_date date;
    struct bytes rest;
    int64_t clock;
    int64_t fraction;
    int64_t offset;
    int64_t second;
    bool leap;

    if (text.len < 10 || !normalise_date_read((struct bytes){text.p, 10}, &date))
        return normalise_refuse(reason, not_a_time);
    if (text.len == 10) {
        *out = normalise_date_ms(&date);
        return COFRE_OK;
    }

    rest = (struct bytes){text.p + 11, text.len - 11};
    if (strchr("Tt ", text.p[10]) == NULL || text.p[10] == '\0' ||
        !read_clock(&rest, &clock, &leap) || !read_fraction(&rest, &fraction) ||
        !read_offset(rest, &offset))
        return normalise_refuse(reason, not_a_time);
    second = normalise_date_ms(&date) / 1000 + clock - offset;
    /* A leap second is the last before midnight UTC; like POSIX we count it as the first after. */
    if (leap && second % 86400 != 0)
        return normalise_refuse(reason, not_a_time);
    date = normalise_date_of(second * 1000);
    if (date.year < 1000 || date.year > 9999)
        return normalise_refuse(reason, "is not in the years 1000 to 9999");
    *out = second * 1000 + fraction;
    return COFRE_OK;
}
