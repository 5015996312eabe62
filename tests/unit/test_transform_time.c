#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "vault/views/transform.h"

enum { N_TIMES = TRANSFORM_TIME_MONTH + 1 };

static int64_t
at(const char *text)
{
    const char *reason = "";
    int64_t ms = 0;

    if (normalise_time(bytes_str(text), &ms, &reason) != COFRE_OK)
        fail_msg("%s %s", text, reason);
    return ms;
}

static void
assert_put(enum transform_time t, int64_t ms, const char *want)
{
    struct buf out = BUF_INIT;

    transform_time_put(&out, t, ms);
    buf_putc(&out, '\0');
    assert_int_equal(buf_error(&out), COFRE_OK);
    assert_string_equal((const char *)out.p, want);
    buf_free(&out);
}

static void
names_and_back(void **state)
{
    static const char *const names[N_TIMES] = {"day", "week", "month"};
    static const char *const wrong[] = {"", "Day", "days", "year", "hour", "week "};
    enum transform_time t;

    (void)state;
    for (unsigned i = 0; i < N_TIMES; i++) {
        assert_int_equal(transform_time_parse(bytes_str(names[i]), &t), COFRE_OK);
        assert_int_equal(t, i);
        assert_string_equal(transform_time_text(t), names[i]);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(transform_time_parse(bytes_str(wrong[i]), &t), COFRE_EINVAL);
}

static void
times_are_shown_by_day_week_and_month(void **state)
{
    static const struct {
        const char *time;
        const char *shown[N_TIMES];
    } rows[] = {
        {"1997-01-12", {"\"1997-01-12\"", "\"1997-W02\"", "\"1997-01\""}},
        {"1997-01-12T23:59:59Z", {"\"1997-01-12\"", "\"1997-W02\"", "\"1997-01\""}},
        {"1997-01-13", {"\"1997-01-13\"", "\"1997-W03\"", "\"1997-01\""}},
        {"1970-01-01", {"\"1970-01-01\"", "\"1970-W01\"", "\"1970-01\""}},
        {"1969-12-31T23:59:59Z", {"\"1969-12-31\"", "\"1970-W01\"", "\"1969-12\""}},
        {"1969-12-28T23:59:59Z", {"\"1969-12-28\"", "\"1969-W52\"", "\"1969-12\""}},
        {"2020-12-31", {"\"2020-12-31\"", "\"2020-W53\"", "\"2020-12\""}},
        {"2021-01-03", {"\"2021-01-03\"", "\"2020-W53\"", "\"2021-01\""}},
        {"2021-01-04", {"\"2021-01-04\"", "\"2021-W01\"", "\"2021-01\""}},
        {"2024-02-29", {"\"2024-02-29\"", "\"2024-W09\"", "\"2024-02\""}},
        {"2026-01-01T01:00:00+02:00", {"\"2025-12-31\"", "\"2026-W01\"", "\"2025-12\""}},
        {"1000-01-01", {"\"1000-01-01\"", "\"1000-W01\"", "\"1000-01\""}},
        {"9999-12-31", {"\"9999-12-31\"", "\"9999-W52\"", "\"9999-12\""}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (unsigned t = 0; t < N_TIMES; t++)
            assert_put((enum transform_time)t, at(rows[i].time), rows[i].shown[t]);
    }
}

static void
assert_bucket(enum transform_time t, const char *time, const char *from, const char *to)
{
    int64_t got_from;
    int64_t got_to;

    transform_time_bucket(t, at(time), &got_from, &got_to);
    assert_int_equal(got_from, at(from));
    assert_int_equal(got_to, at(to));
}

static void
buckets_begin_and_end_where_they_should(void **state)
{
    (void)state;
    assert_bucket(TRANSFORM_DAY, "1997-01-12T12:34:56Z", "1997-01-12", "1997-01-13");
    assert_bucket(TRANSFORM_DAY, "1969-12-31T23:59:59Z", "1969-12-31", "1970-01-01");
    assert_bucket(TRANSFORM_WEEK, "1997-01-12T12:34:56Z", "1997-01-06", "1997-01-13");
    assert_bucket(TRANSFORM_WEEK, "1997-01-13", "1997-01-13", "1997-01-20");
    assert_bucket(TRANSFORM_WEEK, "1969-12-28T23:59:59Z", "1969-12-22", "1969-12-29");
    assert_bucket(TRANSFORM_WEEK, "1900-01-01", "1900-01-01", "1900-01-08");
    assert_bucket(TRANSFORM_TIME_MONTH, "2024-02-29T23:59:59Z", "2024-02-01", "2024-03-01");
    assert_bucket(TRANSFORM_TIME_MONTH, "2023-02-01", "2023-02-01", "2023-03-01");
    assert_bucket(TRANSFORM_TIME_MONTH, "1996-12-31T23:59:59Z", "1996-12-01", "1997-01-01");
    assert_bucket(TRANSFORM_TIME_MONTH, "1000-01-01", "1000-01-01", "1000-02-01");
}

static struct buf
shown(enum transform_time t, int64_t ms)
{
    struct buf out = BUF_INIT;

    transform_time_put(&out, t, ms);
    assert_int_equal(buf_error(&out), COFRE_OK);
    return out;
}

/* Over 430 years, across leap centuries: a bucket is what is shown alike, and text sorts as time. */
static void
a_bucket_is_what_is_shown_alike(void **state)
{
    (void)state;
    for (unsigned i = 0; i < N_TIMES; i++) {
        enum transform_time t = (enum transform_time)i;
        int64_t end = at("2110-01-01");
        int64_t from;
        int64_t to;

        transform_time_bucket(t, at("1680-01-01"), &from, &to);
        while (from < end) {
            struct buf first = shown(t, from);
            struct buf last = shown(t, to - 1);
            struct buf next = shown(t, to);
            int64_t again;
            int64_t ignored;

            assert_true(bytes_equal(buf_bytes(&first), buf_bytes(&last)));
            assert_int_equal(first.len, next.len);
            assert_true(memcmp(first.p, next.p, first.len) < 0);
            transform_time_bucket(t, to - 1, &again, &ignored);
            assert_int_equal(again, from);
            /* What is shown is what `since` takes. */
            assert_int_equal(transform_since(t, (struct bytes){first.p + 1, first.len - 2}, &again),
                             COFRE_OK);
            assert_int_equal(again, from);
            buf_free(&first);
            buf_free(&last);
            buf_free(&next);
            transform_time_bucket(t, to, &from, &to);
        }
    }
}

static void
since_takes_generalised_dates_and_times(void **state)
{
    static const struct {
        enum transform_time t;
        const char *text;
        const char *from; /* NULL: refused */
    } rows[] = {
        {TRANSFORM_DAY, "1997-01-12", "1997-01-12"},
        {TRANSFORM_DAY, "1997-01-12T15:00:00Z", "1997-01-12"},
        {TRANSFORM_DAY, "1997-01-12T01:00:00+02:00", "1997-01-11"},
        {TRANSFORM_WEEK, "1997-W02", "1997-01-06"},
        {TRANSFORM_WEEK, "1997-W01", "1996-12-30"},
        {TRANSFORM_WEEK, "2020-W53", "2020-12-28"},
        {TRANSFORM_WEEK, "1997-01-12", "1997-01-06"},
        {TRANSFORM_WEEK, "1997-01-12T15:00:00Z", "1997-01-06"},
        {TRANSFORM_TIME_MONTH, "1997-01", "1997-01-01"},
        {TRANSFORM_TIME_MONTH, "1997-01-12", "1997-01-01"},
        {TRANSFORM_TIME_MONTH, "1997-01-31T23:00:00-02:00", "1997-02-01"},
        {TRANSFORM_DAY, "", NULL},
        {TRANSFORM_DAY, "1997-02-29", NULL},
        {TRANSFORM_DAY, "1997-01", NULL},
        {TRANSFORM_DAY, "1997-W02", NULL},
        {TRANSFORM_DAY, "yesterday", NULL},
        {TRANSFORM_DAY, " 1997-01-12", NULL},
        {TRANSFORM_DAY, "1997-01-12 ", NULL},
        {TRANSFORM_WEEK, "1997-W00", NULL},
        {TRANSFORM_WEEK, "1997-W53", NULL},
        {TRANSFORM_WEEK, "2021-W53", NULL},
        {TRANSFORM_WEEK, "2020-W54", NULL},
        {TRANSFORM_WEEK, "1997-W99", NULL},
        {TRANSFORM_WEEK, "1997-w02", NULL},
        {TRANSFORM_WEEK, "1997-W2", NULL},
        {TRANSFORM_WEEK, "1997W02", NULL},
        {TRANSFORM_WEEK, "1997+W02", NULL},
        {TRANSFORM_WEEK, "199x-W02", NULL},
        {TRANSFORM_WEEK, "1997-W0x", NULL},
        {TRANSFORM_WEEK, "0997-W02", NULL},
        {TRANSFORM_WEEK, "1997-01", NULL},
        {TRANSFORM_TIME_MONTH, "1997-13", NULL},
        {TRANSFORM_TIME_MONTH, "1997-00", NULL},
        {TRANSFORM_TIME_MONTH, "1997/01", NULL},
        {TRANSFORM_TIME_MONTH, "1997-W02", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t from = 42;
        enum cofre_err err = transform_since(rows[i].t, bytes_str(rows[i].text), &from);

        if (err != (rows[i].from != NULL ? COFRE_OK : COFRE_EINVAL))
            fail_msg("%s: %s", rows[i].text, cofre_err_text(err));
        assert_int_equal(from, rows[i].from != NULL ? at(rows[i].from) : 42);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_back),
        cmocka_unit_test(times_are_shown_by_day_week_and_month),
        cmocka_unit_test(buckets_begin_and_end_where_they_should),
        cmocka_unit_test(a_bucket_is_what_is_shown_alike),
        cmocka_unit_test(since_takes_generalised_dates_and_times),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
