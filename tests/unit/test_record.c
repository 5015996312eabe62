/* wrap: malloc calloc realloc sodium_malloc */
#include "alloc_fault.h"
#include "unit.h"

#include "crypto/pad.h"
#include "vault/records/record.h"

static const struct record_value three[] = {
    {1, {(const uint8_t *)"00001", 5}},
    {2, {(const uint8_t *)"祝癸霖", 9}},
    {300, {NULL, 0}},
};

static void
values_come_back_in_place(void **state)
{
    struct buf out = BUF_INIT;
    struct record r;
    struct bytes value;

    (void)state;
    assert_int_equal(record_write(&out, three, 3), COFRE_OK);
    assert_int_equal(out.len % PAD_BLOCK, 0);
    assert_int_equal(record_open(buf_bytes(&out), &r), COFRE_OK);
    assert_int_equal(r.count, 3);
    for (size_t i = 0; i < 3; i++) {
        struct record_value got = record_get(&r, i);

        assert_int_equal(got.num, three[i].num);
        assert_true(bytes_equal(got.value, three[i].value));
        assert_true(got.value.p >= out.p && got.value.p + got.value.len <= out.p + out.len);
        assert_true(record_find(&r, three[i].num, &value));
        assert_true(bytes_equal(value, three[i].value));
    }
    assert_false(record_find(&r, 3, &value));
    assert_false(record_find(&r, 0, &value));
    buf_free(&out);
}

static void
the_bytes_are_those_that_the_format_says(void **state)
{
    struct buf out = BUF_INIT;

    (void)state;
    assert_int_equal(record_write(&out, three, 3), COFRE_OK);
    unit_bytes_are((struct bytes){out.p, 29}, "0300 01000500 02000900 2c010000 3030303031"
                                              "e7a59de799b8e99c96 80");
    assert_int_equal(out.len, PAD_BLOCK);
    for (size_t i = 29; i < out.len; i++)
        assert_int_equal(out.p[i], 0);
    buf_free(&out);
}

static void
a_record_may_be_empty_or_stand_behind_other_bytes(void **state)
{
    struct buf out = BUF_INIT;
    struct record r;

    (void)state;
    for (size_t before = 0; before <= PAD_BLOCK; before++) {
        buf_reset(&out);
        for (size_t i = 0; i < before; i++)
            buf_putc(&out, 'x');
        assert_int_equal(record_write(&out, three, before % 2 == 0 ? 0 : 3), COFRE_OK);
        assert_int_equal(out.len, before + PAD_BLOCK);
        assert_int_equal(record_open((struct bytes){out.p + before, PAD_BLOCK}, &r), COFRE_OK);
        assert_int_equal(r.count, before % 2 == 0 ? 0 : 3);
    }
    buf_free(&out);
}

static void
limits_hold(void **state)
{
    static uint8_t big[RECORD_VALUE_MAX + 1];
    struct record_value values[RECORD_FIELDS_MAX];
    struct buf out = BUF_INIT;
    struct record r;

    (void)state;
    for (size_t i = 0; i < RECORD_FIELDS_MAX; i++)
        values[i] = (struct record_value){(uint16_t)(i * 1000), {big, RECORD_VALUE_MAX}};
    assert_int_equal(record_write(&out, values, RECORD_FIELDS_MAX), COFRE_OK);
    assert_int_equal(record_open(buf_bytes(&out), &r), COFRE_OK);
    assert_int_equal(record_get(&r, RECORD_FIELDS_MAX - 1).value.len, RECORD_VALUE_MAX);

    buf_reset(&out);
    values[1].value.len++;
    assert_int_equal(record_write(&out, values, 2), COFRE_ERANGE);
    assert_int_equal(out.len, 0);
    buf_free(&out);
}

/* A record with its padding, from hexadecimal. */
static enum cofre_err
open_hex(const char *hex)
{
    struct buf b = BUF_INIT;
    struct bytes exact;
    struct record r = {NULL, 77};
    enum cofre_err err;

    unit_hex(&b, hex);
    pad_add(&b);
    exact = unit_exact(buf_bytes(&b));
    err = record_open(exact, &r);
    if (err != COFRE_OK)
        assert_int_equal(r.count, 77);
    unit_exact_free(exact);
    buf_free(&b);
    return err;
}

static void
what_is_no_record_does_not_open(void **state)
{
    static const struct {
        const char *hex;
        enum cofre_err err;
    } rows[] = {
        {"0000", COFRE_OK},
        {"0100 0100 0100 41", COFRE_OK},
        {"0200 0100 0000 0200 0000", COFRE_OK},
        {"", COFRE_EFORMAT},
        {"00", COFRE_EFORMAT},
        {"0100", COFRE_EFORMAT},
        {"0100 0100 01", COFRE_EFORMAT},
        {"0100 0100 0100", COFRE_EFORMAT},
        {"0100 0100 0100 41 42", COFRE_EFORMAT},
        {"0000 41", COFRE_EFORMAT},
        {"0200 0100 0000 0100 0000", COFRE_EFORMAT},
        {"0200 0200 0000 0100 0000", COFRE_EFORMAT},
        {"ffff 0100 0000", COFRE_EFORMAT},
        {"0100 0100 ffff 41", COFRE_EFORMAT},
    };
    struct record r;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (open_hex(rows[i].hex) != rows[i].err)
            fail_msg("row %zu", i);
    assert_int_equal(record_open(BYTES_NONE, &r), COFRE_EFORMAT);
    assert_int_equal(record_open(BYTES_LIT("\0\0"), &r), COFRE_EFORMAT);
}

static void
too_many_fields_or_too_long_a_value_do_not_open(void **state)
{
    struct buf b = BUF_INIT;
    struct record r;

    (void)state;
    buf_put_le16(&b, RECORD_FIELDS_MAX + 1);
    for (uint16_t i = 0; i <= RECORD_FIELDS_MAX; i++) {
        buf_put_le16(&b, i);
        buf_put_le16(&b, 0);
    }
    pad_add(&b);
    assert_int_equal(record_open(buf_bytes(&b), &r), COFRE_EFORMAT);

    buf_reset(&b);
    buf_put_le16(&b, 1);
    buf_put_le16(&b, 1);
    buf_put_le16(&b, RECORD_VALUE_MAX + 1);
    for (size_t i = 0; i <= RECORD_VALUE_MAX; i++)
        buf_putc(&b, 'x');
    pad_add(&b);
    assert_int_equal(record_open(buf_bytes(&b), &r), COFRE_EFORMAT);
    buf_free(&b);
}

static void
every_shorter_length_does_not_open(void **state)
{
    struct buf out = BUF_INIT;
    struct record r;

    (void)state;
    assert_int_equal(record_write(&out, three, 3), COFRE_OK);
    for (size_t len = 0; len < out.len; len++) {
        struct bytes exact = unit_exact((struct bytes){out.p, len});

        assert_int_equal(record_open(exact, &r), COFRE_EFORMAT);
        unit_exact_free(exact);
    }
    buf_free(&out);
}

static void
without_memory_nothing_is_written(void **state)
{
    (void)state;
    ALLOC_FAULT_EACH
    {
        struct buf out = BUF_INIT;
        enum cofre_err err = record_write(&out, three, 3);

        if (!alloc_fault_hit()) {
            assert_int_equal(err, COFRE_OK);
            buf_free(&out);
            break;
        }
        assert_int_equal(err, COFRE_ENOMEM);
        assert_int_equal(out.len, 0);
        buf_free(&out);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_come_back_in_place),
        cmocka_unit_test(the_bytes_are_those_that_the_format_says),
        cmocka_unit_test(a_record_may_be_empty_or_stand_behind_other_bytes),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(what_is_no_record_does_not_open),
        cmocka_unit_test(too_many_fields_or_too_long_a_value_do_not_open),
        cmocka_unit_test(every_shorter_length_does_not_open),
        cmocka_unit_test(without_memory_nothing_is_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
