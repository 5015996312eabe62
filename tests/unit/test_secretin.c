/* cli/secretin.c and place.c: a vault's secret is read from where it is safe, and from nowhere else. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

#include "../../cli/place.c"
#include "../../cli/secretin.c"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* The options of this test: what options.c would have read. */
static struct option_value given[4];
static size_t n_given;

const char *
options_text(const struct options *o, enum option option)
{
    (void)o;
    for (size_t i = 0; i < n_given; i++)
        if (given[i].option == option)
            return given[i].text;
    return NULL;
}

bool
options_has(const struct options *o, enum option option)
{
    return options_text(o, option) != NULL;
}

uint64_t
options_number(const struct options *o, enum option option, uint64_t otherwise)
{
    const char *text = options_text(o, option);

    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

/* Nobody sits at a terminal here. */
enum cofre_err
secretin_ask(const char *prompt, struct secret **out, struct cofre_why *why)
{
    (void)prompt;
    *out = NULL;
    return cofre_why_set(why, COFRE_EINVAL, "no terminal");
}

static void
give(enum option option, const char *text)
{
    given[n_given++] = (struct option_value){option, text};
}

static void
put_file(const char *path, const void *bytes, size_t len, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), (ssize_t)len);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static int
begin(void **state)
{
    (void)state;
    n_given = 0;
    assert_true(mkdir("vault", 0700) == 0 || access("vault", F_OK) == 0);
    give(OPT_VAULT, "vault");
    return 0;
}

static int
end(void **state)
{
    static const char *const files[] = {"secret", "link", "fifo", "vault/secret"};

    (void)state;
    for (size_t i = 0; i < COUNT(files); i++)
        unlink(files[i]);
    return rmdir("vault");
}

static enum cofre_err
read_secret(struct secretin *in, struct cofre_why *why)
{
    why->text[0] = 0;
    return secretin_read(NULL, false, in, why);
}

static void
a_passphrase_ends_with_its_line(void **state)
{
    static const struct {
        const char *text;
        enum cofre_err err;
    } rows[] = {
        {"correct horse\n", COFRE_OK},
        {"correct horse", COFRE_OK},
        {"correct horse\r\n", COFRE_OK},
        {"\n", COFRE_EINVAL},
        {"", COFRE_EINVAL},
        {"correct\nhorse\n", COFRE_EINVAL},
    };
    struct cofre_why why;
    struct secretin in;

    (void)state;
    give(OPT_PASSPHRASE_FILE, "secret");
    for (size_t i = 0; i < COUNT(rows); i++) {
        put_file("secret", rows[i].text, strlen(rows[i].text), 0600);
        assert_int_equal(read_secret(&in, &why), rows[i].err);
        if (rows[i].err == COFRE_OK)
            assert_true(bytes_equal(secret_bytes(in.secret), BYTES_LIT("correct horse")));
        else
            assert_null(in.secret);
        assert_null(strstr(why.text, "horse"));
        secret_free(in.secret);
    }
}

static void
a_passphrase_has_a_greatest_length(void **state)
{
    char text[SECRETIN_PASSPHRASE_MAX + 4];
    struct cofre_why why;
    struct secretin in;

    (void)state;
    memset(text, 'x', sizeof text);
    give(OPT_PASSPHRASE_FILE, "secret");
    put_file("secret", text, SECRETIN_PASSPHRASE_MAX, 0600);
    assert_int_equal(read_secret(&in, &why), COFRE_OK);
    assert_int_equal(secret_bytes(in.secret).len, SECRETIN_PASSPHRASE_MAX);
    secret_free(in.secret);
    put_file("secret", text, sizeof text, 0600);
    assert_int_equal(read_secret(&in, &why), COFRE_EINVAL);
}

static void
a_key_file_is_32_bytes_of_any_kind(void **state)
{
    static const uint8_t key[SECRETIN_KEY_LEN + 1] = {'\n', 0, 'k', '\r', '\n'};
    struct cofre_why why;
    struct secretin in;

    (void)state;
    give(OPT_KEY_FILE, "secret");
    for (size_t len = 0; len <= sizeof key; len++) {
        put_file("secret", key, len, 0600);
        if (len == SECRETIN_KEY_LEN) {
            assert_int_equal(read_secret(&in, &why), COFRE_OK);
            assert_int_equal(in.kind, COFRE_SECRET_KEY_FILE);
            assert_true(bytes_equal(secret_bytes(in.secret), (struct bytes){key, len}));
            secret_free(in.secret);
        } else {
            assert_int_equal(read_secret(&in, &why), COFRE_EINVAL);
        }
    }
}

static void
a_secret_that_others_may_use_is_refused(void **state)
{
    static const mode_t modes[] = {0640, 0620, 0610, 0604, 0602, 0601, 0644};
    struct cofre_why why;
    struct secretin in;

    (void)state;
    give(OPT_PASSPHRASE_FILE, "secret");
    for (size_t i = 0; i < COUNT(modes); i++) {
        put_file("secret", "correct horse", 13, modes[i]);
        assert_int_equal(read_secret(&in, &why), COFRE_EREFUSED);
    }
    put_file("secret", "correct horse", 13, 0400);
    assert_int_equal(read_secret(&in, &why), COFRE_OK);
    secret_free(in.secret);
}

static void
what_is_no_ordinary_file_is_refused(void **state)
{
    struct cofre_why why;
    struct secretin in;

    (void)state;
    assert_int_equal(mkfifo("fifo", 0600), 0);
    give(OPT_PASSPHRASE_FILE, "fifo");
    assert_int_equal(read_secret(&in, &why), COFRE_EREFUSED);
}

static void
a_secret_in_the_vaults_directory_is_refused(void **state)
{
    struct cofre_why why;
    struct secretin in;
    bool made;

    (void)state;
    put_file("vault/secret", "0123456789abcdef0123456789abcdef", 32, 0600);
    assert_int_equal(symlink("vault/secret", "link"), 0);
    give(OPT_KEY_FILE, "vault/../vault//secret");
    assert_int_equal(read_secret(&in, &why), COFRE_EREFUSED);
    given[1].text = "link";
    assert_int_equal(read_secret(&in, &why), COFRE_EREFUSED);
    given[1].text = "vault/new";
    assert_int_equal(secretin_make_key(NULL, &made, &why), COFRE_EREFUSED);
    /* Nor where the vault will be. */
    given[0].text = "vault-to-be";
    given[1].text = "vault-to-be/key";
    assert_int_equal(secretin_make_key(NULL, &made, &why), COFRE_EREFUSED);
    /* A name that only begins alike is another place. */
    given[1].text = "vault-to-be.key";
    assert_int_equal(secretin_make_key(NULL, &made, &why), COFRE_OK);
    assert_true(made);
    unlink("vault-to-be.key");
}

static void
a_key_file_is_made_once(void **state)
{
    struct cofre_why why;
    struct secretin in;
    struct stat st;
    bool made;

    (void)state;
    give(OPT_KEY_FILE, "secret");
    assert_int_equal(secretin_make_key(NULL, &made, &why), COFRE_OK);
    assert_true(made);
    assert_int_equal(stat("secret", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(read_secret(&in, &why), COFRE_OK);
    assert_int_equal(secretin_make_key(NULL, &made, &why), COFRE_OK);
    assert_false(made);
    secret_free(in.secret);
}

static void
a_descriptor_is_read_to_its_end(void **state)
{
    struct cofre_why why;
    struct secretin in;
    char number[12];
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "correct horse\n", 14), 14);
    close(ends[1]);
    snprintf(number, sizeof number, "%d", ends[0]);
    give(OPT_PASSPHRASE_FD, number);
    assert_int_equal(read_secret(&in, &why), COFRE_OK);
    assert_true(bytes_equal(secret_bytes(in.secret), BYTES_LIT("correct horse")));
    secret_free(in.secret);
    close(ends[0]);
    assert_int_equal(read_secret(&in, &why), COFRE_EINVAL);
}

static void
one_secret_is_enough(void **state)
{
    struct cofre_why why;
    struct secretin in;

    (void)state;
    assert_int_equal(read_secret(&in, &why), COFRE_EINVAL);
    give(OPT_KEY_FILE, "secret");
    give(OPT_PASSPHRASE_FILE, "secret");
    assert_int_equal(read_secret(&in, &why), COFRE_EINVAL);
    assert_non_null(strstr(why.text, "give one of"));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(a_passphrase_ends_with_its_line),
        TEST(a_passphrase_has_a_greatest_length),
        TEST(a_key_file_is_32_bytes_of_any_kind),
        TEST(a_secret_that_others_may_use_is_refused),
        TEST(what_is_no_ordinary_file_is_refused),
        TEST(a_secret_in_the_vaults_directory_is_refused),
        TEST(a_key_file_is_made_once),
        TEST(a_descriptor_is_read_to_its_end),
        TEST(one_secret_is_enough),
    };

    return cmocka_run_group_tests(tests, unit_setup, NULL);
}
