/* wrap: malloc calloc realloc sodium_malloc mlock */
#include <errno.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc_fault.h"
#include "unit.h"

#include "cofre/oplog.h"
#include "cofre/secret.h"

int __real_mlock(const void *p, size_t len);
int __wrap_mlock(const void *p, size_t len);

static bool no_locking;

int
__wrap_mlock(const void *p, size_t len)
{
    if (no_locking) {
        errno = ENOMEM;
        return -1;
    }
    return __real_mlock(p, len);
}

static void
a_new_secret_is_zero_and_a_copy_is_equal(void **state)
{
    static const uint8_t zeros[40];
    struct secret *a, *b, *none;

    (void)state;
    assert_int_equal(secret_new(40, &a), COFRE_OK);
    assert_true(bytes_equal(secret_bytes(a), BYTES_OF(zeros)));
    memset(secret_data(a), 7, 40);
    assert_int_equal(secret_copy(secret_bytes(a), &b), COFRE_OK);
    assert_true(secret_equal(secret_bytes(a), secret_bytes(b)));
    secret_data(b)[39] ^= 1;
    assert_false(secret_equal(secret_bytes(a), secret_bytes(b)));
    assert_false(secret_equal((struct bytes){secret_bytes(a).p, 39}, secret_bytes(a)));
    assert_int_equal(secret_copy(BYTES_NONE, &none), COFRE_OK);
    assert_true(secret_equal(secret_bytes(none), BYTES_NONE));
    secret_free(a);
    secret_free(b);
    secret_free(none);
    secret_free(NULL);
}

static void
random_secrets_differ(void **state)
{
    struct secret *a, *b;

    (void)state;
    assert_int_equal(secret_random(32, &a), COFRE_OK);
    assert_int_equal(secret_random(32, &b), COFRE_OK);
    assert_false(secret_equal(secret_bytes(a), secret_bytes(b)));
    secret_free(a);
    secret_free(b);
}

static void
a_failed_allocation_gives_nothing(void **state)
{
    struct secret *s;
    enum cofre_err err;
    unsigned failures = 0;

    (void)state;
    ALLOC_FAULT_EACH
    {
        s = (struct secret *)&failures;
        err = secret_random(32, &s);
        if (!alloc_fault_hit())
            break;
        failures++;
        assert_int_equal(err, COFRE_ENOMEM);
        assert_null(s);
    }
    assert_int_equal(err, COFRE_OK);
    assert_int_equal(failures, 2);
    secret_free(s);
}

/* In a child: what happens there stays there. */
static int
status_of(int (*run)(void))
{
    pid_t child = fork();
    int status = -1;

    assert_true(child >= 0);
    if (child == 0)
        _exit(run());
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static int
read_past_the_end(void)
{
    struct rlimit none = {0, 0};
    struct secret *s;
    volatile uint8_t *p;

    setrlimit(RLIMIT_CORE, &none);
    if (secret_new(32, &s) != COFRE_OK)
        return 0;
    p = secret_data(s);
    (void)p[32];
    return 0;
}

static void
a_guard_page_follows(void **state)
{
    int status = status_of(read_past_the_end);

    (void)state;
    assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static int
setup_without_locking(void)
{
    struct cofre_why why = {""};
    struct secret *s = NULL;
    int devnull[2];

    no_locking = true;
    if (secret_setup(false, &why) != COFRE_EREFUSED || strstr(why.text, "RLIMIT_MEMLOCK") == NULL)
        return 1;
    if (secret_new(32, &s) != COFRE_ENOMEM || s != NULL)
        return 2;

    /* Allowed: a warning, and it goes on. */
    if (pipe(devnull) != 0 || dup2(devnull[1], STDERR_FILENO) < 0)
        return 3;
    if (secret_setup(true, NULL) != COFRE_OK || secret_new(32, &s) != COFRE_OK)
        return 4;
    close(devnull[1]);
    if (read(devnull[0], why.text, 16) != 16 || memcmp(why.text, "cofre: warning: ", 16) != 0)
        return 5;
    secret_free(s);
    return 0;
}

static void
without_locking_it_refuses_unless_allowed(void **state)
{
    (void)state;
    assert_int_equal(status_of(setup_without_locking), 0);
}

static int
setup_and_look(void)
{
    struct rlimit limit;

    if (secret_setup(true, NULL) != COFRE_OK || getrlimit(RLIMIT_CORE, &limit) != 0)
        return 1;
    if (limit.rlim_cur != 0 || limit.rlim_max != 0)
        return 2;
#ifndef COFRE_SANITIZED
    if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
        return 3;
#endif
    return 0;
}

static void
setup_turns_core_files_and_tracing_off(void **state)
{
    (void)state;
    assert_int_equal(status_of(setup_and_look), 0);
}

static void
wipe_wipes(void **state)
{
    uint8_t bytes[8];

    (void)state;
    memset(bytes, 0xff, sizeof bytes);
    secret_wipe(bytes, 7);
    unit_bytes_are(BYTES_OF(bytes), "00000000000000ff");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_secret_is_zero_and_a_copy_is_equal),
        cmocka_unit_test(random_secrets_differ),
        cmocka_unit_test(a_failed_allocation_gives_nothing),
        cmocka_unit_test(a_guard_page_follows),
        cmocka_unit_test(without_locking_it_refuses_unless_allowed),
        cmocka_unit_test(setup_turns_core_files_and_tracing_off),
        cmocka_unit_test(wipe_wipes),
    };

    return cmocka_run_group_tests(tests, unit_setup, NULL);
}
