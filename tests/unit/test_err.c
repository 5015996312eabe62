#include <errno.h>
#include <stdio.h>

#include "unit.h"

#include "cofre/err.h"

static void
every_code_has_a_text(void **state)
{
    (void)state;
    for (int i = 0; i < COFRE_ERR_COUNT; i++)
        for (int j = 0; j < i; j++)
            assert_string_not_equal(cofre_err_text((enum cofre_err)i),
                                    cofre_err_text((enum cofre_err)j));
    assert_string_equal(cofre_err_text(COFRE_OK), "success");
    assert_string_equal(cofre_err_text(COFRE_EAGAIN), "interrupted; try again");
}

static void
a_code_outside_the_list_is_unknown(void **state)
{
    (void)state;
    assert_string_equal(cofre_err_text(COFRE_ERR_COUNT), "unknown error");
    assert_string_equal(cofre_err_text((enum cofre_err) - 1), "unknown error");
}

static void
the_first_cause_wins(void **state)
{
    struct cofre_why why = {""};

    (void)state;
    assert_int_equal(cofre_why_set(&why, COFRE_EFORMAT, "line %d", 7), COFRE_EFORMAT);
    assert_int_equal(cofre_why_set(&why, COFRE_EIO, "later"), COFRE_EIO);
    assert_int_equal(cofre_why_os(&why, COFRE_EIO, ENOENT, "later"), COFRE_EIO);
    assert_string_equal(why.text, "line 7");
}

static void
each_level_goes_in_front(void **state)
{
    struct cofre_why why = {""};

    (void)state;
    assert_int_equal(cofre_why_os(&why, COFRE_ENOENT, ENOENT, "open %s", "keyring"), COFRE_ENOENT);
    assert_int_equal(cofre_why_add(&why, COFRE_EIO, "start"), COFRE_EIO);
    assert_string_equal(why.text, "start: open keyring: No such file or directory");
}

static void
without_a_cause_the_code_speaks(void **state)
{
    struct cofre_why why = {""};

    (void)state;
    assert_int_equal(cofre_why_add(&why, COFRE_ENOMEM, "read"), COFRE_ENOMEM);
    assert_string_equal(why.text, "read: out of memory");
}

static void
nobody_needs_to_listen(void **state)
{
    (void)state;
    assert_int_equal(cofre_why_set(NULL, COFRE_EIO, "x"), COFRE_EIO);
    assert_int_equal(cofre_why_os(NULL, COFRE_EIO, EIO, "x"), COFRE_EIO);
    assert_int_equal(cofre_why_add(NULL, COFRE_EIO, "x"), COFRE_EIO);
}

static void
too_long_a_text_is_cut(void **state)
{
    struct cofre_why why = {""};

    (void)state;
    cofre_why_set(&why, COFRE_EIO, "%0300d", 1);
    assert_int_equal(strlen(why.text), sizeof why.text - 1);
    cofre_why_add(&why, COFRE_EIO, "front");
    assert_int_equal(strlen(why.text), sizeof why.text - 1);
    assert_memory_equal(why.text, "front: 000", 10);
    cofre_why_add(&why, COFRE_EIO, "%0300d", 1);
    assert_int_equal(strlen(why.text), sizeof why.text - 1);

    why.text[0] = '\0';
    cofre_why_os(&why, COFRE_EIO, EIO, "%0300d", 1);
    assert_int_equal(strlen(why.text), sizeof why.text - 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_a_text),
        cmocka_unit_test(a_code_outside_the_list_is_unknown),
        cmocka_unit_test(the_first_cause_wins),
        cmocka_unit_test(each_level_goes_in_front),
        cmocka_unit_test(without_a_cause_the_code_speaks),
        cmocka_unit_test(nobody_needs_to_listen),
        cmocka_unit_test(too_long_a_text_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
