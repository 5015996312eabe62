#include "audit/proof.h"
#include "sample_log.h"
#include "unit.h"
#include "vectors.h"

enum { SIZE = 300 };

static struct sample_log log_;
static struct buf checkpoint;

static int
make_log(void **state)
{
    if (unit_setup(state) != 0)
        return -1;
    sample_open(&log_, 0);
    sample_add(&log_, SIZE, true);
    sample_sign(&log_);
    return files_read(log_.dir, "checkpoint", CHECKPOINT_MAX, &checkpoint, NULL) == COFRE_OK ? 0
                                                                                             : -1;
}

static int
remove_log(void **state)
{
    (void)state;
    sample_close(&log_);
    buf_free(&checkpoint);
    return 0;
}

static void
entry_at(uint64_t seq, struct buf *out)
{
    struct tiles_name name = {TILES_ENTRIES, seq / 256, 256};
    struct buf bundle = BUF_INIT;
    struct bytes entry;

    if (name.index == SIZE / 256)
        name.width = SIZE % 256;
    SAMPLE_MUST(tiles_read(log_.dir, &name, &bundle, NULL) == COFRE_OK);
    SAMPLE_MUST(tiles_bundle_entry(buf_bytes(&bundle), seq % 256, &entry) == COFRE_OK);
    buf_reset(out);
    buf_putb(out, entry);
    buf_free(&bundle);
}

static void
every_entry_has_a_proof_that_holds_for_it_alone(void **state)
{
    struct buf proof = BUF_INIT, entry = BUF_INIT, other = BUF_INIT;
    uint64_t index = 0;

    (void)state;
    for (uint64_t seq = 0; seq < SIZE; seq += 7) {
        entry_at(seq, &entry);
        entry_at((seq + 1) % SIZE, &other);
        buf_reset(&proof);
        assert_int_equal(proof_make(log_.dir, seq, buf_bytes(&checkpoint), &proof, NULL), COFRE_OK);
        assert_int_equal(
            proof_verify(buf_bytes(&proof), buf_bytes(&entry), &log_.signer.verifier, &index),
            COFRE_OK);
        assert_int_equal(index, seq);
        assert_int_equal(
            proof_verify(buf_bytes(&proof), buf_bytes(&other), &log_.signer.verifier, &index),
            COFRE_EAUTH);
    }
    buf_reset(&proof);
    assert_int_equal(proof_make(log_.dir, SIZE, buf_bytes(&checkpoint), &proof, NULL),
                     COFRE_ENOENT);
    assert_int_equal(proof.len, 0);
    buf_free(&proof);
    buf_free(&entry);
    buf_free(&other);
}

static void
every_flipped_bit_and_every_shorter_length_is_refused(void **state)
{
    const struct note_verifier *v = &log_.signer.verifier;
    struct buf proof = BUF_INIT, entry = BUF_INIT;
    uint64_t index;

    (void)state;
    entry_at(290, &entry);
    assert_int_equal(proof_make(log_.dir, 290, buf_bytes(&checkpoint), &proof, NULL), COFRE_OK);
    for (size_t bit = 0; bit < 8 * proof.len; bit++) {
        proof.p[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_int_not_equal(proof_verify(buf_bytes(&proof), buf_bytes(&entry), v, &index),
                             COFRE_OK);
        proof.p[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    for (size_t len = 0; len < proof.len; len++) {
        const struct bytes exact = unit_exact((struct bytes){proof.p, len});

        assert_int_not_equal(proof_verify(exact, buf_bytes(&entry), v, &index), COFRE_OK);
        unit_exact_free(exact);
    }
    for (size_t bit = 0; bit < 8 * entry.len; bit += 5) {
        entry.p[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_int_equal(proof_verify(buf_bytes(&proof), buf_bytes(&entry), v, &index),
                         COFRE_EAUTH);
        entry.p[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    buf_free(&proof);
    buf_free(&entry);
}

/* The same proof with other text around it. */
static void
only_the_one_form_is_taken_apart(void **state)
{
    static const struct {
        const char *head;
        enum cofre_err err;
    } rows[] = {
        {"c2sp.org/tlog-proof@v1\nindex 5\n", COFRE_OK},
        {"c2sp.org/tlog-proof@v1\nextra AAAA\nindex 5\n", COFRE_OK},
        {"c2sp.org/tlog-proof@v1\nextra A\nindex 5\n", COFRE_EFORMAT},
        {"c2sp.org/tlog-proof@v1\nextra AAAA\nextra AAAA\nindex 5\n", COFRE_EFORMAT},
        {"c2sp.org/tlog-proof@v1\nindex 5\nextra AAAA\n", COFRE_EFORMAT},
        {"c2sp.org/tlog-proof@v2\nindex 5\n", COFRE_EFORMAT},
        {"c2sp.org/tlog-proof@v1\nindex 05\n", COFRE_EFORMAT},
        {"c2sp.org/tlog-proof@v1\nindex\n", COFRE_EFORMAT},
        {"c2sp.org/tlog-proof@v1\nindex 6\n", COFRE_EAUTH},
        {"c2sp.org/tlog-proof@v1\nindex 300\n", COFRE_EAUTH},
        {"c2sp.org/tlog-proof@v1\n", COFRE_EFORMAT},
    };
    struct buf proof = BUF_INIT, entry = BUF_INIT, changed = BUF_INIT;
    const size_t skip = strlen(rows[0].head);
    uint64_t index;

    (void)state;
    entry_at(5, &entry);
    assert_int_equal(proof_make(log_.dir, 5, buf_bytes(&checkpoint), &proof, NULL), COFRE_OK);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        buf_reset(&changed);
        buf_puts(&changed, rows[i].head);
        buf_put(&changed, proof.p + skip, proof.len - skip);
        assert_int_equal(
            proof_verify(buf_bytes(&changed), buf_bytes(&entry), &log_.signer.verifier, &index),
            rows[i].err);
    }
    /* More hashes than a tree can have levels. */
    buf_reset(&changed);
    buf_puts(&changed, rows[0].head);
    for (int i = 0; i < 100; i++)
        buf_puts(&changed, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n");
    buf_putc(&changed, '\n');
    buf_putb(&changed, buf_bytes(&checkpoint));
    assert_int_equal(
        proof_verify(buf_bytes(&changed), buf_bytes(&entry), &log_.signer.verifier, &index),
        COFRE_EFORMAT);
    buf_free(&proof);
    buf_free(&entry);
    buf_free(&changed);
}

static void
a_log_without_the_tile_gives_no_proof(void **state)
{
    struct sample_log small;
    struct buf proof = BUF_INIT, small_checkpoint = BUF_INIT;

    (void)state;
    sample_open(&small, 0);
    sample_add(&small, 5, true);
    sample_sign(&small);
    assert_int_equal(files_read(small.dir, "checkpoint", CHECKPOINT_MAX, &small_checkpoint, NULL),
                     COFRE_OK);
    assert_int_equal(proof_make(small.dir, 2, buf_bytes(&checkpoint), &proof, NULL),
                     COFRE_EINTEGRITY);
    assert_int_equal(proof_make(small.dir, 2, buf_bytes(&small_checkpoint), &proof, NULL),
                     COFRE_OK);
    sample_close(&small);
    buf_free(&proof);
    buf_free(&small_checkpoint);
}

static void
the_extra_line_carries_data_that_nothing_covers(void **state)
{
    struct buf proof = BUF_INIT, with = BUF_INIT, extra = BUF_INIT, entry = BUF_INIT;
    uint64_t index = 0;

    (void)state;
    entry_at(3, &entry);
    assert_int_equal(proof_make(log_.dir, 3, buf_bytes(&checkpoint), &proof, NULL), COFRE_OK);
    assert_int_equal(proof_extra(buf_bytes(&proof), &extra), COFRE_ENOENT);
    buf_putb(&with, buf_bytes(&proof));
    proof_extra_put(&with, buf_bytes(&entry));
    assert_int_equal(buf_error(&with), COFRE_OK);
    assert_int_equal(proof_extra(buf_bytes(&with), &extra), COFRE_OK);
    assert_true(bytes_equal(buf_bytes(&extra), buf_bytes(&entry)));
    assert_int_equal(
        proof_verify(buf_bytes(&with), buf_bytes(&extra), &log_.signer.verifier, &index), COFRE_OK);
    assert_int_equal(index, 3);
    buf_reset(&extra);
    assert_int_equal(proof_extra(bytes_str("c2sp.org/tlog-proof@v1\nextra ?\nindex 0\n"), &extra),
                     COFRE_EFORMAT);
    buf_free(&proof);
    buf_free(&with);
    buf_free(&extra);
    buf_free(&entry);
}

static bool seen;

static void
proof_case(const struct vector *v)
{
    struct note_verifier verifier;
    struct buf proof = BUF_INIT, entry = BUF_INIT;
    uint64_t index = 0;

    if (!vector_is(v, "what", "proof"))
        return;
    seen = true;
    vector_bytes(v, "proof", &proof);
    vector_bytes(v, "entry", &entry);
    assert_int_equal(note_vkey_parse((struct bytes){(const uint8_t *)vector_text(v, "vkey"),
                                                    strcspn(vector_text(v, "vkey"), " ")},
                                     &verifier),
                     COFRE_OK);
    assert_int_equal(proof_verify(buf_bytes(&proof), buf_bytes(&entry), &verifier, &index),
                     COFRE_OK);
    assert_int_equal(index, vector_number(v, "index"));
    entry.p[3] ^= 1;
    assert_int_equal(proof_verify(buf_bytes(&proof), buf_bytes(&entry), &verifier, &index),
                     COFRE_EAUTH);
    buf_free(&proof);
    buf_free(&entry);
}

static void
a_published_proof_holds(void **state)
{
    (void)state;
    vectors_each("tlog-tree.txt", proof_case);
    assert_true(seen);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_entry_has_a_proof_that_holds_for_it_alone),
        cmocka_unit_test(every_flipped_bit_and_every_shorter_length_is_refused),
        cmocka_unit_test(only_the_one_form_is_taken_apart),
        cmocka_unit_test(a_log_without_the_tile_gives_no_proof),
        cmocka_unit_test(the_extra_line_carries_data_that_nothing_covers),
        cmocka_unit_test(a_published_proof_holds),
    };

    return cmocka_run_group_tests(tests, make_log, remove_log);
}
