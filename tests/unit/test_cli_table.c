/* cli/table.c: the vault's JSON as tables for people. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#include "../../cli/table.c"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct table_column columns[] = {
    {"NAME", "name", false}, {"N", "n", true}, {"TIME", "time", false}, {"LIST", "list", false}};

static char *
print(const char *json, bool rows)
{
    json_t *value = json_loads(json, 0, NULL);
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    assert_non_null(value);
    assert_non_null(out);
    assert_int_equal(rows ? table_rows(out, value, columns, COUNT(columns), "There are none.")
                          : table_members(out, value),
                     COFRE_OK);
    fclose(out);
    json_decref(value);
    return text;
}

static void
prints(const char *json, bool rows, const char *want)
{
    char *text = print(json, rows);

    assert_string_equal(text, want);
    free(text);
}

static void
columns_are_as_wide_as_their_widest_cell(void **state)
{
    (void)state;
    prints("[{\"name\":\"a\",\"n\":5,\"time\":852076800000,\"list\":[]},"
           " {\"name\":\"long-name\",\"n\":12345,\"time\":\"x\",\"list\":[\"b\",7]}]",
           true,
           "NAME           N  TIME                  LIST\n"
           "a              5  1997-01-01T00:00:00Z  -\n"
           "long-name  12345  x                     b 7\n");
}

static void
an_empty_list_says_so(void **state)
{
    (void)state;
    prints("[]", true, "There are none.\n");
}

static void
what_is_missing_or_empty_is_a_dash(void **state)
{
    (void)state;
    prints("[{\"name\":\"\",\"n\":null}]", true,
           "NAME  N  TIME  LIST\n"
           "-     -  -     -\n");
}

static void
letters_beyond_ascii_are_one_wide(void **state)
{
    (void)state;
    prints("[{\"name\":\"\\u00f1\\u00f1\\u00f1\\u00f1\\u00f1\"}]", true,
           "NAME   N  TIME  LIST\n\u00f1\u00f1\u00f1\u00f1\u00f1  -  -     -\n");
}

static void
control_characters_do_not_reach_a_terminal(void **state)
{
    char *text = print("{\"a\":\"\\u001b[31m\\u007f\\n\"}", false);

    (void)state;
    assert_string_equal(text, "a  ?[31m??\n");
    free(text);
}

static void
members_stand_below_each_other(void **state)
{
    (void)state;
    prints("{\"id\":\"cus_x\",\"created\":852076800000,\"ok\":true,"
           "\"consents\":[{\"purpose\":\"loyalty\",\"status\":\"granted\",\"time\":0},"
           "{\"purpose\":\"service\",\"status\":\"withdrawn\",\"time\":\"now\"}]}",
           false,
           "id        cus_x\n"
           "created   1997-01-01T00:00:00Z\n"
           "ok        yes\n"
           "consents  loyalty granted 1970-01-01T00:00:00Z; service withdrawn now\n");
}

static void
numbers_and_answers_in_a_list_say_what_they_are(void **state)
{
    (void)state;
    prints("{\"witnesses\":[{\"name\":\"w1\",\"size\":325,\"time\":0,\"failing\":false},"
           "{\"name\":\"w2\",\"size\":0,\"time\":null,\"failing\":true}]}",
           false,
           "witnesses  w1 size 325 1970-01-01T00:00:00Z failing no; w2 size 0 - failing yes\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_as_wide_as_their_widest_cell),
        cmocka_unit_test(an_empty_list_says_so),
        cmocka_unit_test(what_is_missing_or_empty_is_a_dash),
        cmocka_unit_test(letters_beyond_ascii_are_one_wide),
        cmocka_unit_test(control_characters_do_not_reach_a_terminal),
        cmocka_unit_test(members_stand_below_each_other),
        cmocka_unit_test(numbers_and_answers_in_a_list_say_what_they_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
