#include "vault/records/normalise_internal.h"

/* A week belongs to the year that its Thursday lies in. */
void
normalise_week_of(int64_t ms, int *year, int *week)
{
    const int64_t day_ms = 86400 * 1000;
    int64_t days = ms / day_ms - (ms % day_ms < 0);
    int64_t weekday = ((days + 3) % 7 + 7) % 7; /* Monday is 0; 1970-01-01 was a Thursday */
    int64_t thursday = days - weekday + 3;
    struct normalise_date first = {normalise_date_of(thursday * day_ms).year, 1, 1};

    *year = first.year;
    *week = (int)((thursday - normalise_date_ms(&first) / day_ms) / 7 + 1);
}
