/* wrap: malloc calloc realloc sodium_malloc */
#include <sodium.h>

#include "alloc_fault.h"
#include "vectors.h"

#include "cofre/encode.h"
#include "crypto/cosign.h"

static const uint8_t SEED[NOTE_SEED] = {9, 8, 7};
static const char TEXT[] = "vault.example/a\n7\nhash\n";
static const uint64_t TIME = 1767225700;

static struct note_verifier witness;
static struct note_signer witness_signer;

static void
load_witness(const struct vector *v)
{
    struct buf hex = BUF_INIT;
    const char *vkey = vector_text(v, "vkey");

    if (!vector_is(v, "role", "witness"))
        return;
    assert_int_equal(
        note_vkey_parse((struct bytes){(const uint8_t *)vkey, strcspn(vkey, " ")}, &witness),
        COFRE_OK);
    assert_int_equal(
        cosign_signer_init(&witness_signer, witness.name, vector_bytes(v, "seed", &hex).p),
        COFRE_OK);
    buf_free(&hex);
}

static void
check_note(const struct vector *v)
{
    struct buf bytes = BUF_INIT, line = BUF_INIT;
    uint64_t seconds = 1;
    struct note n;

    vector_bytes(v, "note", &bytes);
    assert_int_equal(note_parse(buf_bytes(&bytes), &n), COFRE_OK);
    if (!vector_is(v, "what", "cosigned")) {
        assert_false(cosign_verify(&n, &witness, &seconds));
        assert_int_equal(seconds, 1);
        goto out;
    }
    assert_true(cosign_verify(&n, &witness, &seconds));
    assert_int_equal(seconds, TIME);
    /* What we sign for the same time has the same bytes: they end the note. */
    cosign_put(&line, &witness_signer, n.text, TIME);
    assert_true(line.len > 0 && line.len < bytes.len);
    assert_memory_equal(line.p, bytes.p + bytes.len - line.len, line.len);
    /* And so has a line that is moved. */
    buf_reset(&line);
    cosign_line_put(&line, &n.signatures[1]);
    assert_memory_equal(line.p, bytes.p + bytes.len - line.len, line.len);
out:
    buf_free(&bytes);
    buf_free(&line);
}

static void
a_cosignature_of_another_implementation(void **state)
{
    (void)state;
    assert_int_equal(vectors_each("tlog-vkeys.txt", load_witness), 3);
    assert_memory_equal(&witness_signer.verifier, &witness, sizeof witness);
    assert_int_equal(vectors_each("tlog-notes.txt", check_note), 5);
    note_signer_free(&witness_signer);
}

static struct note_signer
signer(const char *name)
{
    struct note_signer s;

    assert_int_equal(cosign_signer_init(&s, name, SEED), COFRE_OK);
    return s;
}

/* A note by nobody's log, with room for more lines. */
static void
begin(struct buf *note)
{
    buf_puts(note, TEXT);
    buf_putc(note, '\n');
}

static bool
opens(struct bytes bytes, const struct note_verifier *v, uint64_t *seconds)
{
    struct bytes exact = unit_exact(bytes);
    struct note n;
    bool ok = note_parse(exact, &n) == COFRE_OK && cosign_verify(&n, v, seconds);

    unit_exact_free(exact);
    return ok;
}

static void
any_flipped_bit_or_shorter_length_does_not_verify(void **state)
{
    struct note_signer s = signer("w.example");
    struct buf b = BUF_INIT;
    uint64_t seconds;

    (void)state;
    begin(&b);
    cosign_put(&b, &s, bytes_str(TEXT), TIME);
    assert_true(opens(buf_bytes(&b), &s.verifier, &seconds));
    for (size_t bit = 0; bit < b.len * 8; bit++) {
        b.p[bit / 8] ^= (uint8_t)(1U << bit % 8);
        if (opens(buf_bytes(&b), &s.verifier, &seconds))
            fail_msg("opens with bit %zu flipped", bit);
        b.p[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    for (size_t len = 0; len < b.len; len++)
        assert_false(opens((struct bytes){b.p, len}, &s.verifier, &seconds));
    buf_free(&b);
    note_signer_free(&s);
}

static void
the_newest_of_several_counts_and_a_bad_one_spoils_all(void **state)
{
    struct note_signer s = signer("w.example"), other = signer("x.example");
    struct buf b = BUF_INIT;
    uint64_t seconds = 0;

    (void)state;
    begin(&b);
    cosign_put(&b, &s, bytes_str(TEXT), 20);
    cosign_put(&b, &s, bytes_str(TEXT), 30);
    cosign_put(&b, &s, bytes_str(TEXT), 10);
    cosign_put(&b, &other, bytes_str("another\n"), 40);
    assert_true(opens(buf_bytes(&b), &s.verifier, &seconds));
    assert_int_equal(seconds, 30);
    assert_false(opens(buf_bytes(&b), &other.verifier, &seconds));
    cosign_put(&b, &s, bytes_str("another\n"), 40);
    assert_false(opens(buf_bytes(&b), &s.verifier, &seconds));
    assert_int_equal(seconds, 30);
    buf_free(&b);
    note_signer_free(&s);
    note_signer_free(&other);
}

/* Lines of another form under the right name and id: the writer's own key signs what it likes. */
static void
put_raw(struct buf *b, const struct note_signer *s, struct bytes after_id)
{
    struct buf raw = BUF_INIT;

    buf_put(&raw, s->verifier.id, NOTE_KEY_ID);
    buf_putb(&raw, after_id);
    buf_puts(b, "\xe2\x80\x94 ");
    buf_puts(b, s->verifier.name);
    buf_putc(b, ' ');
    encode_base64(b, buf_bytes(&raw));
    buf_putc(b, '\n');
    buf_free(&raw);
}

static void
put_signed_time(struct buf *b, const struct note_signer *s, uint64_t seconds, const char *spelt)
{
    struct buf message = BUF_INIT;
    uint8_t raw[COSIGN_RAW + 1] = {0};

    buf_putf(&message, "cosignature/v1\ntime %s\n%s", spelt, TEXT);
    bytes_set_be64(raw, seconds);
    crypto_sign_detached(raw + 8, NULL, message.p, message.len, secret_bytes(s->key).p);
    put_raw(b, s, (struct bytes){raw, COSIGN_RAW});
    buf_free(&message);
}

static void
a_time_of_2_63_or_a_line_of_another_length_does_not_verify(void **state)
{
    struct note_signer s = signer("w.example");
    static const uint8_t zeros[COSIGN_RAW + 1];
    struct buf b = BUF_INIT;
    uint64_t seconds = 0;

    (void)state;
    begin(&b);
    put_signed_time(&b, &s, INT64_MAX, "9223372036854775807");
    assert_true(opens(buf_bytes(&b), &s.verifier, &seconds));
    assert_int_equal(seconds, INT64_MAX);
    buf_reset(&b);
    begin(&b);
    put_signed_time(&b, &s, (uint64_t)INT64_MAX + 1, "9223372036854775808");
    assert_false(opens(buf_bytes(&b), &s.verifier, &seconds));
    for (size_t len = 1; len <= sizeof zeros; len++) {
        buf_reset(&b);
        begin(&b);
        put_raw(&b, &s, (struct bytes){zeros, len});
        assert_false(opens(buf_bytes(&b), &s.verifier, &seconds));
    }
    buf_free(&b);
    note_signer_free(&s);
}

static void
signing_a_note_is_no_cosigning_and_the_other_way_round(void **state)
{
    struct note_signer log, s = signer("w.example");
    struct buf b = BUF_INIT;
    uint64_t seconds;
    struct note n;

    (void)state;
    assert_int_equal(note_signer_init(&log, "w.example", SEED), COFRE_OK);
    assert_memory_not_equal(log.verifier.id, s.verifier.id, NOTE_KEY_ID);
    note_sign(&b, &log, bytes_str(TEXT));
    cosign_put(&b, &s, bytes_str(TEXT), TIME);
    assert_int_equal(note_parse(buf_bytes(&b), &n), COFRE_OK);
    assert_true(note_verify(&n, &log.verifier));
    assert_true(cosign_verify(&n, &s.verifier, &seconds));
    assert_false(note_verify(&n, &s.verifier));
    assert_false(cosign_verify(&n, &log.verifier, &seconds));
    buf_free(&b);
    note_signer_free(&log);
    note_signer_free(&s);
}

static void
a_signer_needs_a_name_and_memory(void **state)
{
    struct note_signer s;
    enum cofre_err err;
    unsigned failures = 0;

    (void)state;
    assert_int_equal(cosign_signer_init(&s, "a+b", SEED), COFRE_EINVAL);
    ALLOC_FAULT_EACH
    {
        err = cosign_signer_init(&s, "a", SEED);
        if (!alloc_fault_hit())
            break;
        failures++;
        assert_int_equal(err, COFRE_ENOMEM);
        assert_null(s.key);
    }
    assert_int_equal(err, COFRE_OK);
    assert_int_equal(failures, 2);
    note_signer_free(&s);
}

static void
without_memory_nothing_is_signed_nor_verified(void **state)
{
    struct note_signer s = signer("n");
    struct buf good = BUF_INIT;
    unsigned failures = 0;
    uint64_t seconds;
    struct note n;

    (void)state;
    begin(&good);
    cosign_put(&good, &s, bytes_str(TEXT), TIME);
    assert_int_equal(note_parse(buf_bytes(&good), &n), COFRE_OK);
    ALLOC_FAULT_EACH
    {
        struct buf b = BUF_INIT;
        bool verified, written;

        cosign_put(&b, &s, bytes_str(TEXT), TIME);
        written = buf_error(&b) == COFRE_OK;
        verified = cosign_verify(&n, &s.verifier, &seconds);
        buf_free(&b);
        if (!alloc_fault_hit())
            break;
        failures++;
        assert_false(written && verified);
    }
    assert_true(failures >= 3);
    buf_free(&good);
    note_signer_free(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cosignature_of_another_implementation),
        cmocka_unit_test(any_flipped_bit_or_shorter_length_does_not_verify),
        cmocka_unit_test(the_newest_of_several_counts_and_a_bad_one_spoils_all),
        cmocka_unit_test(a_time_of_2_63_or_a_line_of_another_length_does_not_verify),
        cmocka_unit_test(signing_a_note_is_no_cosigning_and_the_other_way_round),
        cmocka_unit_test(a_signer_needs_a_name_and_memory),
        cmocka_unit_test(without_memory_nothing_is_signed_nor_verified),
    };

    return cmocka_run_group_tests(tests, unit_setup, NULL);
}
