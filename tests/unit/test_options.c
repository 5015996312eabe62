/* cli/options.c and the table of commands: what is said on a command line is what is meant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cofre/call.h"

#include "../../cli/commands.c"
#include "../../cli/infiles.c"
#include "../../cli/options.c"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* No command is run here. */
#define NOT_RUN(name)               \
    int cmd_##name(struct cmd *cmd) \
    {                               \
        (void)cmd;                  \
        return -1;                  \
    }
COMMAND_RUNS(NOT_RUN)

/* Nor by its caller. */
int
export_drive(struct cmd *cmd)
{
    (void)cmd;
    return -1;
}

/* Splits line at blanks and parses it; the words live until the next call. */
static enum cofre_err
parse(const char *line, struct options *o, struct cofre_why *why)
{
    static char copy[512];
    static const char *words[OPTIONS_MAX * 3];
    size_t n = 0;

    assert_true(strlen(line) < sizeof copy);
    strcpy(copy, line);
    for (char *word = strtok(copy, " "); word != NULL && n < COUNT(words); word = strtok(NULL, " "))
        words[n++] = word;
    why->text[0] = 0;
    return options_parse(words, n, o, why);
}

static void
good_lines_are_understood(void **state)
{
    static const struct {
        const char *line;
        const char *words;
        size_t n_args;
    } rows[] = {
        {"status", "status", 0},
        {"--vault v --key-file=k status", "status", 0},
        {"status --vault v --json", "status", 0},
        {"--json view show loyalty", "view show", 1},
        {"view --json show loyalty", "view show", 1},
        {"view show -- --loyalty", "view show", 1},
        {"view apply -", "view apply", 1},
        {"import events e.csv --dry-run", "import events", 1},
        {"token issue --role support --name desk --purpose a --purpose=b", "token issue", 0},
        {"audit verify --since a --since b", "audit verify", 0},
        {"key resume", "key resume", 0},
        {"key resume kek", "key resume", 1},
        {"help token issue", "help", 2},
        {"token issue --help", "token issue", 0},
    };
    struct cofre_why why;
    struct options o;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        enum cofre_err err = parse(rows[i].line, &o, &why);

        if (err != COFRE_OK)
            fail_msg("%s: %s", rows[i].line, why.text);
        assert_non_null(o.command);
        assert_string_equal(o.command->words, rows[i].words);
        assert_int_equal(o.n_args, rows[i].n_args);
    }
}

static void
bad_lines_are_usage_errors(void **state)
{
    static const struct {
        const char *line;
        const char *says;
    } rows[] = {
        {"", "no command"},
        {"frobnicate", "unknown command"},
        {"view frobnicate", "unknown command"},
        {"customer erase cus_x", "unknown command"},
        {"backup data f", "unknown command"},
        {"view", "second word"},
        {"status more", "too many arguments"},
        {"view show", "something is missing"},
        {"view show a b", "too many arguments"},
        {"status --frobnicate", "is not an option"},
        {"-x status", "is not an option"},
        {"status --role crm", "--role is no option of this command"},
        {"status --vault", "--vault needs a value"},
        {"status --json=yes", "--json takes no value"},
        {"status --vault a --vault b", "--vault was given twice"},
        {"audit show --from -1", "--from takes a number"},
        {"audit show --from 18446744073709551616", "--from takes a number"},
        {"token issue --role crm", "--name NAME is missing"},
        {"purpose add p", "--basis BASIS is missing"},
        {"-- status --json", "too many arguments"},
    };
    struct cofre_why why;
    struct options o;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        enum cofre_err err = parse(rows[i].line, &o, &why);

        if (err != COFRE_EINVAL || strstr(why.text, rows[i].says) == NULL)
            fail_msg("'%s' gives %d: %s", rows[i].line, (int)err, why.text);
    }
}

static void
too_many_options_are_refused(void **state)
{
    const char *words[2 + OPTIONS_MAX + 1] = {"audit", "verify"};
    struct cofre_why why = {""};
    struct options o;

    (void)state;
    for (size_t i = 2; i < COUNT(words); i++)
        words[i] = "--since=x";
    assert_int_equal(options_parse(words, COUNT(words) - 1, &o, &why), COFRE_OK);
    assert_int_equal(o.n_values, OPTIONS_MAX);
    assert_int_equal(infiles_count(&o), OPTIONS_MAX);
    assert_int_equal(options_parse(words, COUNT(words), &o, &why), COFRE_EINVAL);
}

static void
what_looks_like_a_secret_is_not_repeated(void **state)
{
    struct cofre_why why;
    struct options o;

    (void)state;
    assert_int_equal(parse("--hunter2 status", &o, &why), COFRE_EINVAL);
    assert_null(strstr(why.text, "hunter2"));
    assert_int_equal(parse("hunter2", &o, &why), COFRE_EINVAL);
    assert_null(strstr(why.text, "hunter2"));
}

static void
values_come_back_as_given(void **state)
{
    struct cofre_why why;
    struct options o;

    (void)state;
    assert_int_equal(parse("audit show --from 7 --limit=18446744073709551615", &o, &why), COFRE_OK);
    assert_int_equal(options_number(&o, OPT_FROM, 1), 7);
    assert_true(options_number(&o, OPT_LIMIT, 1) == UINT64_MAX);
    assert_int_equal(options_number(&o, OPT_PASSPHRASE_FD, 9), 9);
    assert_null(options_text(&o, OPT_VAULT));
    assert_false(options_has(&o, OPT_JSON));
}

static void
durations_have_a_unit(void **state)
{
    static const struct {
        const char *text;
        enum cofre_err err;
        uint64_t seconds;
    } rows[] = {
        {"1s", COFRE_OK, 1},
        {"2m", COFRE_OK, 120},
        {"3h", COFRE_OK, 10800},
        {"90d", COFRE_OK, 7776000},
        {"2w", COFRE_OK, 1209600},
        {"1y", COFRE_OK, 31536000},
        {"90", COFRE_EINVAL, 0},
        {"d", COFRE_EINVAL, 0},
        {"", COFRE_EINVAL, 0},
        {"-1d", COFRE_EINVAL, 0},
        {"1.5d", COFRE_EINVAL, 0},
        {"1D", COFRE_EINVAL, 0},
        {" 1d", COFRE_EINVAL, 0},
        {"18446744073709551615s", COFRE_EINVAL, 0},
        {"999999999999999999y", COFRE_EINVAL, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint64_t seconds = 0;

        if (options_duration(rows[i].text, &seconds) != rows[i].err || seconds != rows[i].seconds)
            fail_msg("%s", rows[i].text);
    }
}

/* Exactly one entry for each command: none can forget what the log is to say, nor lack the right. */
static void
every_command_of_the_vault_has_an_act_that_an_admin_may(void **state)
{
    (void)state;
    for (const struct command *c = commands_all(); c->words != NULL; c++) {
        if (c->place == COMMAND_WITH_VAULT &&
            (c->act >= COFRE_ACTS || !cofre_act_allowed(c->act, COFRE_ROLE_ADMIN)))
            fail_msg("%s", c->words);
    }
}

static void
every_command_is_well_formed(void **state)
{
    (void)state;
    for (const struct command *c = commands_all(); c->words != NULL; c++) {
        const char *blank = strchr(c->words, ' ');

        assert_non_null(c->run);
        assert_true(c->help[0] != 0);
        assert_true(c->min_args <= c->max_args && c->max_args <= OPTIONS_ARGS_MAX);
        assert_true(!c->file_arg || c->min_args > 0);
        assert_true(c->beside == NULL || c->file_arg);
        assert_int_equal(c->required & ~c->options, 0);
        assert_int_equal(c->options & OPTIONS_GLOBAL, 0);
        assert_true(blank == NULL || strchr(blank + 1, ' ') == NULL);
        /* What is one word can not be the first of two. */
        assert_true(blank != NULL || !commands_begins(c->words));
        for (const struct command *d = c + 1; d->words != NULL; d++)
            assert_string_not_equal(c->words, d->words);
    }
}

/* What a command takes, its usage names. */
static void
usage_names_the_options(void **state)
{
    (void)state;
    for (const struct command *c = commands_all(); c->words != NULL; c++) {
        for (unsigned i = 0; i < OPTIONS; i++) {
            char dashed[64];

            if ((c->options >> i & 1) == 0)
                continue;
            snprintf(dashed, sizeof dashed, "--%s", options_spec((enum option)i)->name);
            if (strstr(c->usage, dashed) == NULL)
                fail_msg("%s: %s", c->words, dashed);
        }
    }
}

/* The manual, without what mdoc needs: "view show Ar name". */
static char *
read_manual(void)
{
    const char *source = getenv("COFRE_SRC");
    char path[4096];
    char *text;
    size_t len;
    FILE *f;

    snprintf(path, sizeof path, "%s/cli/cofre.1", source != NULL ? source : ".");
    f = fopen(path, "r");
    if (f == NULL)
        return NULL;
    text = calloc(1, 256 * 1024);
    assert_non_null(text);
    len = fread(text, 1, 256 * 1024 - 1, f);
    assert_true(len > 0);
    fclose(f);
    return text;
}

static void
every_command_and_option_stands_in_the_manual(void **state)
{
    char *manual = read_manual();
    char item[128];

    (void)state;
    if (manual == NULL)
        skip();
    for (const struct command *c = commands_all(); c->words != NULL; c++) {
        const char *found;

        snprintf(item, sizeof item, ".It Cm %s", c->words);
        found = strstr(manual, item);
        if (found == NULL || (found[strlen(item)] != ' ' && found[strlen(item)] != '\n'))
            fail_msg("%s", c->words);
    }
    for (unsigned i = 0; i < OPTIONS; i++) {
        snprintf(item, sizeof item, "Fl -%s", options_spec((enum option)i)->name);
        if (strstr(manual, item) == NULL)
            fail_msg("%s", item);
    }
    free(manual);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_lines_are_understood),
        cmocka_unit_test(bad_lines_are_usage_errors),
        cmocka_unit_test(too_many_options_are_refused),
        cmocka_unit_test(what_looks_like_a_secret_is_not_repeated),
        cmocka_unit_test(values_come_back_as_given),
        cmocka_unit_test(durations_have_a_unit),
        cmocka_unit_test(every_command_of_the_vault_has_an_act_that_an_admin_may),
        cmocka_unit_test(every_command_is_well_formed),
        cmocka_unit_test(usage_names_the_options),
        cmocka_unit_test(every_command_and_option_stands_in_the_manual),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
