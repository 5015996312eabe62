/* wrap: malloc calloc realloc sodium_malloc */
/* Apart from test_log.c: counting allocations is not for two threads under a race detector. */
#include "alloc_fault.h"
#include "audit_dir.h"

static struct audit_dir d;

static int
setup(void **state)
{
    (void)state;
    audit_dir_make(&d);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    audit_dir_remove(&d);
    return 0;
}

static void
a_log_is_created_whole_or_not(void **state)
{
    enum cofre_err err;
    struct log *l;

    (void)state;
    ALLOC_FAULT_EACH
    {
        err = log_create(&d.config, NULL);
        if (!alloc_fault_hit())
            break;
        assert_int_equal(err, COFRE_ENOMEM);
        assert_int_not_equal(log_open(&d.config, &l, NULL), COFRE_OK);
        audit_dir_remove(&d);
        audit_dir_make(&d);
    }
    assert_int_equal(err, COFRE_OK);
}

static void
opening_and_staging_without_memory_changes_nothing(void **state)
{
    uint8_t leaf[HASH_LEN];
    struct log_head head;
    struct bytes line;
    enum cofre_err err;
    struct entry e;
    struct log *l;

    (void)state;
    assert_int_equal(log_create(&d.config, NULL), COFRE_OK);
    ALLOC_FAULT_EACH
    {
        l = NULL;
        err = log_open(&d.config, &l, NULL);
        if (!alloc_fault_hit())
            break;
        /* The builder's thread may have been the one to meet it: it tries again. */
        assert_true(err == COFRE_ENOMEM || err == COFRE_OK);
        assert_int_equal(log_close(l, NULL), COFRE_OK);
    }
    assert_int_equal(err, COFRE_OK);
    for (int n = 0; n < 300; n++) {
        ALLOC_FAULT_EACH
        {
            log_staged_head(l, &head);
            assert_int_equal(head.size, n);
            e = audit_dir_entry(head.size);
            err = log_stage(l, &e, leaf, &line);
            if (!alloc_fault_hit())
                break;
            assert_int_equal(err, COFRE_ENOMEM);
        }
        assert_int_equal(err, COFRE_OK);
    }
    assert_int_equal(log_commit(l, NULL), COFRE_OK);
    assert_int_equal(log_close(l, NULL), COFRE_OK);
    assert_int_equal(log_open(&d.config, &l, NULL), COFRE_OK);
    log_head(l, &head);
    assert_int_equal(head.size, 300);
    assert_int_equal(log_close(l, NULL), COFRE_OK);
}

static void
committing_and_proving_without_memory_can_be_tried_again(void **state)
{
    struct buf text = BUF_INIT;
    struct log_head head, staged;
    uint8_t leaf[HASH_LEN];
    struct bytes line;
    enum cofre_err err;
    struct entry e;
    struct log *l;

    (void)state;
    assert_int_equal(log_create(&d.config, NULL), COFRE_OK);
    assert_int_equal(log_open(&d.config, &l, NULL), COFRE_OK);
    for (uint64_t n = 0; n < 40; n++) {
        e = audit_dir_entry(n);
        assert_int_equal(log_stage(l, &e, leaf, &line), COFRE_OK);
        log_staged_head(l, &staged);
        alloc_fault_arm((unsigned)(n / 4));
        err = log_commit(l, NULL);
        (void)alloc_fault_hit();
        if (err == COFRE_ENOMEM)
            err = log_commit(l, NULL);
        assert_int_equal(err, COFRE_OK);
        log_head(l, &head);
        assert_memory_equal(&head, &staged, sizeof head);

        alloc_fault_arm((unsigned)n);
        buf_free(&text);
        err = log_prove(l, n, &text, NULL);
        (void)alloc_fault_hit();
        assert_true(err == COFRE_OK || err == COFRE_ENOMEM);
        buf_free(&text);
        assert_int_equal(log_prove(l, n, &text, NULL), COFRE_OK);
    }
    assert_false(log_dead(l));
    assert_int_equal(log_close(l, NULL), COFRE_OK);
    buf_free(&text);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_log_is_created_whole_or_not),
        TEST(opening_and_staging_without_memory_changes_nothing),
        TEST(committing_and_proving_without_memory_can_be_tried_again),
    };

    return cmocka_run_group_tests(tests, unit_setup, NULL);
}
