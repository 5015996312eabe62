/* wrap: malloc calloc realloc sodium_malloc */
#include "alloc_fault.h"
#include "audit/proof.h"
#include "audit/verify.h"
#include "sample_log.h"
#include "unit.h"

/* Every allocation of the reading side fails once: COFRE_ENOMEM, and never another verdict. */

static struct sample_log s;
static struct buf checkpoint;

static int
make_log(void **state)
{
    if (unit_setup(state) != 0)
        return -1;
    sample_open(&s, 0);
    sample_add(&s, 300, true);
    sample_sign(&s);
    return files_read(s.dir, "checkpoint", CHECKPOINT_MAX, &checkpoint, NULL) == COFRE_OK ? 0 : -1;
}

static int
remove_log(void **state)
{
    (void)state;
    buf_free(&checkpoint);
    sample_close(&s);
    return 0;
}

static void
verifying(void **state)
{
    const struct bytes since = buf_bytes(&checkpoint);
    struct verify_config config = {
        .dir = s.dir, .keys = &s.signer.verifier, .n_keys = 1, .since = &since, .n_since = 1};
    struct verify_report report;
    unsigned failed;
    enum cofre_err err;

    (void)state;
    for (config.threads = 1; config.threads <= 2; config.threads++) {
        failed = 0;
        ALLOC_FAULT_EACH
        {
            err = verify_log(&config, &report);
            if (!alloc_fault_hit())
                break;
            assert_int_equal(err, COFRE_ENOMEM);
            failed++;
        }
        assert_true(failed > 10);
        assert_int_equal(err, COFRE_OK);
        assert_int_equal(report.verdict, VERIFY_GOOD);
    }
}

static void
opening_a_checkpoint(void **state)
{
    struct checkpoint c;
    enum cofre_err err;

    (void)state;
    ALLOC_FAULT_EACH
    {
        err = checkpoint_open(buf_bytes(&checkpoint), &s.signer.verifier, &c);
        if (!alloc_fault_hit())
            break;
        assert_int_equal(err, COFRE_ENOMEM);
    }
    assert_int_equal(err, COFRE_OK);
}

static void
signing_a_checkpoint(void **state)
{
    const uint8_t root[HASH_LEN] = {0};
    struct buf out = BUF_INIT;

    (void)state;
    ALLOC_FAULT_EACH
    {
        buf_free(&out);
        checkpoint_sign(&out, &s.signer, 7, root);
        if (!alloc_fault_hit())
            break;
        assert_int_equal(buf_error(&out), COFRE_ENOMEM);
    }
    assert_int_equal(buf_error(&out), COFRE_OK);
    buf_free(&out);
}

static void
making_and_verifying_a_proof(void **state)
{
    struct buf proof = BUF_INIT;
    uint64_t index;
    enum cofre_err err;

    (void)state;
    ALLOC_FAULT_EACH
    {
        buf_free(&proof);
        err = proof_make(s.dir, 270, buf_bytes(&checkpoint), &proof, NULL);
        if (!alloc_fault_hit())
            break;
        assert_int_equal(err, COFRE_ENOMEM);
    }
    assert_int_equal(err, COFRE_OK);
    ALLOC_FAULT_EACH
    {
        err = proof_verify(buf_bytes(&proof), BYTES_LIT("no entry"), &s.signer.verifier, &index);
        if (!alloc_fault_hit())
            break;
        assert_int_equal(err, COFRE_ENOMEM);
    }
    assert_int_equal(err, COFRE_EAUTH);
    buf_free(&proof);
}

/* A builder to which an entry could not be added for want of memory takes it the next time. */
static void
building_tiles(void **state)
{
    struct sample_log log;
    struct buf line = BUF_INIT;
    uint64_t size;
    enum cofre_err err;
    uint8_t root[HASH_LEN], other[HASH_LEN];
    struct tree_edge edge;

    (void)state;
    sample_open(&log, 0);
    tree_edge_init(&edge);
    for (int i = 0; i < 256; i++) {
        line.len = 0;
        sample_entry(&log, &line);
        tree_leaf(buf_bytes(&line), log.prev);
        tree_edge_append(&edge, log.prev);
        ALLOC_FAULT_EACH
        {
            err = tiles_builder_add(log.builder, buf_bytes(&line), log.prev, NULL);
            if (!alloc_fault_hit())
                break;
            assert_int_equal(err, COFRE_ENOMEM);
        }
        assert_int_equal(err, COFRE_OK);
        log.size++;
    }
    tiles_builder_root(log.builder, &size, root);
    tree_edge_root(&edge, other);
    assert_memory_equal(root, other, HASH_LEN);
    buf_free(&line);
    sample_close(&log);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verifying),
        cmocka_unit_test(opening_a_checkpoint),
        cmocka_unit_test(signing_a_checkpoint),
        cmocka_unit_test(making_and_verifying_a_proof),
        cmocka_unit_test(building_tiles),
    };

    return cmocka_run_group_tests(tests, make_log, remove_log);
}
