#include "unit.h"

#include "crypto/bundle.h"

static const uint8_t VAULT[BUNDLE_ID] = {1}, CUSTOMER[BUNDLE_ID] = {2}, OTHER[BUNDLE_ID] = {3};
static const struct bundle_place PLACE = {VAULT, CUSTOMER};

static struct bundle_kek
kek_of(uint32_t epoch, struct bytes key)
{
    struct bundle_kek kek = {.epoch = epoch};

    hmac_key_init(&kek.key, key);
    return kek;
}

struct fixture {
    struct bundle_kek kek;
    struct bundle bundle;
    uint8_t sealed[BUNDLE_SEALED];
};

static struct fixture
fixture(void)
{
    struct fixture f = {.kek = kek_of(5, BYTES_LIT("a KEK, thirty-two bytes long, so"))};

    bundle_random(&f.bundle);
    bundle_seal(f.sealed, &f.kek, &PLACE, &f.bundle);
    return f;
}

/* Fails exactly with EAUTH, and leaves zeros. */
static void
assert_closed(const struct bundle_kek *kek, const struct bundle_place *place, struct bytes sealed)
{
    static const struct bundle zero;
    struct bytes exact = unit_exact(sealed);
    struct bundle b;

    memset(&b, 1, sizeof b);
    assert_int_equal(bundle_open(&b, kek, place, exact), COFRE_EAUTH);
    assert_memory_equal(&b, &zero, sizeof b);
    unit_exact_free(exact);
}

static void
it_makes_the_round_trip(void **state)
{
    struct fixture f = fixture();
    struct bundle b;
    uint32_t epoch;

    (void)state;
    assert_int_equal(bundle_open(&b, &f.kek, &PLACE, BYTES_OF(f.sealed)), COFRE_OK);
    assert_memory_equal(&b, &f.bundle, sizeof b);
    assert_memory_not_equal(b.dek, b.ps, KEY_LEN);
    assert_int_equal(bundle_epoch(BYTES_OF(f.sealed), &epoch), COFRE_OK);
    assert_int_equal(epoch, 5);
}

static void
any_flipped_bit_is_noticed(void **state)
{
    struct fixture f = fixture();

    (void)state;
    for (size_t bit = 0; bit < sizeof f.sealed * 8; bit++) {
        f.sealed[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_closed(&f.kek, &PLACE, BYTES_OF(f.sealed));
        f.sealed[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
}

static void
any_other_length_is_noticed(void **state)
{
    struct fixture f = fixture();
    uint8_t longer[BUNDLE_SEALED + 1] = {0};
    uint32_t epoch;

    (void)state;
    for (size_t len = 0; len < sizeof f.sealed; len++) {
        assert_closed(&f.kek, &PLACE, (struct bytes){f.sealed, len});
        assert_int_equal(bundle_epoch((struct bytes){f.sealed, len}, &epoch), COFRE_EFORMAT);
    }
    memcpy(longer, f.sealed, sizeof f.sealed);
    assert_closed(&f.kek, &PLACE, BYTES_OF(longer));
    assert_int_equal(bundle_epoch(BYTES_OF(longer), &epoch), COFRE_EFORMAT);
}

static void
moved_to_another_customer_or_vault_it_does_not_open(void **state)
{
    struct fixture f = fixture();

    (void)state;
    assert_closed(&f.kek, &(struct bundle_place){VAULT, OTHER}, BYTES_OF(f.sealed));
    assert_closed(&f.kek, &(struct bundle_place){OTHER, CUSTOMER}, BYTES_OF(f.sealed));
    assert_closed(&f.kek, &(struct bundle_place){CUSTOMER, VAULT}, BYTES_OF(f.sealed));
}

static void
another_kek_or_epoch_does_not_open(void **state)
{
    struct fixture f = fixture();
    struct bundle_kek other = kek_of(5, BYTES_LIT("another"));

    (void)state;
    assert_closed(&other, &PLACE, BYTES_OF(f.sealed));
    other = f.kek;
    other.epoch = 6;
    assert_closed(&other, &PLACE, BYTES_OF(f.sealed));
}

/* Whoever has the KEK can make a box for any commitment; only the right one may open. */
static void
a_false_commitment_does_not_open(void **state)
{
    struct fixture f = fixture();
    uint8_t *salt = f.sealed + HASH_LEN, *box = salt + BUNDLE_SALT;
    const struct bytes pieces[] = {BYTES_OF(VAULT), BYTES_OF(CUSTOMER), {salt, BUNDLE_SALT}};
    uint8_t pair[2 * KEY_LEN], ad[HASH_LEN + BUNDLE_SALT + 2 * BUNDLE_ID];
    const struct box_key key = {BOX_BUNDLE, 5, pair};
    struct bundle b;

    (void)state;
    kdf_derive_pair(&f.kek.key, "cofre/v1/bundle", pieces, 3, pair);
    for (uint8_t flip = 0; flip < 2; flip++) {
        f.sealed[0] ^= flip;
        memcpy(ad, f.sealed, HASH_LEN + BUNDLE_SALT);
        memcpy(ad + HASH_LEN + BUNDLE_SALT, VAULT, BUNDLE_ID);
        memcpy(ad + HASH_LEN + BUNDLE_SALT + BUNDLE_ID, CUSTOMER, BUNDLE_ID);
        box_seal_to(box, &key, BYTES_OF(ad), (struct bytes){(uint8_t *)&f.bundle, sizeof f.bundle});
        if (flip == 0)
            assert_int_equal(bundle_open(&b, &f.kek, &PLACE, BYTES_OF(f.sealed)), COFRE_OK);
        else
            assert_closed(&f.kek, &PLACE, BYTES_OF(f.sealed));
    }
}

static void
the_same_bundle_never_seals_alike(void **state)
{
    struct fixture f = fixture();
    uint8_t again[BUNDLE_SEALED];

    (void)state;
    bundle_seal(again, &f.kek, &PLACE, &f.bundle);
    assert_memory_not_equal(again, f.sealed, HASH_LEN);
    assert_memory_not_equal(again + HASH_LEN, f.sealed + HASH_LEN, BUNDLE_SALT);
}

static void
random_bundles_differ(void **state)
{
    struct bundle a, b;

    (void)state;
    bundle_random(&a);
    bundle_random(&b);
    assert_memory_not_equal(a.dek, b.dek, KEY_LEN);
    assert_memory_not_equal(a.ps, b.ps, KEY_LEN);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_makes_the_round_trip),
        cmocka_unit_test(any_flipped_bit_is_noticed),
        cmocka_unit_test(any_other_length_is_noticed),
        cmocka_unit_test(moved_to_another_customer_or_vault_it_does_not_open),
        cmocka_unit_test(another_kek_or_epoch_does_not_open),
        cmocka_unit_test(a_false_commitment_does_not_open),
        cmocka_unit_test(the_same_bundle_never_seals_alike),
        cmocka_unit_test(random_bundles_differ),
    };

    return cmocka_run_group_tests(tests, unit_setup, NULL);
}
