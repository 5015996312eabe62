#include <unistd.h>

#include "unit.h"

#include "cofre/oplog.h"

enum { ROOM = 4096 };

/* What one call writes to stderr, with NUL. */
static void
capture(char out[static ROOM], void (*run)(void))
{
    int ends[2], saved = dup(STDERR_FILENO);
    ssize_t len;

    assert_int_equal(pipe(ends), 0);
    assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
    run();
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    close(saved);
    close(ends[1]);
    len = read(ends[0], out, ROOM - 1);
    assert_true(len >= 0);
    out[len] = '\0';
    close(ends[0]);
}

static void
warn(void)
{
    oplog_line(OPLOG_WARNING, "disk %d%% full", 93);
}

static void
one_line_a_call(void **state)
{
    char text[ROOM];

    (void)state;
    capture(text, warn);
    assert_string_equal(text, "cofre: warning: disk 93% full\n");
}

static void
all_levels(void)
{
    oplog_line(OPLOG_ERROR, "e");
    oplog_line(OPLOG_INFO, "i");
    oplog_line(OPLOG_DEBUG, "d");
}

static void
lines_above_the_level_are_dropped(void **state)
{
    char text[ROOM];

    (void)state;
    capture(text, all_levels);
    assert_string_equal(text, "cofre: error: e\ncofre: info: i\n");
    oplog_level_set(OPLOG_ERROR);
    capture(text, all_levels);
    assert_string_equal(text, "cofre: error: e\n");
    oplog_level_set(OPLOG_DEBUG);
    capture(text, all_levels);
    assert_string_equal(text, "cofre: error: e\ncofre: info: i\ncofre: debug: d\n");
    oplog_level_set(OPLOG_INFO);
}

static void
hostile(void)
{
    oplog_line(OPLOG_ERROR, "%s", "a\ncofre: info: forged\x1b[2J\x7f");
}

static void
it_stays_one_line(void **state)
{
    char text[ROOM];

    (void)state;
    capture(text, hostile);
    assert_string_equal(text, "cofre: error: a cofre: info: forged [2J \n");
}

static void
very_long(void)
{
    oplog_line(OPLOG_ERROR, "%02000d", 1);
}

static void
too_long_a_line_is_cut_and_ends(void **state)
{
    char text[ROOM];

    (void)state;
    capture(text, very_long);
    assert_true(strlen(text) < 1100);
    assert_int_equal(text[strlen(text) - 1], '\n');
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_line_a_call),
        cmocka_unit_test(lines_above_the_level_are_dropped),
        cmocka_unit_test(it_stays_one_line),
        cmocka_unit_test(too_long_a_line_is_cut_and_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
