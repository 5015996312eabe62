/* wrap: malloc calloc realloc sodium_malloc free */
#include "alloc_fault.h"
#include "unit.h"

#include "cofre/bytes.h"

void __real_free(void *p);
void __wrap_free(void *p);

/* When set, the block that is freed next is looked at: it must hold no byte of this value. */
static uint8_t forbidden;
static size_t forbidden_len;

void
__wrap_free(void *p)
{
    for (size_t i = 0; p != NULL && i < forbidden_len; i++)
        assert_int_not_equal(((uint8_t *)p)[i], forbidden);
    __real_free(p);
}

static void
puts_append_in_order(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    buf_puts(&b, "ab");
    buf_putc(&b, 'c');
    buf_putb(&b, BYTES_LIT("de"));
    buf_putf(&b, "-%03d", 7);
    buf_put_u64_dec(&b, 0);
    buf_putc(&b, ' ');
    buf_put_u64_dec(&b, UINT64_MAX);
    buf_put_hex(&b, BYTES_LIT("\x01\xff"));
    buf_put(&b, NULL, 0);
    assert_int_equal(buf_error(&b), COFRE_OK);
    assert_true(bytes_equal(buf_bytes(&b), BYTES_LIT("abcde-0070 1844674407370955161501ff")));
    buf_free(&b);
    buf_free(NULL);
    assert_null(b.p);
}

static void
integers_have_their_byte_order(void **state)
{
    struct buf b = BUF_INIT;
    uint8_t be[8];
    struct reader r;

    (void)state;
    buf_put_le16(&b, 0x0201);
    buf_put_le32(&b, 0x06050403);
    buf_put_le64(&b, 0x8e0d0c0b0a090807);
    unit_bytes_are(buf_bytes(&b), "0102 03040506 0708090a0b0c0d8e");

    r = reader_of(buf_bytes(&b));
    assert_int_equal(reader_le16(&r), 0x0201);
    assert_int_equal(reader_le32(&r), 0x06050403);
    assert_true(reader_le64(&r) == 0x8e0d0c0b0a090807);
    assert_false(r.failed);
    assert_int_equal(r.left.len, 0);
    buf_free(&b);

    bytes_set_be16(be, 0xf102);
    unit_bytes_are((struct bytes){be, 2}, "f102");
    assert_int_equal(bytes_get_be16(be), 0xf102);
    bytes_set_be32(be, 0xf1020304);
    unit_bytes_are((struct bytes){be, 4}, "f1020304");
    assert_true(bytes_get_be32(be) == 0xf1020304);
    bytes_set_be64(be, 0xf102030405060708);
    unit_bytes_are(BYTES_OF(be), "f102030405060708");
    assert_true(bytes_get_be64(be) == 0xf102030405060708);
    bytes_set_le64(be, 0xf102030405060708);
    assert_true(bytes_get_le64(be) == 0xf102030405060708);
}

static void
a_reader_stays_failed(void **state)
{
    struct bytes five = unit_exact(BYTES_LIT("\1\2\3\4\5"));
    struct reader r = reader_of(five);

    (void)state;
    assert_int_equal(reader_le64(&r), 0);
    assert_true(r.failed);
    assert_int_equal(reader_u8(&r), 0);
    assert_null(reader_take(&r, 0).p);
    r = reader_of(five);
    assert_int_equal(reader_take(&r, SIZE_MAX).len, 0);
    assert_true(r.failed);
    r = reader_of(five);
    assert_int_equal(reader_u8(&r), 1);
    assert_int_equal(reader_take(&r, 4).len, 4);
    assert_false(r.failed);
    assert_int_equal(reader_u8(&r), 0);
    assert_true(r.failed);
    unit_exact_free(five);
    r = reader_of(BYTES_NONE);
    assert_int_equal(reader_take(&r, 0).len, 0);
    assert_false(r.failed);
}

static void
growth_and_free_wipe_what_they_leave(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    memset(buf_reserve(&b, 64), 0xee, 64);
    b.len = 64;
    forbidden = 0xee;
    forbidden_len = 64;
    buf_putc(&b, 'x'); /* moves */
    assert_int_equal(b.p[0], 0xee);
    buf_free(&b);
    forbidden_len = 0;
}

static void
reset_wipes_and_keeps_the_room(void **state)
{
    struct buf b = BUF_INIT;
    uint8_t *p;

    (void)state;
    buf_puts(&b, "secret");
    p = b.p;
    buf_reset(&b);
    assert_ptr_equal(b.p, p);
    assert_int_equal(b.len, 0);
    assert_memory_equal(p, "\0\0\0\0\0\0", 6);
    buf_free(&b);
}

static void
a_failed_put_leaves_all_as_it_was(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    for (int i = 0; i < 64; i++)
        buf_putc(&b, 'a');
    alloc_fault_arm(0);
    buf_putc(&b, 'b');
    assert_true(alloc_fault_hit());
    assert_int_equal(buf_error(&b), COFRE_ENOMEM);
    assert_int_equal(b.len, 64);
    assert_null(buf_reserve(&b, 1));
    buf_puts(&b, "not this");
    buf_putf(&b, "nor %s", "this");
    buf_put_hex(&b, BYTES_LIT("x"));
    assert_int_equal(b.len, 64);
    buf_reset(&b);
    assert_int_equal(buf_error(&b), COFRE_OK);
    buf_putc(&b, 'c');
    assert_int_equal(b.len, 1);
    buf_free(&b);
}

static void
it_grows_to_its_limit_and_no_further(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    assert_null(buf_reserve(&b, SIZE_MAX));
    buf_reset(&b);
    assert_null(buf_reserve(&b, (size_t)BUF_MAX + 1));
    buf_reset(&b);
    assert_non_null(buf_reserve(&b, 0));
    assert_non_null(buf_reserve(&b, BUF_MAX));
    assert_int_equal(b.cap, BUF_MAX);
    b.len = BUF_MAX;
    assert_non_null(buf_reserve(&b, 0));
    assert_null(buf_reserve(&b, 1));
    assert_int_equal(buf_error(&b), COFRE_ENOMEM);
    b.len = 0;
    buf_free(&b);
}

static void
empty_runs_are_equal_wherever_they_point(void **state)
{
    (void)state;
    assert_true(bytes_equal(BYTES_NONE, BYTES_LIT("")));
    assert_false(bytes_equal(BYTES_LIT("a"), BYTES_LIT("")));
    assert_false(bytes_equal(BYTES_LIT("a"), BYTES_LIT("b")));
    assert_true(bytes_equal(bytes_str("ab"), BYTES_LIT("ab")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(puts_append_in_order),
        cmocka_unit_test(integers_have_their_byte_order),
        cmocka_unit_test(a_reader_stays_failed),
        cmocka_unit_test(growth_and_free_wipe_what_they_leave),
        cmocka_unit_test(reset_wipes_and_keeps_the_room),
        cmocka_unit_test(a_failed_put_leaves_all_as_it_was),
        cmocka_unit_test(it_grows_to_its_limit_and_no_further),
        cmocka_unit_test(empty_runs_are_equal_wherever_they_point),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
