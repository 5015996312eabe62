/* wrap: malloc calloc realloc sodium_malloc */
#include "alloc_fault.h"
#include "unit.h"

#include "crypto/pad.h"

static void
every_length_makes_the_round_trip(void **state)
{
    struct buf b = BUF_INIT;
    size_t len;

    (void)state;
    for (size_t n = 0; n <= 3 * PAD_BLOCK; n++) {
        struct bytes exact;

        buf_reset(&b);
        for (size_t i = 0; i < n; i++)
            buf_putc(&b, (char)(i % 3 == 0 ? 0x80 : 0));
        pad_add(&b);
        assert_int_equal(b.len, (n / PAD_BLOCK + 1) * PAD_BLOCK);
        exact = unit_exact(buf_bytes(&b));
        assert_int_equal(pad_remove(exact, &len), COFRE_OK);
        assert_int_equal(len, n);
        unit_exact_free(exact);
    }
    buf_free(&b);
}

static void
what_has_no_padding_is_refused(void **state)
{
    uint8_t block[2 * PAD_BLOCK] = {0};
    size_t len = 77;

    (void)state;
    assert_int_equal(pad_remove(BYTES_NONE, &len), COFRE_EFORMAT);
    assert_int_equal(pad_remove((struct bytes){block, PAD_BLOCK}, &len), COFRE_EFORMAT);
    block[0] = 0x80; /* more than a block of padding */
    assert_int_equal(pad_remove(BYTES_OF(block), &len), COFRE_EFORMAT);
    block[PAD_BLOCK - 1] = 0x80;
    assert_int_equal(pad_remove(BYTES_OF(block), &len), COFRE_EFORMAT);
    block[PAD_BLOCK] = 0x81;
    assert_int_equal(pad_remove(BYTES_OF(block), &len), COFRE_EFORMAT);
    assert_int_equal(len, 77);
    block[PAD_BLOCK] = 0x80;
    assert_int_equal(pad_remove(BYTES_OF(block), &len), COFRE_OK);
    assert_int_equal(len, PAD_BLOCK);
    for (size_t n = 1; n < PAD_BLOCK; n++)
        assert_int_equal(pad_remove((struct bytes){block, PAD_BLOCK + n}, &len), COFRE_EFORMAT);
}

static void
without_memory_nothing_is_added(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    alloc_fault_arm(0);
    pad_add(&b);
    assert_true(alloc_fault_hit());
    assert_int_equal(buf_error(&b), COFRE_ENOMEM);
    buf_free(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_makes_the_round_trip),
        cmocka_unit_test(what_has_no_padding_is_refused),
        cmocka_unit_test(without_memory_nothing_is_added),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
