#include "vault/records/normalise_internal.h"

enum { DAY_MS = 86400 * 1000, YEAR_MIN = 1000 };

static bool
read_digits(const uint8_t *p, size_t n, int *out)
{
    *out = 0;
    for (size_t i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9')
            return false;
        *out = *out * 10 + (p[i] - '0');
    }
    return true;
}

static int
days_in(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && leap);
}

bool
normalise_date_read(struct bytes text, struct normalise_date *out)
{
    struct normalise_date d;

    if (text.len != 10 || text.p[4] != '-' || text.p[7] != '-')
        return false;
    if (!read_digits(text.p, 4, &d.year) || !read_digits(text.p + 5, 2, &d.month) ||
        !read_digits(text.p + 8, 2, &d.day))
        return false;
    if (d.year < YEAR_MIN || d.month < 1 || d.month > 12 || d.day < 1 ||
        d.day > days_in(d.year, d.month))
        return false;
    *out = d;
    return true;
}

enum cofre_err
normalise_date_parse(struct bytes text, struct normalise_date *out)
{
    return normalise_date_read(text, out) ? COFRE_OK : COFRE_EFORMAT;
}

/*
 * Both ways count in years that begin in March, so that the leap day is the last of its year, and
 * in eras of 400 years, which are all 146,097 days long.  Day 0 is 1970-01-01.
 */
enum { ERA_DAYS = 146097, EPOCH = 719468 /* from 0000-03-01 to 1970-01-01 */ };

int64_t
normalise_date_ms(const struct normalise_date *d)
{
    int64_t year = d->month > 2 ? d->year : (int64_t)d->year - 1;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t of_era = year - era * 400;
    int64_t month = (d->month + 9) % 12; /* March is 0 */
    int64_t of_year = (153 * month + 2) / 5 + d->day - 1;
    int64_t day = of_era * 365 + of_era / 4 - of_era / 100 + of_year;

    return (era * ERA_DAYS + day - EPOCH) * DAY_MS;
}

struct normalise_date
normalise_date_of(int64_t ms)
{
    int64_t days = ms / DAY_MS - (ms % DAY_MS < 0) + EPOCH;
    int64_t era = (days >= 0 ? days : days - (ERA_DAYS - 1)) / ERA_DAYS;
    int64_t day = days - era * ERA_DAYS;
    int64_t of_era = (day - day / 1460 + day / 36524 - day / (ERA_DAYS - 1)) / 365;
    int64_t of_year = day - (of_era * 365 + of_era / 4 - of_era / 100);
    int64_t month = (5 * of_year + 2) / 153; /* March is 0 */
    struct normalise_date d;

    d.day = (int)(of_year - (153 * month + 2) / 5 + 1);
    d.month = (int)(month < 10 ? month + 3 : month - 9);
    d.year = (int)(of_era + era * 400 + (d.month <= 2));
    return d;
}
