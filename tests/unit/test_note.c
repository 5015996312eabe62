/* wrap: malloc calloc realloc sodium_malloc */
#include <sodium.h>

#include "alloc_fault.h"
#include "vectors.h"

#include "cofre/encode.h"
#include "crypto/note.h"

static const uint8_t SEED[NOTE_SEED] = {1, 2, 3};
static const char TEXT[] = "vault.example/a\n7\nhash\n";

/* A value of the line as a C string; the caller frees it. */
static char *
text_of(const struct vector *v, const char *name)
{
    const char *text = vector_text(v, name);

    return strndup(text, strcspn(text, " "));
}

static void
check_vkey(const struct vector *v)
{
    struct buf hex = BUF_INIT, put = BUF_INIT;
    char *vkey = text_of(v, "vkey"), *name = text_of(v, "name");
    struct note_verifier parsed;
    struct note_signer s;

    assert_int_equal(note_vkey_parse(bytes_str(vkey), &parsed), COFRE_OK);
    assert_string_equal(parsed.name, name);
    assert_memory_equal(parsed.id, vector_bytes(v, "id", &hex).p, NOTE_KEY_ID);
    assert_memory_equal(parsed.public_key, vector_bytes(v, "public", &hex).p, NOTE_PUBLIC);
    assert_int_equal(parsed.algorithm, vector_bytes(v, "algorithm", &hex).p[0]);
    note_vkey_put(&put, &parsed);
    assert_true(bytes_equal(buf_bytes(&put), bytes_str(vkey)));

    assert_int_equal(note_signer_init(&s, name, vector_bytes(v, "seed", &hex).p), COFRE_OK);
    assert_memory_equal(s.verifier.public_key, parsed.public_key, NOTE_PUBLIC);
    if (parsed.algorithm == 1)
        assert_memory_equal(&s.verifier, &parsed, sizeof parsed);
    note_signer_free(&s);
    buf_free(&hex);
    buf_free(&put);
    free(vkey);
    free(name);
}

static void
vkeys_of_another_implementation(void **state)
{
    (void)state;
    assert_int_equal(vectors_each("tlog-vkeys.txt", check_vkey), 3);
}

static struct note_signer signers[2]; /* log, log_key2 */
static struct note_verifier verifiers[3];
static size_t keys;

static void
load_key(const struct vector *v)
{
    char *vkey = text_of(v, "vkey"), *name = text_of(v, "name");
    struct buf seed = BUF_INIT;

    assert_int_equal(note_vkey_parse(bytes_str(vkey), &verifiers[keys]), COFRE_OK);
    if (keys < 2)
        assert_int_equal(note_signer_init(&signers[keys], name, vector_bytes(v, "seed", &seed).p),
                         COFRE_OK);
    keys++;
    buf_free(&seed);
    free(vkey);
    free(name);
}

static void
check_note(const struct vector *v)
{
    struct buf bytes = BUF_INIT, again = BUF_INIT;
    struct note n;

    vector_bytes(v, "note", &bytes);
    assert_int_equal(note_parse(buf_bytes(&bytes), &n), COFRE_OK);
    assert_int_equal(n.count, vector_number(v, "signatures"));
    assert_int_equal(note_verify(&n, &verifiers[0]), vector_is(v, "log", "yes"));
    assert_int_equal(note_verify(&n, &verifiers[1]), vector_is(v, "log_key2", "yes"));
    assert_int_equal(note_verify(&n, &verifiers[2]), vector_is(v, "witness", "yes"));

    /* Ed25519 is deterministic: what we sign has the same bytes, as far as we can sign it. */
    note_sign(&again, &signers[0], n.text);
    if (vector_is(v, "log_key2", "yes"))
        note_sign_add(&again, &signers[1], n.text);
    assert_true(again.len <= bytes.len);
    assert_memory_equal(again.p, bytes.p, again.len);
    if (!vector_is(v, "what", "cosigned"))
        assert_int_equal(again.len, bytes.len);
    buf_free(&bytes);
    buf_free(&again);
}

static void
notes_of_another_implementation(void **state)
{
    (void)state;
    keys = 0;
    assert_int_equal(vectors_each("tlog-vkeys.txt", load_key), 3);
    assert_int_equal(vectors_each("tlog-notes.txt", check_note), 5);
    note_signer_free(&signers[0]);
    note_signer_free(&signers[1]);
}

static void
check_rfc8032(const struct vector *v)
{
    uint8_t pk[32], sk[64], sig[64];
    struct buf hex = BUF_INIT;
    struct bytes msg;

    crypto_sign_seed_keypair(pk, sk, vector_bytes(v, "seed", &hex).p);
    assert_memory_equal(pk, vector_bytes(v, "pk", &hex).p, sizeof pk);
    msg = vector_bytes(v, "msg", &hex);
    crypto_sign_detached(sig, NULL, msg.p, msg.len, sk);
    assert_memory_equal(sig, vector_bytes(v, "sig", &hex).p, sizeof sig);
    buf_free(&hex);
}

/* Notes carry text only, so the messages of the vectors meet the library below. */
static void
check_ed25519(const struct vector *v)
{
    struct buf pk = BUF_INIT, msg = BUF_INIT, sig = BUF_INIT;
    bool valid;

    vector_bytes(v, "pk", &pk);
    vector_bytes(v, "msg", &msg);
    vector_bytes(v, "sig", &sig);
    valid =
        sig.len == NOTE_SIGNATURE && crypto_sign_verify_detached(sig.p, msg.p, msg.len, pk.p) == 0;
    assert_int_equal(valid, vector_is(v, "result", "valid"));
    buf_free(&pk);
    buf_free(&msg);
    buf_free(&sig);
}

static void
ed25519_known_answers(void **state)
{
    (void)state;
    assert_int_equal(vectors_each("rfc8032-ed25519.txt", check_rfc8032), 4);
    assert_int_equal(vectors_each("rfc8032-ed25519.txt", check_ed25519), 4);
    assert_int_equal(vectors_each("wycheproof-ed25519.txt", check_ed25519), 40);
    vectors_wycheproof("ed25519_test.json", check_ed25519);
}

static struct note_signer
signer(const char *name)
{
    struct note_signer s;

    assert_int_equal(note_signer_init(&s, name, SEED), COFRE_OK);
    return s;
}

static bool
opens(struct bytes bytes, const struct note_verifier *v)
{
    struct bytes exact = unit_exact(bytes);
    struct note n;
    bool ok = note_parse(exact, &n) == COFRE_OK && note_verify(&n, v);

    unit_exact_free(exact);
    return ok;
}

static void
any_flipped_bit_or_shorter_length_does_not_verify(void **state)
{
    struct note_signer s = signer("vault.example/a");
    struct buf b = BUF_INIT;

    (void)state;
    note_sign(&b, &s, bytes_str(TEXT));
    assert_true(opens(buf_bytes(&b), &s.verifier));
    for (size_t bit = 0; bit < b.len * 8; bit++) {
        b.p[bit / 8] ^= (uint8_t)(1U << bit % 8);
        if (opens(buf_bytes(&b), &s.verifier))
            fail_msg("opens with bit %zu flipped", bit);
        b.p[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    for (size_t len = 0; len < b.len; len++)
        assert_false(opens((struct bytes){b.p, len}, &s.verifier));
    buf_free(&b);
    note_signer_free(&s);
}

static void
a_bad_signature_beside_a_good_one_makes_it_false(void **state)
{
    struct note_signer s = signer("vault.example/a");
    struct buf b = BUF_INIT;

    (void)state;
    note_sign(&b, &s, bytes_str(TEXT));
    note_sign_add(&b, &s, bytes_str(TEXT));
    assert_true(opens(buf_bytes(&b), &s.verifier));
    note_sign_add(&b, &s, bytes_str("another\n"));
    assert_false(opens(buf_bytes(&b), &s.verifier));
    buf_free(&b);
    note_signer_free(&s);
}

static void
the_text_ends_at_the_last_empty_line(void **state)
{
    struct note_signer s = signer("n");
    struct buf b = BUF_INIT;
    struct note n;

    (void)state;
    note_sign(&b, &s, BYTES_LIT("a\n\n\xe2\x80\x94 n AAAA\n\nb\n\n"));
    assert_int_equal(note_parse(buf_bytes(&b), &n), COFRE_OK);
    assert_true(bytes_equal(n.text, BYTES_LIT("a\n\n\xe2\x80\x94 n AAAA\n\nb\n\n")));
    assert_true(note_verify(&n, &s.verifier));
    buf_free(&b);
    note_signer_free(&s);
}

static void
what_is_no_note_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "a\n",
        "a\n\n",
        "\n\n",
        "a\n\nb\n",
        "a\n\n\xe2\x80\x94 n AAAAAAA=",          /* no line end */
        "a\n\n\xe2\x80\x94 n AAAAAA==\n",        /* a key id and nothing more */
        "a\n\n\xe2\x80\x94 n\n",                 /* no signature */
        "a\n\n\xe2\x80\x94 n AAAAAAA\n",         /* padding */
        "a\n\n\xe2\x80\x94 n AAAAAA\xc3\xa9=\n", /* not base64 */
        "a\n\n\xe2\x80\x94  AAAAAAA=\n",         /* no name */
        "a\n\n\xe2\x80\x94 n+ AAAAAAA=\n",       /* "+" */
        "a\n\n\xe2\x80\x94 n AAAAAAA= \n",       /* trailing blank */
        "a\n\n- n AAAAAAA=\n",                   /* another dash */
        "a\n\xe2\x80\x94 n AAAAAAA=\n",          /* no empty line */
        "a\tb\n\n\xe2\x80\x94 n AAAAAAA=\n",     /* control character */
        "a\r\n\n\xe2\x80\x94 n AAAAAAA=\n",      /* same */
        "a\xff\n\n\xe2\x80\x94 n AAAAAAA=\n",    /* not UTF-8 */
        "a\n\n\xe2\x80\x94 n AAAAAAA=\nx\n",     /* something after it */
    };
    struct note n;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct bytes exact = unit_exact(bytes_str(bad[i]));

        if (note_parse(exact, &n) != COFRE_EFORMAT || n.count != 0)
            fail_msg("case %zu is taken", i);
        unit_exact_free(exact);
    }
    assert_int_equal(note_parse(BYTES_LIT("a\n\n\xe2\x80\x94 n AAAAAAA=\n"), &n), COFRE_OK);
    assert_int_equal(n.signatures[0].raw.len, 1);
    assert_int_equal(note_parse(BYTES_LIT("a\0\n\n\xe2\x80\x94 n AAAAAAA=\n"), &n), COFRE_EFORMAT);
}

static void
too_much_is_refused(void **state)
{
    struct buf b = BUF_INIT;
    struct note n;

    (void)state;
    buf_puts(&b, "a\n\n");
    for (int i = 0; i < NOTE_SIGNATURES_MAX; i++)
        buf_puts(&b, "\xe2\x80\x94 n AAAAAAA=\n");
    assert_int_equal(note_parse(buf_bytes(&b), &n), COFRE_OK);
    assert_int_equal(n.count, NOTE_SIGNATURES_MAX);
    buf_puts(&b, "\xe2\x80\x94 n AAAAAAA=\n");
    assert_int_equal(note_parse(buf_bytes(&b), &n), COFRE_EFORMAT);

    buf_reset(&b); /* more raw bytes than note.storage holds */
    buf_puts(&b, "a\n\n\xe2\x80\x94 n ");
    for (int i = 0; i < 1366; i++)
        buf_puts(&b, "AAAA");
    buf_puts(&b, "\n");
    assert_int_equal(note_parse(buf_bytes(&b), &n), COFRE_EFORMAT);

    buf_reset(&b);
    for (int i = 0; i < NOTE_MAX; i++)
        buf_putc(&b, 'a');
    buf_puts(&b, "\n\n\xe2\x80\x94 n AAAAAAA=\n");
    assert_int_equal(note_parse(buf_bytes(&b), &n), COFRE_EFORMAT);
    buf_free(&b);
}

static void
names_have_no_space_plus_or_control(void **state)
{
    static const char *const good[] = {"a", "vault.example/audit", "b\xc3\xb3veda", "\xe4\xbf\x9d"};
    static const char *const bad[] = {
        "",     "a b",  "a+b",          "a\n",          "\ta",          "a\xc2\xa0",
        "\x01", "\xff", "\xe2\x80\x83", "\xe2\x80\xa8", "\xe3\x80\x80", "\xc2\x85"};
    char text[NOTE_NAME_MAX + 2];

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(note_name_valid(bytes_str(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (note_name_valid(bytes_str(bad[i])))
            fail_msg("case %zu is taken", i);
    assert_false(note_name_valid(BYTES_LIT("a\0b")));
    memset(text, 'a', sizeof text);
    assert_true(note_name_valid((struct bytes){(uint8_t *)text, NOTE_NAME_MAX}));
    assert_false(note_name_valid((struct bytes){(uint8_t *)text, NOTE_NAME_MAX + 1}));
}

static void
any_changed_character_makes_no_vkey(void **state)
{
    struct note_signer s = signer("vault.example/a");
    struct buf vkey = BUF_INIT;
    struct note_verifier v;

    (void)state;
    note_vkey_put(&vkey, &s.verifier);
    for (size_t bit = 0; bit < vkey.len * 8; bit++) {
        struct bytes exact;

        vkey.p[bit / 8] ^= (uint8_t)(1U << bit % 8);
        exact = unit_exact(buf_bytes(&vkey));
        if (note_vkey_parse(exact, &v) != COFRE_EFORMAT)
            fail_msg("parses with bit %zu flipped", bit);
        unit_exact_free(exact);
        vkey.p[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    for (size_t len = 0; len < vkey.len; len++)
        assert_int_equal(note_vkey_parse((struct bytes){vkey.p, len}, &v), COFRE_EFORMAT);
    buf_putc(&vkey, '\n');
    assert_int_equal(note_vkey_parse(buf_bytes(&vkey), &v), COFRE_EFORMAT);
    buf_free(&vkey);
    note_signer_free(&s);
}

static void
another_algorithm_is_no_vkey(void **state)
{
    /* id and key fit together; only the algorithm byte is one that nobody knows here */
    struct buf b = BUF_INIT;
    struct note_verifier v;
    uint8_t raw[33] = {2}, digest[32];

    (void)state;
    buf_puts(&b, "n\n");
    buf_put(&b, raw, sizeof raw);
    crypto_hash_sha256(digest, b.p, b.len);
    buf_reset(&b);
    buf_puts(&b, "n+");
    buf_put_hex(&b, (struct bytes){digest, 4});
    buf_putc(&b, '+');
    encode_base64(&b, BYTES_OF(raw));
    assert_int_equal(note_vkey_parse(buf_bytes(&b), &v), COFRE_EFORMAT);
    buf_free(&b);
}

static void
a_cosignature_key_verifies_nothing(void **state)
{
    struct note_signer s = signer("n");
    struct note_verifier v = s.verifier;
    struct buf b = BUF_INIT;

    (void)state;
    note_sign(&b, &s, bytes_str(TEXT));
    assert_true(opens(buf_bytes(&b), &v));
    v.algorithm = 4;
    assert_false(opens(buf_bytes(&b), &v));
    buf_free(&b);
    note_signer_free(&s);
}

static void
a_signer_needs_a_name_and_memory(void **state)
{
    struct note_signer s;
    enum cofre_err err;
    unsigned failures = 0;

    (void)state;
    assert_int_equal(note_signer_init(&s, "a b", SEED), COFRE_EINVAL);
    note_signer_free(&s);
    ALLOC_FAULT_EACH
    {
        err = note_signer_init(&s, "a", SEED);
        if (!alloc_fault_hit())
            break;
        failures++;
        assert_int_equal(err, COFRE_ENOMEM);
        assert_null(s.key);
    }
    assert_int_equal(err, COFRE_OK);
    assert_int_equal(failures, 2);
    note_signer_free(&s);
    note_signer_free(NULL);
}

static void
without_memory_a_note_is_not_finished(void **state)
{
    struct note_signer s = signer("n");
    unsigned failures = 0;

    (void)state;
    ALLOC_FAULT_EACH
    {
        struct buf b = BUF_INIT;
        enum cofre_err err;

        note_sign(&b, &s, bytes_str(TEXT));
        err = buf_error(&b);
        buf_free(&b);
        if (!alloc_fault_hit())
            break;
        failures++;
        assert_int_equal(err, COFRE_ENOMEM);
    }
    assert_true(failures > 0);
    note_signer_free(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vkeys_of_another_implementation),
        cmocka_unit_test(notes_of_another_implementation),
        cmocka_unit_test(ed25519_known_answers),
        cmocka_unit_test(any_flipped_bit_or_shorter_length_does_not_verify),
        cmocka_unit_test(a_bad_signature_beside_a_good_one_makes_it_false),
        cmocka_unit_test(the_text_ends_at_the_last_empty_line),
        cmocka_unit_test(what_is_no_note_is_refused),
        cmocka_unit_test(too_much_is_refused),
        cmocka_unit_test(names_have_no_space_plus_or_control),
        cmocka_unit_test(any_changed_character_makes_no_vkey),
        cmocka_unit_test(another_algorithm_is_no_vkey),
        cmocka_unit_test(a_cosignature_key_verifies_nothing),
        cmocka_unit_test(a_signer_needs_a_name_and_memory),
        cmocka_unit_test(without_memory_a_note_is_not_finished),
    };

    return cmocka_run_group_tests(tests, unit_setup, NULL);
}
