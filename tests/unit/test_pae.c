/* wrap: malloc calloc realloc sodium_malloc */
#include "alloc_fault.h"
#include "unit.h"

#include "crypto/pae.h"

static void
it_is_counts_lengths_and_bytes(void **state)
{
    const struct bytes pieces[] = {BYTES_LIT("\xaa\xbb"), BYTES_NONE};
    struct buf out = BUF_INIT;

    (void)state;
    buf_puts(&out, "!");
    pae_put(&out, "lab", pieces, 2);
    unit_bytes_are(buf_bytes(&out), "21 0300000000000000 0300000000000000 6c6162"
                                    "0200000000000000 aabb 0000000000000000");
    assert_int_equal(pae_size("lab", pieces, 2), out.len - 1);
    buf_reset(&out);
    pae_put(&out, "", NULL, 0);
    unit_bytes_are(buf_bytes(&out), "0100000000000000 0000000000000000");
    buf_free(&out);
}

static void
feeding_a_mac_is_the_same_as_building(void **state)
{
    const struct bytes pieces[] = {BYTES_LIT("one"), BYTES_NONE, BYTES_LIT("three")};
    uint8_t fed[HASH_LEN], built[HASH_LEN];
    struct buf out = BUF_INIT;
    struct hmac_key k;

    (void)state;
    hmac_key_init(&k, BYTES_LIT("key"));
    for (size_t n = 0; n <= 3; n++) {
        buf_reset(&out);
        pae_put(&out, "cofre/v1/test", pieces, n);
        hmac_of(&k, buf_bytes(&out), built);
        pae_hmac(&k, "cofre/v1/test", pieces, n, fed);
        assert_memory_equal(fed, built, HASH_LEN);
    }
    buf_free(&out);
}

static void
different_lists_never_encode_alike(void **state)
{
    static const struct {
        const char *label;
        struct bytes pieces[3];
        size_t n;
    } lists[] = {
        {"ab", {{NULL, 0}}, 0},
        {"ab", {{NULL, 0}}, 1},
        {"a", {{(const uint8_t *)"b", 1}}, 1},
        {"", {{(const uint8_t *)"ab", 2}}, 1},
        {"a", {{(const uint8_t *)"b", 1}, {NULL, 0}}, 2},
        {"a", {{NULL, 0}, {(const uint8_t *)"b", 1}}, 2},
        {"a", {{(const uint8_t *)"b\1\0\0\0\0\0\0\0c", 10}}, 1},
        {"a", {{(const uint8_t *)"b", 1}, {(const uint8_t *)"c", 1}}, 2},
        {"a", {{(const uint8_t *)"bc", 2}}, 1},
    };
    struct buf a = BUF_INIT, b = BUF_INIT;

    (void)state;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        for (size_t j = 0; j < i; j++) {
            buf_reset(&a);
            buf_reset(&b);
            pae_put(&a, lists[i].label, lists[i].pieces, lists[i].n);
            pae_put(&b, lists[j].label, lists[j].pieces, lists[j].n);
            assert_false(bytes_equal(buf_bytes(&a), buf_bytes(&b)));
        }
    buf_free(&a);
    buf_free(&b);
}

static void
without_memory_nothing_is_put(void **state)
{
    struct buf out = BUF_INIT;

    (void)state;
    alloc_fault_arm(0);
    pae_put(&out, "a", NULL, 0);
    assert_true(alloc_fault_hit());
    assert_int_equal(buf_error(&out), COFRE_ENOMEM);
    assert_int_equal(out.len, 0);
    buf_free(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_counts_lengths_and_bytes),
        cmocka_unit_test(feeding_a_mac_is_the_same_as_building),
        cmocka_unit_test(different_lists_never_encode_alike),
        cmocka_unit_test(without_memory_nothing_is_put),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
