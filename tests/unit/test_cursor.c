#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "vault/views/cursor.h"

static const uint8_t key[KEY_LEN] = {1, 2, 3};
static const uint8_t other_key[KEY_LEN] = {1, 2, 4};
static const uint8_t position[CURSOR_POSITION] = {0xde, 0xad, [16] = 7, [31] = 0xff};
static const uint8_t zeros[CURSOR_POSITION];

static struct cursor_bind
usual(void)
{
    return (struct cursor_bind){.key = key,
                                .key_version = 3,
                                .vault = BYTES_LIT("vault-id"),
                                .actor = BYTES_LIT("token-1"),
                                .view = BYTES_LIT("loyalty"),
                                .epoch = 2,
                                .list = BYTES_LIT("records")};
}

static struct buf
sealed(const struct cursor_bind *bind)
{
    struct buf text = BUF_INIT;

    cursor_put(&text, bind, position);
    assert_int_equal(buf_error(&text), COFRE_OK);
    assert_int_equal(text.len, CURSOR_TEXT);
    return text;
}

static void
assert_refused(struct bytes text, const struct cursor_bind *bind)
{
    uint8_t got[CURSOR_POSITION];

    memset(got, 0xaa, sizeof got);
    assert_int_equal(cursor_open(text, bind, got), COFRE_EAUTH);
    assert_memory_equal(got, zeros, sizeof got);
}

static void
what_was_sealed_opens(void **state)
{
    struct cursor_bind bind = usual();
    struct buf text = sealed(&bind);
    struct buf again = sealed(&bind);
    uint8_t got[CURSOR_POSITION];

    (void)state;
    assert_int_equal(cursor_open(buf_bytes(&text), &bind, got), COFRE_OK);
    assert_memory_equal(got, position, sizeof got);
    /* The same place never looks alike. */
    assert_false(bytes_equal(buf_bytes(&text), buf_bytes(&again)));
    buf_free(&text);
    buf_free(&again);
}

static void
it_is_appended(void **state)
{
    struct cursor_bind bind = usual();
    struct buf out = BUF_INIT;
    uint8_t got[CURSOR_POSITION];

    (void)state;
    buf_puts(&out, "next=");
    cursor_put(&out, &bind, position);
    assert_int_equal(out.len, 5 + CURSOR_TEXT);
    assert_memory_equal(out.p, "next=", 5);
    assert_int_equal(cursor_open((struct bytes){out.p + 5, CURSOR_TEXT}, &bind, got), COFRE_OK);
    buf_free(&out);
}

static void
every_changed_character_is_refused(void **state)
{
    struct cursor_bind bind = usual();
    struct buf text = sealed(&bind);

    (void)state;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t was = text.p[i];

        for (unsigned c = 0; c < 256; c++) {
            if (c == was)
                continue;
            text.p[i] = (uint8_t)c;
            assert_refused(buf_bytes(&text), &bind);
        }
        text.p[i] = was;
    }
    buf_free(&text);
}

static void
every_other_length_is_refused(void **state)
{
    struct cursor_bind bind = usual();
    struct buf text = sealed(&bind);

    (void)state;
    for (size_t len = 0; len < text.len; len++)
        assert_refused((struct bytes){text.p, len}, &bind);
    buf_putc(&text, 'A');
    assert_refused(buf_bytes(&text), &bind);
    assert_refused(BYTES_NONE, &bind);
    buf_free(&text);
}

static void
a_cursor_of_something_else_is_refused(void **state)
{
    struct cursor_bind bind = usual();
    struct buf text = sealed(&bind);
    struct cursor_bind other[8];
    struct cursor_bind *o = other;

    (void)state;
    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        other[i] = usual();
    (o++)->key = other_key;
    (o++)->key_version = 4;
    (o++)->vault = BYTES_LIT("vault-ie");
    (o++)->actor = BYTES_LIT("token-2");
    (o++)->view = BYTES_LIT("marketing");
    (o++)->epoch = 3;
    (o++)->list = BYTES_LIT("events");
    /* The same bytes, cut elsewhere. */
    o->actor = BYTES_LIT("token-1l");
    (o++)->view = BYTES_LIT("oyalty");
    assert_ptr_equal(o, other + sizeof other / sizeof *other);

    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        assert_refused(buf_bytes(&text), &other[i]);
    buf_free(&text);
}

static void
a_list_of_the_greatest_length_is_bound(void **state)
{
    static uint8_t list[CURSOR_BIND_MAX - 8 - 7 - 7];
    struct cursor_bind bind = usual();
    struct buf text;
    uint8_t got[CURSOR_POSITION];

    (void)state;
    bind.list = BYTES_OF(list);
    text = sealed(&bind);
    assert_int_equal(cursor_open(buf_bytes(&text), &bind, got), COFRE_OK);
    list[sizeof list - 1] ^= 1;
    assert_refused(buf_bytes(&text), &bind);
    buf_free(&text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_sealed_opens),
        cmocka_unit_test(it_is_appended),
        cmocka_unit_test(every_changed_character_is_refused),
        cmocka_unit_test(every_other_length_is_refused),
        cmocka_unit_test(a_cursor_of_something_else_is_refused),
        cmocka_unit_test(a_list_of_the_greatest_length_is_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
