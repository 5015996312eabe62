/* cli/config.c: cofre.conf is taken as it is meant, or refused with the line. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

#include "../../cli/config.c"

/* The parser's one need of options.c. */
enum cofre_err
options_decimal(const char *text, uint64_t *n)
{
    char *end;

    if (*text < '0' || *text > '9')
        return COFRE_EINVAL;
    *n = strtoull(text, &end, 10);
    return *end == 0 ? COFRE_OK : COFRE_EINVAL;
}

#define COUNT(array) (sizeof(array) / sizeof *(array))

static char dir[] = "config-XXXXXX";
static char path[64];

static int
begin(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/cofre.conf", dir);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(dir);
}

static enum cofre_err
read_text_of(const char *text, struct config *out, struct cofre_why *why)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, 0600), 0);
    why->text[0] = 0;
    return config_read(dir, out, why);
}

static void
none_is_the_defaults(void **state)
{
    struct cofre_why why = {""};
    struct config c;

    (void)state;
    unlink(path);
    assert_int_equal(config_read(dir, &c, &why), COFRE_OK);
    assert_string_equal(c.listen, "127.0.0.1:8420");
    assert_string_equal(c.tls_cert, "");
    assert_int_equal(c.checkpoint_ms, 0);
}

static void
settings_are_taken(void **state)
{
    struct cofre_why why;
    struct config c;
    char cert[64];

    (void)state;
    assert_int_equal(read_text_of("# a comment\n[server]\nlisten = [::1]:443\ntls_cert = cert.pem\n"
                                  "tls_key = /etc/key.pem\nclient_ca=ca.pem\nthreads = 3\n"
                                  "max_connections=77\n[audit]\ncheckpoint_ms = 500\n"
                                  "[witness]\npolicy = p\nrequired = yes\ngrace_s = 9\n",
                                  &c, &why),
                     COFRE_OK);
    snprintf(cert, sizeof cert, "%s/cert.pem", dir);
    assert_string_equal(c.listen, "[::1]:443");
    assert_string_equal(c.tls_cert, cert);
    assert_string_equal(c.tls_key, "/etc/key.pem");
    assert_int_equal(c.threads, 3);
    assert_int_equal(c.max_connections, 77);
    assert_int_equal(c.checkpoint_ms, 500);
    snprintf(cert, sizeof cert, "%s/p", dir);
    assert_string_equal(c.witness_policy, cert);
    assert_true(c.witness_required);
    assert_int_equal(c.witness_grace_s, 9);
    assert_int_equal(c.witness_timeout_ms, 0);
}

static void
what_is_not_understood_is_refused_with_its_line(void **state)
{
    static const struct {
        const char *text;
        const char *says;
    } rows[] = {
        {"[server]\nlistn = x\n", "line 2: no such setting"},
        {"listen = x\n", "line 1: no such setting"},
        {"[audit]\n\nlisten = x\n", "line 3: no such setting"},
        {"[server]\nthreads = many\n", "line 2: threads is a number"},
        {"[server]\nthreads = 0\n", "line 2: threads is a number from 1"},
        {"[server]\nthreads = 4294967297\n", "line 2: threads"},
        {"[audit]\ncheckpoint_ms = 1\n", "line 2: checkpoint_ms"},
        {"[witness]\nrequired = maybe\n", "line 2: required is yes or no"},
        {"[witness]\ngrace_s = 0\n", "line 2: grace_s"},
        {"[server]\nlisten =\n", "line 2: listen is empty"},
        {"[server]\nthreads = 1\nthreads = 2\n", "line 3: threads is set twice"},
        {"[server]\nwhat is this\n", "line 2:"},
    };
    struct cofre_why why;
    struct config c;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        enum cofre_err err = read_text_of(rows[i].text, &c, &why);

        if (err != COFRE_EINVAL || strstr(why.text, rows[i].says) == NULL)
            fail_msg("%s gives %d: %s", rows[i].text, (int)err, why.text);
    }
}

static void
a_line_that_would_be_cut_is_refused(void **state)
{
    char text[300] = "[server]\nlisten = ";
    struct cofre_why why;
    struct config c;
    size_t len = strlen(text);

    (void)state;
    memset(text + len, 'x', sizeof text - len - 1);
    assert_int_equal(read_text_of(text, &c, &why), COFRE_EINVAL);
}

static void
a_file_that_others_may_write_is_refused(void **state)
{
    struct cofre_why why;
    struct config c;

    (void)state;
    assert_int_equal(read_text_of("[server]\n", &c, &why), COFRE_OK);
    assert_int_equal(chmod(path, 0620), 0);
    assert_int_equal(config_read(dir, &c, &why), COFRE_EREFUSED);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(config_read(dir, &c, &why), COFRE_OK);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(none_is_the_defaults),
        cmocka_unit_test(settings_are_taken),
        cmocka_unit_test(what_is_not_understood_is_refused_with_its_line),
        cmocka_unit_test(a_line_that_would_be_cut_is_refused),
        cmocka_unit_test(a_file_that_others_may_write_is_refused),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
