/* wrap: malloc calloc realloc sodium_malloc */
#include "alloc_fault.h"
#include "unit.h"

#include "crypto/box.h"
#include "crypto/keyring_codec.h"

static const uint8_t VAULT[KEYRING_ID] = {1, 2}, OTHER_VAULT[KEYRING_ID] = {1, 3};
static const uint8_t SEALING[KEY_LEN] = {9}, OTHER_SEALING[KEY_LEN] = {8};

static struct keyring *
ring(void)
{
    struct keyring *k;

    assert_int_equal(keyring_new(VAULT, &k), COFRE_OK);
    return k;
}

static uint32_t
add(struct keyring *k, enum keyring_class class, uint32_t scope, bool active, int64_t now)
{
    uint32_t version = 0;

    assert_int_equal(keyring_add(k, class, scope, active, now, &version), COFRE_OK);
    return version;
}

/* A keyring with something in each state. */
static struct keyring *
full_ring(void)
{
    struct keyring *k = ring();

    add(k, KEYRING_DB, 0, true, 10);
    add(k, KEYRING_KEK, 0, true, 11);
    add(k, KEYRING_KEK, 0, true, 12);
    add(k, KEYRING_KEK, 0, true, 13);
    add(k, KEYRING_KEK, 0, false, 14);
    add(k, KEYRING_VIEW, 1, true, 15);
    add(k, KEYRING_VIEW, 2, true, 16);
    assert_int_equal(keyring_set_state(k, KEYRING_KEK, 0, 1, KEYRING_DESTROYED, 20), COFRE_OK);
    assert_int_equal(keyring_set_state(k, KEYRING_KEK, 0, 2, KEYRING_RETIRED, 21), COFRE_OK);
    return k;
}

static enum keyring_state
state_of(const struct keyring *k, enum keyring_class class, uint32_t scope, uint32_t version)
{
    struct keyring_entry e;

    for (size_t i = 0; keyring_entry(k, i, &e); i++)
        if (e.class == class && e.scope == scope && e.version == version)
            return e.state;
    fail_msg("no such entry");
    return KEYRING_DESTROYED;
}

static void
versions_count_by_class_and_scope(void **state)
{
    struct keyring *k = ring();

    (void)state;
    assert_int_equal(add(k, KEYRING_KEK, 0, true, 1), 1);
    assert_int_equal(add(k, KEYRING_VIEW, 7, true, 1), 1);
    assert_int_equal(add(k, KEYRING_VIEW, 8, true, 1), 1);
    assert_int_equal(add(k, KEYRING_KEK, 0, true, 1), 2);
    assert_int_equal(add(k, KEYRING_VIEW, 7, true, 1), 2);
    assert_int_equal(keyring_add(k, KEYRING_DB, 0, true, 1, NULL), COFRE_OK);
    keyring_free(k);
    keyring_free(NULL);
}

static void
one_is_active_and_the_former_decrypts_only(void **state)
{
    struct keyring *k = ring();
    const uint8_t *first, *second;
    uint32_t version = 0;

    (void)state;
    assert_null(keyring_active(k, KEYRING_KEK, 0, &version));
    add(k, KEYRING_KEK, 0, false, 1);
    assert_null(keyring_active(k, KEYRING_KEK, 0, NULL));
    assert_int_equal(keyring_set_state(k, KEYRING_KEK, 0, 1, KEYRING_ACTIVE, 5), COFRE_OK);
    first = keyring_active(k, KEYRING_KEK, 0, &version);
    assert_non_null(first);
    assert_int_equal(version, 1);

    add(k, KEYRING_KEK, 0, true, 6);
    second = keyring_active(k, KEYRING_KEK, 0, &version);
    assert_int_equal(version, 2);
    assert_memory_not_equal(first, second, KEY_LEN);
    assert_ptr_equal(keyring_key(k, KEYRING_KEK, 0, 1), first);
    assert_int_equal(state_of(k, KEYRING_KEK, 0, 1), KEYRING_DECRYPT_ONLY);
    assert_null(keyring_active(k, KEYRING_VIEW, 0, NULL));
    keyring_free(k);
}

static void
entries_tell_their_times(void **state)
{
    struct keyring *k = ring();
    struct keyring_entry e;

    (void)state;
    add(k, KEYRING_VIEW, 3, false, 100);
    assert_true(keyring_entry(k, 0, &e));
    assert_true(e.class == KEYRING_VIEW && e.scope == 3 && e.version == 1);
    assert_true(e.state == KEYRING_PENDING && e.created == 100 && e.activated == 0);
    assert_int_equal(keyring_set_state(k, KEYRING_VIEW, 3, 1, KEYRING_ACTIVE, 200), COFRE_OK);
    assert_true(keyring_entry(k, 0, &e));
    assert_true(e.state == KEYRING_ACTIVE && e.created == 100 && e.activated == 200);
    assert_false(keyring_entry(k, 1, &e));
    keyring_free(k);
}

static void
states_go_forwards_only(void **state)
{
    (void)state;
    for (int from = KEYRING_PENDING; from <= KEYRING_DESTROYED; from++)
        for (int to = KEYRING_PENDING; to <= KEYRING_DESTROYED + 1; to++) {
            struct keyring *k = ring();
            enum cofre_err err;

            add(k, KEYRING_KEK, 0, false, 1);
            if (from > KEYRING_PENDING)
                assert_int_equal(
                    keyring_set_state(k, KEYRING_KEK, 0, 1, (enum keyring_state)from, 2), COFRE_OK);
            err = keyring_set_state(k, KEYRING_KEK, 0, 1, (enum keyring_state)to, 3);
            assert_int_equal(err, to > from && to <= KEYRING_DESTROYED ? COFRE_OK : COFRE_EINVAL);
            assert_int_equal(state_of(k, KEYRING_KEK, 0, 1), err == COFRE_OK ? to : from);
            keyring_free(k);
        }
}

static void
an_unknown_key_is_no_key(void **state)
{
    struct keyring *k = full_ring();

    (void)state;
    assert_null(keyring_key(k, KEYRING_KEK, 0, 0));
    assert_null(keyring_key(k, KEYRING_KEK, 0, 99));
    assert_null(keyring_key(k, KEYRING_VIEW, 3, 1));
    assert_null(keyring_key(k, KEYRING_LOG, 0, 1));
    assert_int_equal(keyring_set_state(k, KEYRING_LOG, 0, 1, KEYRING_RETIRED, 1), COFRE_ENOENT);
    keyring_free(k);
}

static void
a_destroyed_key_is_wiped_and_its_line_stays(void **state)
{
    static const uint8_t zeros[KEY_LEN];
    struct keyring *k = ring();
    const uint8_t *key;

    (void)state;
    add(k, KEYRING_KEK, 0, true, 1);
    key = keyring_key(k, KEYRING_KEK, 0, 1);
    assert_memory_not_equal(key, zeros, KEY_LEN);
    assert_int_equal(keyring_set_state(k, KEYRING_KEK, 0, 1, KEYRING_DESTROYED, 1), COFRE_OK);
    assert_memory_equal(key, zeros, KEY_LEN);
    assert_null(keyring_key(k, KEYRING_KEK, 0, 1));
    assert_null(keyring_active(k, KEYRING_KEK, 0, NULL));
    assert_int_equal(state_of(k, KEYRING_KEK, 0, 1), KEYRING_DESTROYED);
    assert_int_equal(add(k, KEYRING_KEK, 0, true, 1), 2);
    keyring_free(k);
}

static void
texts_name_classes_and_states(void **state)
{
    enum keyring_class class = KEYRING_DB;

    (void)state;
    for (int i = 0; i < KEYRING_CLASSES; i++) {
        assert_int_equal(keyring_class_parse(keyring_class_text((enum keyring_class)i), &class),
                         COFRE_OK);
        assert_int_equal(class, i);
    }
    assert_int_equal(keyring_class_parse("keks", &class), COFRE_ENOENT);
    assert_int_equal(keyring_class_parse("", &class), COFRE_ENOENT);
    assert_string_equal(keyring_class_text(KEYRING_CLASSES), "unknown");
    assert_string_equal(keyring_state_text(KEYRING_DECRYPT_ONLY), "decrypt-only");
    assert_string_equal(keyring_state_text((enum keyring_state)99), "unknown");
}

static struct buf
seal(struct keyring *k)
{
    struct buf b = BUF_INIT;

    assert_int_equal(keyring_seal(k, BYTES_OF(SEALING), &b), COFRE_OK);
    return b;
}

static enum cofre_err
open_exact(struct bytes sealed, struct keyring **out)
{
    struct bytes exact = unit_exact(sealed);
    enum cofre_err err = keyring_open(VAULT, BYTES_OF(SEALING), exact, out);

    unit_exact_free(exact);
    return err;
}

static void
assert_same(const struct keyring *a, const struct keyring *b)
{
    struct keyring_entry x, y;
    size_t i;

    for (i = 0; keyring_entry(a, i, &x); i++) {
        const uint8_t *key = keyring_key(a, x.class, x.scope, x.version);

        assert_true(keyring_entry(b, i, &y));
        assert_true(x.class == y.class && x.scope == y.scope && x.version == y.version &&
                    x.state == y.state && x.created == y.created && x.activated == y.activated);
        if (key == NULL)
            assert_null(keyring_key(b, x.class, x.scope, x.version));
        else
            assert_memory_equal(key, keyring_key(b, x.class, x.scope, x.version), KEY_LEN);
    }
    assert_false(keyring_entry(b, i, &y));
    assert_true(keyring_generation(a) == keyring_generation(b));
    assert_memory_equal(keyring_vault(a), keyring_vault(b), KEYRING_ID);
}

static void
sealed_it_makes_the_round_trip(void **state)
{
    struct keyring *k = full_ring(), *back;

    (void)state;
    for (uint64_t generation = 1; generation < 4; generation++) {
        struct buf b = seal(k);

        assert_true(keyring_generation(k) == generation);
        assert_int_equal(open_exact(buf_bytes(&b), &back), COFRE_OK);
        assert_same(k, back);
        keyring_free(back);
        buf_free(&b);
    }
    keyring_free(k);
}

static void
it_holds_its_limit_and_pointers_last(void **state)
{
    struct keyring *k = ring(), *back;
    const uint8_t *first;
    uint8_t copy[KEY_LEN];
    struct buf b;

    (void)state;
    add(k, KEYRING_VIEW, 0, false, 0);
    first = keyring_key(k, KEYRING_VIEW, 0, 1);
    memcpy(copy, first, sizeof copy);
    for (uint32_t i = 1; i < KEYRING_ENTRIES_MAX; i++)
        add(k, KEYRING_VIEW, i, true, 1);
    assert_int_equal(keyring_add(k, KEYRING_DB, 0, true, 1, NULL), COFRE_ELIMIT);
    assert_ptr_equal(keyring_key(k, KEYRING_VIEW, 0, 1), first);
    assert_memory_equal(first, copy, sizeof copy);

    b = seal(k);
    assert_int_equal(open_exact(buf_bytes(&b), &back), COFRE_OK);
    assert_same(k, back);
    keyring_free(back);
    keyring_free(k);
    buf_free(&b);
}

static void
any_flipped_bit_or_other_length_is_noticed(void **state)
{
    struct keyring *k = full_ring(), *back;
    struct buf b = seal(k);

    (void)state;
    for (size_t bit = 0; bit < b.len * 8; bit++) {
        b.p[bit / 8] ^= (uint8_t)(1U << bit % 8);
        back = k;
        assert_int_equal(open_exact(buf_bytes(&b), &back), COFRE_EAUTH);
        assert_null(back);
        b.p[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    for (size_t len = 0; len < b.len; len++)
        assert_int_equal(open_exact((struct bytes){b.p, len}, &back), COFRE_EAUTH);
    buf_putc(&b, '\0');
    assert_int_equal(open_exact(buf_bytes(&b), &back), COFRE_EAUTH);
    keyring_free(k);
    buf_free(&b);
}

static void
another_vault_or_sealing_key_does_not_open(void **state)
{
    struct keyring *k = full_ring(), *back;
    struct buf b = seal(k);

    (void)state;
    assert_int_equal(keyring_open(OTHER_VAULT, BYTES_OF(SEALING), buf_bytes(&b), &back),
                     COFRE_EAUTH);
    assert_int_equal(keyring_open(VAULT, BYTES_OF(OTHER_SEALING), buf_bytes(&b), &back),
                     COFRE_EAUTH);
    assert_null(back);
    keyring_free(k);
    buf_free(&b);
}

/* Seals a plaintext as it is, and opens it. */
static enum cofre_err
open_plain(struct bytes plain)
{
    const struct box_key key = {BOX_KEYRING, 1, SEALING};
    struct keyring *k = NULL;
    struct buf b = BUF_INIT;
    enum cofre_err err;

    box_seal(&b, &key, BYTES_OF(VAULT), plain);
    assert_int_equal(buf_error(&b), COFRE_OK);
    err = open_exact(buf_bytes(&b), &k);
    assert_int_equal(err == COFRE_OK, k != NULL);
    keyring_free(k);
    buf_free(&b);
    return err;
}

enum { TWO = KEYRING_CODEC_HEADER + 2 * KEYRING_CODEC_ENTRY };

static void
write_two(uint8_t plain[static TWO])
{
    const struct keyring_entry one = {KEYRING_KEK, 0, 1, KEYRING_DESTROYED, 5, 6};
    const struct keyring_entry two = {KEYRING_KEK, 0, 2, KEYRING_ACTIVE, 7, 8};

    keyring_codec_put_header(plain, 1, 2);
    keyring_codec_put_entry(plain + KEYRING_CODEC_HEADER, &one, NULL);
    keyring_codec_put_entry(plain + KEYRING_CODEC_HEADER + KEYRING_CODEC_ENTRY, &two, SEALING);
}

static void
authentic_nonsense_is_malformed(void **state)
{
    static const struct {
        size_t at;
        uint8_t value;
        const char *what;
    } changes[] = {
        {0, 'C', "magic"},       {8, 2, "format"},         {10, 63, "entry length"},
        {12, 1, "count"},        {12, 3, "count"},         {15, 1, "count"},
        {24, 8, "class"},        {24 + 1, 5, "state"},     {24 + 2, 1, "zero"},
        {24 + 4, 1, "scope"},    {24 + 8, 0, "version"},   {24 + 8, 2, "version"},
        {24 + 12, 1, "zero"},    {24 + 32, 1, "no zeros"}, {24 + 1, 1, "two active"},
        {88 + 8, 1, "repeated"}, {88 + 8, 3, "left out"},  {88 + 1, 0, "pending, yet activated"},
    };
    uint8_t plain[TWO];

    (void)state;
    write_two(plain);
    assert_int_equal(open_plain(BYTES_OF(plain)), COFRE_OK);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        write_two(plain);
        plain[changes[i].at] = changes[i].value;
        if (open_plain(BYTES_OF(plain)) != COFRE_EFORMAT)
            fail_msg("%s at %zu is taken", changes[i].what, changes[i].at);
    }
    write_two(plain);
    for (size_t len = 0; len < sizeof plain; len++)
        assert_int_equal(open_plain((struct bytes){plain, len}), COFRE_EFORMAT);
}

static void
any_failing_allocation_changes_nothing(void **state)
{
    struct keyring *k, *back;
    struct keyring_entry e;
    struct buf b = BUF_INIT;
    enum cofre_err err;
    unsigned failures = 0;

    (void)state;
    ALLOC_FAULT_EACH
    {
        err = keyring_new(VAULT, &k);
        if (!alloc_fault_hit())
            break;
        failures++;
        assert_int_equal(err, COFRE_ENOMEM);
        assert_null(k);
    }
    ALLOC_FAULT_EACH
    {
        err = keyring_add(k, KEYRING_KEK, 0, true, 1, NULL);
        if (!alloc_fault_hit())
            break;
        failures++;
        assert_int_equal(err, COFRE_ENOMEM);
        assert_false(keyring_entry(k, 0, &e));
        keyring_free(k); /* which may have kept the room that it got */
        k = ring();
    }
    ALLOC_FAULT_EACH
    {
        err = keyring_seal(k, BYTES_OF(SEALING), &b);
        if (!alloc_fault_hit())
            break;
        failures++;
        assert_int_equal(err, COFRE_ENOMEM);
        assert_int_equal(b.len, 0);
        assert_true(keyring_generation(k) == 0);
        buf_reset(&b);
    }
    assert_int_equal(err, COFRE_OK);
    ALLOC_FAULT_EACH
    {
        err = keyring_open(VAULT, BYTES_OF(SEALING), buf_bytes(&b), &back);
        if (!alloc_fault_hit())
            break;
        failures++;
        assert_int_equal(err, COFRE_ENOMEM);
        assert_null(back);
    }
    assert_int_equal(err, COFRE_OK);
    assert_int_equal(failures, 1 + 3 + 3 + 6);
    assert_same(k, back);
    keyring_free(k);
    keyring_free(back);
    buf_free(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_count_by_class_and_scope),
        cmocka_unit_test(one_is_active_and_the_former_decrypts_only),
        cmocka_unit_test(entries_tell_their_times),
        cmocka_unit_test(states_go_forwards_only),
        cmocka_unit_test(an_unknown_key_is_no_key),
        cmocka_unit_test(a_destroyed_key_is_wiped_and_its_line_stays),
        cmocka_unit_test(texts_name_classes_and_states),
        cmocka_unit_test(sealed_it_makes_the_round_trip),
        cmocka_unit_test(it_holds_its_limit_and_pointers_last),
        cmocka_unit_test(any_flipped_bit_or_other_length_is_noticed),
        cmocka_unit_test(another_vault_or_sealing_key_does_not_open),
        cmocka_unit_test(authentic_nonsense_is_malformed),
        cmocka_unit_test(any_failing_allocation_changes_nothing),
    };

    return cmocka_run_group_tests(tests, unit_setup, NULL);
}
