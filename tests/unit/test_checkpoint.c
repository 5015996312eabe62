#include "audit/checkpoint.h"
#include "vectors.h"

static const uint8_t seed[NOTE_SEED] = {7};
static struct note_signer signer;

static int
make_signer(void **state)
{
    return unit_setup(state) != 0 || note_signer_init(&signer, "log.example/a", seed) != COFRE_OK
               ? -1
               : 0;
}

static int
drop_signer(void **state)
{
    (void)state;
    note_signer_free(&signer);
    return 0;
}

static void
what_is_signed_opens(void **state)
{
    static const uint64_t sizes[] = {0, 1, 9, 10, 300, UINT64_MAX};
    uint8_t root[HASH_LEN];
    struct checkpoint c;
    struct buf b = BUF_INIT;

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        memset(root, (int)i, sizeof root);
        buf_reset(&b);
        checkpoint_sign(&b, &signer, sizes[i], root);
        assert_int_equal(buf_error(&b), COFRE_OK);
        assert_int_equal(checkpoint_open(buf_bytes(&b), &signer.verifier, &c), COFRE_OK);
        assert_true(c.size == sizes[i]);
        assert_memory_equal(c.root, root, HASH_LEN);
        assert_true(bytes_equal(c.origin, BYTES_LIT("log.example/a")));
    }
    buf_free(&b);
}

static void
every_flipped_bit_and_every_shorter_length_is_refused(void **state)
{
    const uint8_t root[HASH_LEN] = {1, 2, 3};
    struct checkpoint c;
    struct buf b = BUF_INIT;
    struct bytes exact;

    (void)state;
    checkpoint_sign(&b, &signer, 12345, root);
    for (size_t bit = 0; bit < 8 * b.len; bit++) {
        b.p[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_int_not_equal(checkpoint_open(buf_bytes(&b), &signer.verifier, &c), COFRE_OK);
        b.p[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    for (size_t len = 0; len < b.len; len++) {
        exact = unit_exact((struct bytes){b.p, len});
        assert_int_not_equal(checkpoint_open(exact, &signer.verifier, &c), COFRE_OK);
        unit_exact_free(exact);
    }
    assert_int_equal(checkpoint_open(buf_bytes(&b), &signer.verifier, &c), COFRE_OK);
    buf_free(&b);
}

#define ROOT "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static void
only_the_one_form_of_a_text_is_taken_apart(void **state)
{
    static const struct {
        const char *text;
        enum cofre_err err;
    } rows[] = {
        {"o\n0\n" ROOT "\n", COFRE_OK},
        {"o\n7\n" ROOT "\next\nmore ext\n", COFRE_OK},
        {"o\n18446744073709551615\n" ROOT "\n", COFRE_OK},
        {"o\n18446744073709551616\n" ROOT "\n", COFRE_EFORMAT},
        {"o\n99999999999999999999\n" ROOT "\n", COFRE_EFORMAT},
        {"o\n07\n" ROOT "\n", COFRE_EFORMAT},
        {"o\n00\n" ROOT "\n", COFRE_EFORMAT},
        {"o\n-7\n" ROOT "\n", COFRE_EFORMAT},
        {"o\n+7\n" ROOT "\n", COFRE_EFORMAT},
        {"o\n 7\n" ROOT "\n", COFRE_EFORMAT},
        {"o\n7 \n" ROOT "\n", COFRE_EFORMAT},
        {"o\n7a\n" ROOT "\n", COFRE_EFORMAT},
        {"o\n\n" ROOT "\n", COFRE_EFORMAT},
        {"\n7\n" ROOT "\n", COFRE_EFORMAT},
        {"o\n7\n" ROOT, COFRE_EFORMAT},
        {"o\n7\n" ROOT "\n\n", COFRE_EFORMAT},
        {"o\n7\n" ROOT "\next", COFRE_EFORMAT},
        {"o\n7\n" ROOT "\next\n\nmore\n", COFRE_EFORMAT},
        {"o\n7\n" ROOT "=\n", COFRE_EFORMAT},
        {"o\n7\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n", COFRE_EFORMAT},
        {"o\n7\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=\n", COFRE_EFORMAT},
        {"o\n7\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n", COFRE_EFORMAT},
        {"o\n7\n\n", COFRE_EFORMAT},
        {"o\n7\n", COFRE_EFORMAT},
        {"o\n", COFRE_EFORMAT},
        {"", COFRE_EFORMAT},
    };
    struct checkpoint c;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (checkpoint_parse(bytes_str(rows[i].text), &c) != rows[i].err)
            print_error("row %zu\n", i);
        assert_int_equal(checkpoint_parse(bytes_str(rows[i].text), &c), rows[i].err);
    }
}

static void
a_good_signature_under_another_origin_is_refused(void **state)
{
    struct buf b = BUF_INIT;
    struct checkpoint c;

    (void)state;
    note_sign(&b, &signer, BYTES_LIT("log.example/b\n7\n" ROOT "\n"));
    assert_int_equal(checkpoint_open(buf_bytes(&b), &signer.verifier, &c), COFRE_EAUTH);
    buf_reset(&b);
    note_sign(&b, &signer, BYTES_LIT("log.example/a\n7\n" ROOT "\n"));
    assert_int_equal(checkpoint_open(buf_bytes(&b), &signer.verifier, &c), COFRE_OK);
    buf_free(&b);
}

static void
too_long_a_checkpoint_is_refused(void **state)
{
    struct buf text = BUF_INIT, b = BUF_INIT;
    struct checkpoint c;

    (void)state;
    buf_puts(&text, "log.example/a\n7\n" ROOT "\n");
    while (text.len < CHECKPOINT_MAX)
        buf_puts(&text, "an extension line\n");
    note_sign(&b, &signer, buf_bytes(&text));
    assert_int_equal(checkpoint_open(buf_bytes(&b), &signer.verifier, &c), COFRE_EFORMAT);
    buf_free(&b);
    buf_free(&text);
}

static struct buf keys[3]; /* as vkey texts: log, log_key2, witness */

static void
key_case(const struct vector *v)
{
    static const char *const names[] = {"log", "log_key2", "witness"};

    for (size_t i = 0; i < 3; i++) {
        if (vector_is(v, "role", names[i]))
            buf_put(&keys[i], vector_text(v, "vkey"), strcspn(vector_text(v, "vkey"), " "));
    }
}

static void
note_case(const struct vector *v)
{
    static const char *const names[] = {"log", "log_key2"};
    struct note_verifier verifier;
    struct checkpoint c;
    struct buf note = BUF_INIT;

    if (strncmp(vector_text(v, "what"), "checkpoint", 10) != 0 &&
        !vector_is(v, "what", "rotated") && !vector_is(v, "what", "cosigned"))
        return;
    vector_bytes(v, "note", &note);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(note_vkey_parse(buf_bytes(&keys[i]), &verifier), COFRE_OK);
        assert_int_equal(checkpoint_open(buf_bytes(&note), &verifier, &c),
                         vector_is(v, names[i], "yes") ? COFRE_OK : COFRE_EAUTH);
    }
    buf_free(&note);
}

static void
published_checkpoints_open(void **state)
{
    (void)state;
    vectors_each("tlog-vkeys.txt", key_case);
    assert_true(keys[0].len > 0 && keys[1].len > 0);
    assert_true(vectors_each("tlog-notes.txt", note_case) > 0);
    for (size_t i = 0; i < 3; i++)
        buf_free(&keys[i]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_signed_opens),
        cmocka_unit_test(every_flipped_bit_and_every_shorter_length_is_refused),
        cmocka_unit_test(only_the_one_form_of_a_text_is_taken_apart),
        cmocka_unit_test(a_good_signature_under_another_origin_is_refused),
        cmocka_unit_test(too_long_a_checkpoint_is_refused),
        cmocka_unit_test(published_checkpoints_open),
    };

    return cmocka_run_group_tests(tests, make_signer, drop_signer);
}
