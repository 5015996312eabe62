#include "unit.h"

#include "vault/records/seen.h"

static void
each_is_new_once(void **state)
{
    static struct seen s;

    (void)state;
    seen_init(&s);
    /* All but a few of one slot, and far beyond 32 bits. */
    for (int64_t i = 1; i <= SEEN_MAX; i++)
        assert_true(seen_add(&s, i * SEEN_SLOTS * 4096 - (i % 3)));
    for (int64_t i = 1; i <= SEEN_MAX; i++)
        assert_false(seen_add(&s, i * SEEN_SLOTS * 4096 - (i % 3)));
    assert_int_equal(s.n, SEEN_MAX);
}

static void
a_full_set_takes_nobody(void **state)
{
    static struct seen s;

    (void)state;
    seen_init(&s);
    for (int64_t i = 1; i <= SEEN_MAX; i++)
        assert_true(seen_add(&s, i));
    assert_false(seen_add(&s, SEEN_MAX + 1));
    assert_false(seen_add(&s, 1));
    seen_init(&s);
    assert_true(seen_add(&s, SEEN_MAX + 1));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_is_new_once),
                                       cmocka_unit_test(a_full_set_takes_nobody)};

    return cmocka_run_group_tests(tests, unit_setup, NULL);
}
