#include "audit/seal.h"
#include "unit.h"

enum { FIRST, SECOND, RECOVERY, STRANGER, N_KEYS };
static struct note_signer keys[N_KEYS];
static struct note_signer other_origin;

#define V(k) (&keys[k].verifier)

static int
make_keys(void **state)
{
    uint8_t seed[NOTE_SEED] = {0};

    if (unit_setup(state) != 0)
        return -1;
    for (int i = 0; i < N_KEYS; i++) {
        seed[0] = (uint8_t)(i + 1);
        if (note_signer_init(&keys[i], "log.example/a", seed) != COFRE_OK)
            return -1;
    }
    seed[0] = SECOND + 1;
    return note_signer_init(&other_origin, "log.example/b", seed) == COFRE_OK ? 0 : -1;
}

static int
drop_keys(void **state)
{
    (void)state;
    for (int i = 0; i < N_KEYS; i++)
        note_signer_free(&keys[i]);
    note_signer_free(&other_origin);
    return 0;
}

static struct seal
example(enum seal_kind kind)
{
    return (struct seal){.size = 300, .root = {1, 2, 3}, .epoch = 1, .kind = kind,
                         .next = *V(SECOND)};
}

static struct buf
make(enum seal_kind kind)
{
    struct seal s = example(kind);
    struct buf b = BUF_INIT;

    seal_make(&b, &s, &keys[kind == SEAL_RECOVER ? RECOVERY : FIRST], &keys[SECOND]);
    assert_int_equal(buf_error(&b), COFRE_OK);
    return b;
}

static void
what_is_sealed_opens(void **state)
{
    (void)state;
    for (int kind = SEAL_ROTATE; kind <= SEAL_RECOVER; kind++) {
        struct buf b = make((enum seal_kind)kind);
        struct seal s;

        assert_int_equal(seal_open(buf_bytes(&b), V(FIRST), V(RECOVERY), &s), COFRE_OK);
        assert_true(s.size == 300 && s.epoch == 1 && (int)s.kind == kind);
        assert_memory_equal(s.root, example(SEAL_ROTATE).root, HASH_LEN);
        assert_memory_equal(s.next.public_key, V(SECOND)->public_key, NOTE_PUBLIC);
        buf_free(&b);
    }
}

/* The bytes, so that another program's idea of a seal can be held against ours. */
static void
a_seal_is_the_text_that_the_format_says(void **state)
{
    struct buf b = make(SEAL_ROTATE);
    struct buf want = BUF_INIT;

    (void)state;
    buf_puts(&want, "log.example/a\n300\nAQIDAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
                    "cofre-seal/v1 1 rotate\n");
    note_vkey_put(&want, V(SECOND));
    buf_puts(&want, "\n\n\xe2\x80\x94 log.example/a ");
    assert_true(b.len > want.len && memcmp(b.p, want.p, want.len) == 0);
    buf_free(&want);
    buf_free(&b);
}

static void
every_flipped_bit_and_every_shorter_length_is_refused(void **state)
{
    (void)state;
    for (int kind = SEAL_ROTATE; kind <= SEAL_RECOVER; kind++) {
        struct buf b = make((enum seal_kind)kind);
        struct seal s = {.size = 7};

        for (size_t bit = 0; bit < 8 * b.len; bit++) {
            b.p[bit / 8] ^= (uint8_t)(1U << bit % 8);
            assert_int_not_equal(seal_open(buf_bytes(&b), V(FIRST), V(RECOVERY), &s), COFRE_OK);
            b.p[bit / 8] ^= (uint8_t)(1U << bit % 8);
        }
        for (size_t len = 0; len < b.len; len++) {
            struct bytes exact = unit_exact((struct bytes){b.p, len});

            assert_int_not_equal(seal_open(exact, V(FIRST), V(RECOVERY), &s), COFRE_OK);
            unit_exact_free(exact);
        }
        assert_true(s.size == 7);
        buf_free(&b);
    }
}

static void
another_certifier_is_refused(void **state)
{
    struct buf rotate = make(SEAL_ROTATE);
    struct buf recover = make(SEAL_RECOVER);
    struct seal s;

    (void)state;
    assert_int_equal(seal_open(buf_bytes(&rotate), V(STRANGER), V(FIRST), &s), COFRE_EAUTH);
    assert_int_equal(seal_open(buf_bytes(&rotate), V(SECOND), V(RECOVERY), &s), COFRE_EAUTH);
    assert_int_equal(seal_open(buf_bytes(&recover), V(FIRST), NULL, &s), COFRE_EAUTH);
    assert_int_equal(seal_open(buf_bytes(&recover), V(FIRST), V(STRANGER), &s), COFRE_EAUTH);
    assert_int_equal(seal_open(buf_bytes(&recover), V(RECOVERY), V(FIRST), &s), COFRE_EAUTH);
    /* The recovery key's seal needs no signature of the lost key, but its place is after it. */
    assert_int_equal(seal_open(buf_bytes(&recover), V(SECOND), V(RECOVERY), &s), COFRE_EAUTH);
    assert_int_equal(seal_open(buf_bytes(&rotate), &other_origin.verifier, NULL, &s), COFRE_EAUTH);
    buf_free(&rotate);
    buf_free(&recover);
}

/* The text of a note that seal_make made, without the empty line and what follows. */
static struct bytes
text_of(const struct buf *note)
{
    static struct note n;

    assert_int_equal(note_parse(buf_bytes(note), &n), COFRE_OK);
    return n.text;
}

static void
two_signatures_in_their_order_and_no_other(void **state)
{
    static const struct {
        int signers[3];
        enum cofre_err err;
    } rows[] = {
        {{FIRST, SECOND, -1}, COFRE_OK},          {{SECOND, FIRST, -1}, COFRE_EAUTH},
        {{FIRST, -1, -1}, COFRE_EAUTH},           {{SECOND, -1, -1}, COFRE_EAUTH},
        {{FIRST, SECOND, STRANGER}, COFRE_EAUTH}, {{FIRST, FIRST, SECOND}, COFRE_EAUTH},
        {{FIRST, STRANGER, SECOND}, COFRE_EAUTH}, {{RECOVERY, SECOND, -1}, COFRE_EAUTH},
        {{FIRST, FIRST, -1}, COFRE_EAUTH},
    };
    struct buf whole = make(SEAL_ROTATE);
    struct bytes text = text_of(&whole);
    struct seal s;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf b = BUF_INIT;

        note_sign(&b, &keys[rows[i].signers[0]], text);
        for (int j = 1; j < 3 && rows[i].signers[j] >= 0; j++)
            note_sign_add(&b, &keys[rows[i].signers[j]], text);
        if (seal_open(buf_bytes(&b), V(FIRST), V(RECOVERY), &s) != rows[i].err)
            fail_msg("row %zu", i);
        buf_free(&b);
    }
    buf_free(&whole);
}

#define ROOT "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

/* before, the vkey of the second key, after: signed by both. */
static enum cofre_err
open_text(const char *before, const struct note_verifier *next, const char *after)
{
    struct buf text = BUF_INIT;
    struct buf b = BUF_INIT;
    struct seal s;
    enum cofre_err err;

    buf_puts(&text, before);
    if (next != NULL)
        note_vkey_put(&text, next);
    buf_puts(&text, after);
    note_sign(&b, &keys[FIRST], buf_bytes(&text));
    note_sign_add(&b, &keys[SECOND], buf_bytes(&text));
    assert_int_equal(buf_error(&b), COFRE_OK);
    err = seal_open(buf_bytes(&b), V(FIRST), V(RECOVERY), &s);
    buf_free(&text);
    buf_free(&b);
    return err;
}

static void
only_the_one_form_is_a_seal(void **state)
{
    static const char good[] = "log.example/a\n3\n" ROOT "\ncofre-seal/v1 1 rotate\n";
    static const char *const bad[] = {
        "log.example/a\n0\n" ROOT "\ncofre-seal/v1 1 rotate\n",
        "log.example/a\n03\n" ROOT "\ncofre-seal/v1 1 rotate\n",
        "log.example/a\n3\n" ROOT "\ncofre-seal/v1 0 rotate\n",
        "log.example/a\n3\n" ROOT "\ncofre-seal/v1 01 rotate\n",
        "log.example/a\n3\n" ROOT "\ncofre-seal/v1 1025 rotate\n",
        "log.example/a\n3\n" ROOT "\ncofre-seal/v1  rotate\n",
        "log.example/a\n3\n" ROOT "\ncofre-seal/v1 rotate\n",
        "log.example/a\n3\n" ROOT "\ncofre-seal/v2 1 rotate\n",
        "log.example/a\n3\n" ROOT "\ncofre-seal/v1 1 rotated\n",
        "log.example/a\n3\n" ROOT "\ncofre-seal/v1 1 rotate \n",
        "log.example/a\n3\n" ROOT "\n",
        "log.example/a\n3\nAAAA\ncofre-seal/v1 1 rotate\n",
        "log.example/b\n3\n" ROOT "\ncofre-seal/v1 1 rotate\n",
        "\n3\n" ROOT "\ncofre-seal/v1 1 rotate\n",
    };

    (void)state;
    assert_int_equal(open_text(good, V(SECOND), "\n"), COFRE_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (open_text(bad[i], V(SECOND), "\n") != COFRE_EFORMAT)
            fail_msg("text %zu", i);
    assert_int_equal(open_text(good, NULL, "\n"), COFRE_EFORMAT);
    assert_int_equal(open_text(good, V(SECOND), "\nmore\n"), COFRE_EFORMAT);
    assert_int_equal(open_text(good, V(SECOND), " \n"), COFRE_EFORMAT);
    assert_int_equal(open_text(good, &other_origin.verifier, "\n"), COFRE_EFORMAT);
    assert_int_equal(open_text(good, V(FIRST), "\n"), COFRE_EAUTH); /* the key that ends */
}

static void
the_recovery_key_does_not_name_itself(void **state)
{
    struct buf whole = make(SEAL_RECOVER);
    struct bytes text = text_of(&whole);
    struct buf other = BUF_INIT, b = BUF_INIT;
    struct seal s;

    (void)state;
    /* The same text with the recovery key in the last line. */
    buf_put(&other, text.p, text.len - 1);
    while (other.p[other.len - 1] != '\n')
        other.len--;
    note_vkey_put(&other, V(RECOVERY));
    buf_putc(&other, '\n');
    note_sign(&b, &keys[RECOVERY], buf_bytes(&other));
    note_sign_add(&b, &keys[RECOVERY], buf_bytes(&other));
    assert_int_equal(seal_open(buf_bytes(&b), V(FIRST), V(RECOVERY), &s), COFRE_EAUTH);
    buf_free(&whole);
    buf_free(&other);
    buf_free(&b);
}

static void
a_vkey_is_named_by_the_hash_of_its_text(void **state)
{
    uint8_t got[HASH_LEN];
    uint8_t want[HASH_LEN];
    struct buf text = BUF_INIT;

    (void)state;
    note_vkey_put(&text, V(FIRST));
    hash_of(buf_bytes(&text), want);
    seal_vkey_hash(V(FIRST), got);
    assert_memory_equal(got, want, HASH_LEN);
    buf_free(&text);
}

/* ---- pruning ---- */

static struct buf
make_pruned(bool recovery)
{
    struct seal_pruned p = {
        .size = 513, .root = {9}, .bundles = 2, .has_recovery = recovery, .recovery = {0xab, 1}};
    struct buf b = BUF_INIT;

    seal_pruned_make(&b, &p, &keys[FIRST]);
    assert_int_equal(buf_error(&b), COFRE_OK);
    return b;
}

static void
what_is_pruned_opens(void **state)
{
    struct seal_pruned p;

    (void)state;
    for (int recovery = 0; recovery < 2; recovery++) {
        struct buf b = make_pruned(recovery != 0);
        struct bytes exact;

        assert_int_equal(seal_pruned_open(buf_bytes(&b), V(FIRST), &p), COFRE_OK);
        assert_true(p.size == 513 && p.bundles == 2 && p.root[0] == 9);
        assert_int_equal(p.has_recovery, recovery != 0);
        assert_int_equal(p.recovery[0], recovery != 0 ? 0xab : 0);
        assert_int_equal(seal_pruned_open(buf_bytes(&b), V(SECOND), &p), COFRE_EAUTH);
        assert_int_equal(seal_pruned_open(buf_bytes(&b), &other_origin.verifier, &p), COFRE_EAUTH);
        p.size = 0;
        assert_int_equal(seal_pruned_peek(buf_bytes(&b), &p), COFRE_OK);
        assert_true(p.size == 513);
        exact = unit_exact(text_of(&b));
        note_sign_add(&b, &keys[SECOND], exact);
        unit_exact_free(exact);
        assert_int_equal(seal_pruned_open(buf_bytes(&b), V(FIRST), &p), COFRE_EAUTH);
        buf_free(&b);
    }
}

static void
pruned_restores_are_listed(void **state)
{
    struct seal_pruned p = {.size = 513, .bundles = 2, .n_restored = SEAL_RESTORED_MAX}, q;
    struct buf b = BUF_INIT;

    (void)state;
    for (size_t i = 0; i < SEAL_RESTORED_MAX; i++) {
        p.restored[i] = (struct seal_restored){
            .seq = 448 + i, .leaf = {1, (uint8_t)i}, .size = UINT64_MAX - i, .root = {0xfe}};
    }
    seal_pruned_make(&b, &p, &keys[FIRST]);
    assert_int_equal(seal_pruned_open(buf_bytes(&b), V(FIRST), &q), COFRE_OK);
    assert_int_equal(q.n_restored, SEAL_RESTORED_MAX);
    assert_memory_equal(&q.restored, &p.restored, sizeof p.restored);
    buf_free(&b);
    p.restored[SEAL_RESTORED_MAX - 1].seq = 512; /* not one that went */
    seal_pruned_make(&b, &p, &keys[FIRST]);
    assert_int_equal(seal_pruned_open(buf_bytes(&b), V(FIRST), &q), COFRE_EFORMAT);
    buf_free(&b);
    p.restored[SEAL_RESTORED_MAX - 1].seq = p.restored[SEAL_RESTORED_MAX - 2].seq;
    seal_pruned_make(&b, &p, &keys[FIRST]);
    assert_int_equal(seal_pruned_open(buf_bytes(&b), V(FIRST), &q), COFRE_EFORMAT);
    buf_free(&b);
}

static void
every_flipped_bit_of_a_pruning_is_refused(void **state)
{
    struct buf b = make_pruned(true);
    struct seal_pruned p;

    (void)state;
    for (size_t bit = 0; bit < 8 * b.len; bit++) {
        b.p[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_int_not_equal(seal_pruned_open(buf_bytes(&b), V(FIRST), &p), COFRE_OK);
        b.p[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    buf_free(&b);
}

static void
only_the_one_form_is_a_pruning(void **state)
{
#define HEX "abababababababababababababababababababababababababababababababab"
#define LISTS "log.example/a\n513\n" ROOT "\ncofre-pruned/v1 2\nrecovery none\nrestored "
    static const char hex[] = HEX;
    static const struct {
        const char *text;
        const char *tail;
        enum cofre_err err;
    } rows[] = {
        {"log.example/a\n513\n" ROOT "\ncofre-pruned/v1 2\nrecovery none\n", "", COFRE_OK},
        {"log.example/a\n513\n" ROOT "\ncofre-pruned/v1 2\nrecovery ", hex, COFRE_OK},
        {"log.example/a\n512\n" ROOT "\ncofre-pruned/v1 2\nrecovery none\n", "", COFRE_EFORMAT},
        {"log.example/a\n0\n" ROOT "\ncofre-pruned/v1 1\nrecovery none\n", "", COFRE_EFORMAT},
        {"log.example/a\n513\n" ROOT "\ncofre-pruned/v1 0\nrecovery none\n", "", COFRE_EFORMAT},
        {"log.example/a\n513\n" ROOT "\ncofre-pruned/v1 2\nrecovery no\n", "", COFRE_EFORMAT},
        {"log.example/a\n513\n" ROOT "\ncofre-pruned/v1 2\nrecovery A", hex, COFRE_EFORMAT},
        {"log.example/a\n513\n" ROOT "\ncofre-pruned/v1 2\nrecovery none\nx\n", "", COFRE_EFORMAT},
        {"log.example/a\n513\n" ROOT "\ncofre-pruned/v1 2\n", "", COFRE_EFORMAT},
        {"log.example/b\n513\n" ROOT "\ncofre-pruned/v1 2\nrecovery none\n", "", COFRE_EAUTH},
        {LISTS "7 " HEX " 9 ", hex, COFRE_OK},
        {LISTS "7 " HEX " 9\n", "", COFRE_EFORMAT},
        {LISTS "07 " HEX " 9 ", hex, COFRE_EFORMAT},
        {LISTS "7 a" HEX " 9 ", hex, COFRE_EFORMAT},
        {LISTS "7  9 ", hex, COFRE_EFORMAT},
        {LISTS "7 " HEX " 9  ", hex, COFRE_EFORMAT},
        {LISTS "7 " HEX " x ", hex, COFRE_EFORMAT},
        {LISTS "512 " HEX " 9 ", hex, COFRE_EFORMAT},
    };
    struct seal_pruned p;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf text = BUF_INIT;
        struct buf b = BUF_INIT;

        buf_puts(&text, rows[i].text);
        buf_puts(&text, rows[i].tail);
        if (rows[i].tail[0] != 0)
            buf_putc(&text, '\n');
        note_sign(&b, &keys[FIRST], buf_bytes(&text));
        if (seal_pruned_open(buf_bytes(&b), V(FIRST), &p) != rows[i].err)
            fail_msg("row %zu", i);
        buf_free(&text);
        buf_free(&b);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_sealed_opens),
        cmocka_unit_test(a_seal_is_the_text_that_the_format_says),
        cmocka_unit_test(every_flipped_bit_and_every_shorter_length_is_refused),
        cmocka_unit_test(another_certifier_is_refused),
        cmocka_unit_test(two_signatures_in_their_order_and_no_other),
        cmocka_unit_test(only_the_one_form_is_a_seal),
        cmocka_unit_test(the_recovery_key_does_not_name_itself),
        cmocka_unit_test(a_vkey_is_named_by_the_hash_of_its_text),
        cmocka_unit_test(what_is_pruned_opens),
        cmocka_unit_test(pruned_restores_are_listed),
        cmocka_unit_test(every_flipped_bit_of_a_pruning_is_refused),
        cmocka_unit_test(only_the_one_form_is_a_pruning),
    };

    return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
