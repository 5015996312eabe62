#include <stdio.h>
#include <time.h>

#include "unit.h"

#include "vault/records/normalise.h"

static void
times_are_milliseconds_of_utc(void **state)
{
    static const struct {
        const char *in;
        int64_t ms;
    } rows[] = {
        {"1970-01-01", 0},
        {"1997-01-12", 853027200000},
        {"2024-02-29", 1709164800000},
        {"1969-12-31", -86400000},
        {"1000-01-01", -30610224000000},
        {"9999-12-31T23:59:59.999Z", 253402300799999},
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01t00:00:01z", 1000},
        {"1970-01-01 00:00:01Z", 1000},
        {"1970-01-01T00:00:00.5Z", 500},
        {"1970-01-01T00:00:00.123456789Z", 123},
        {"1969-12-31T23:59:59.999Z", -1},
        {"1970-01-01T02:00:00+02:00", 0},
        {"1969-12-31T18:30:00-05:30", 0},
        {"1970-01-01T00:00:00-00:00", 0},
        {"2016-12-31T23:59:60Z", 1483228800000},
        {"2017-01-01T05:29:60.25+05:30", 1483228800250},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bytes in = unit_exact(bytes_str(rows[i].in));
        const char *reason = "";
        int64_t ms = 77;

        if (normalise_time(in, &ms, &reason) != COFRE_OK || ms != rows[i].ms)
            fail_msg("row %zu: %lld %s", i, (long long)ms, reason);
        unit_exact_free(in);
    }
}

static void
other_times_are_refused_and_not_repeated(void **state)
{
    static const char *const rows[] = {
        "",
        "1997",
        "1997-01",
        "1997-1-12",
        "1997-02-30",
        "2023-02-29",
        "1900-02-29",
        "0999-12-31",
        "1997-01-12T",
        "1997-01-12T10",
        "1997-01-12T10:11",
        "1997-01-12T10:11Z",
        "1997-01-12T10:11:12",
        "1997-01-12T10:11:12.Z",
        "1997-01-12T10:11:12,5Z",
        "1997-01-12T24:00:00Z",
        "1997-01-12T10:60:00Z",
        "1997-01-12T10:11:60Z",
        "1997-01-12T10:11:61Z",
        "1997-01-12T10:11:12+0200",
        "1997-01-12T10:11:12+02",
        "1997-01-12T10:11:12+24:00",
        "1997-01-12T10:11:12+02:60",
        "1997-01-12T10:11:12ZZ",
        "1997-01-12T10:11:12 Z",
        "1997-01-12_10:11:12Z",
        "1997-01-12T1:11:12Z",
        " 1997-01-12",
        "853027200000",
        "9999-12-31T23:59:59-00:01",
        "1000-01-01T00:00:00+00:01",
        "12/01/1997",
        "1997-01-12T10:11:1\xc3\xa9Z",
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bytes in = unit_exact(bytes_str(rows[i]));
        const char *reason = NULL;
        int64_t ms = 77;

        if (normalise_time(in, &ms, &reason) != COFRE_EINVAL || ms != 77)
            fail_msg("row %zu was taken", i);
        assert_non_null(reason);
        if (in.len > 3)
            assert_null(strstr(reason, rows[i]));
        unit_exact_free(in);
    }
    assert_int_equal(normalise_time(BYTES_LIT("1997-01-12\0"
                                              "10:11:12Z"),
                                    &(int64_t){0}, &(const char *){NULL}),
                     COFRE_EINVAL);
}

/* Every day of 1000 to 9999 and some beyond, against the C library. */
static void
the_calendar_agrees_with_libc(void **state)
{
    const int64_t day_ms = 86400000;
    struct normalise_date first = {-401, 1, 1};
    int64_t ms = normalise_date_ms(&first);

    (void)state;
    for (long n = 0; n < 3900000; n++, ms += day_ms) {
        time_t seconds = (time_t)(ms / 1000);
        struct normalise_date d = normalise_date_of(ms + n % day_ms);
        struct tm tm;

        assert_non_null(gmtime_r(&seconds, &tm));
        if (d.year != tm.tm_year + 1900 || d.month != tm.tm_mon + 1 || d.day != tm.tm_mday ||
            normalise_date_ms(&d) != ms)
            fail_msg("day %ld", n);
        if (n % 7 == 0) {
            char text[16];
            int year;
            int week;
            int want_year;
            int want_week;

            normalise_week_of(ms + day_ms - 1, &year, &week);
            strftime(text, sizeof text, "%G %V", &tm);
            assert_int_equal(sscanf(text, "%d %d", &want_year, &want_week), 2);
            if (year != want_year || week != want_week)
                fail_msg("week of day %ld: %d-%d", n, year, week);
        }
    }
}

static void
weeks_at_the_turn_of_a_year_are_those_of_iso_8601(void **state)
{
    static const struct {
        const char *date;
        int year, week;
    } rows[] = {
        {"1997-01-12", 1997, 2},  {"1996-12-30", 1997, 1},  {"2005-01-01", 2004, 53},
        {"2008-12-29", 2009, 1},  {"2010-01-03", 2009, 53}, {"1970-01-01", 1970, 1},
        {"1969-12-28", 1969, 52}, {"2020-12-31", 2020, 53}, {"2021-01-04", 2021, 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct normalise_date d;
        int year;
        int week;

        assert_int_equal(normalise_date_parse(bytes_str(rows[i].date), &d), COFRE_OK);
        normalise_week_of(normalise_date_ms(&d), &year, &week);
        assert_int_equal(year, rows[i].year);
        assert_int_equal(week, rows[i].week);
    }
}

static void
only_canonical_dates_parse(void **state)
{
    static const char *const bad[] = {"",           "1997-01-1", "1997-01-123",
                                      "1997-02-29", "97-01-12",  "1997/01/12"};
    struct normalise_date d = {7, 7, 7};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(normalise_date_parse(bytes_str(bad[i]), &d), COFRE_EFORMAT);
    assert_int_equal(d.year, 7);
    assert_int_equal(normalise_date_parse(BYTES_LIT("1996-02-29"), &d), COFRE_OK);
    assert_int_equal(d.year * 10000 + d.month * 100 + d.day, 19960229);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_milliseconds_of_utc),
        cmocka_unit_test(other_times_are_refused_and_not_repeated),
        cmocka_unit_test(the_calendar_agrees_with_libc),
        cmocka_unit_test(weeks_at_the_turn_of_a_year_are_those_of_iso_8601),
        cmocka_unit_test(only_canonical_dates_parse),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
