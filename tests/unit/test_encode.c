/* wrap: malloc calloc realloc sodium_malloc */
#include "alloc_fault.h"
#include "vectors.h"

#include "cofre/encode.h"

typedef void encoder(struct buf *out, struct bytes in);
typedef enum cofre_err decoder(struct buf *out, struct bytes text);

static const struct form {
    const char *name;
    encoder *encode;
    decoder *decode;
} forms[] = {
    {"hex", encode_hex, encode_hex_decode},
    {"base32", encode_base32, encode_base32_decode},
    {"base64", encode_base64, encode_base64_decode},
    {"base64url", encode_base64url, encode_base64url_decode},
};

enum { FORMS = sizeof forms / sizeof forms[0] };

static void
check_form(const struct form *form, struct bytes raw, struct bytes text)
{
    struct buf out = BUF_INIT;

    form->encode(&out, raw);
    assert_true(bytes_equal(buf_bytes(&out), text));
    buf_reset(&out);
    buf_puts(&out, "kept");
    assert_int_equal(form->decode(&out, text), COFRE_OK);
    assert_memory_equal(out.p, "kept", 4);
    assert_true(bytes_equal((struct bytes){out.p + 4, out.len - 4}, raw));
    buf_free(&out);
}

static void
check_rfc4648(const struct vector *v)
{
    struct buf raw = BUF_INIT;

    vector_bytes(v, "bytes", &raw);
    for (size_t i = 1; i < FORMS; i++) {
        const char *text = vector_text(v, forms[i].name);

        check_form(&forms[i], buf_bytes(&raw),
                   (struct bytes){(const uint8_t *)text, strcspn(text, " ")});
    }
    buf_free(&raw);
}

static void
rfc4648_examples(void **state)
{
    (void)state;
    assert_int_equal(vectors_each("rfc4648.txt", check_rfc4648), 9);
}

static void
every_length_makes_the_round_trip(void **state)
{
    uint8_t raw[70];
    struct buf text = BUF_INIT;

    (void)state;
    for (size_t i = 0; i < sizeof raw; i++)
        raw[i] = (uint8_t)(i * 37 + 11);
    for (size_t f = 0; f < FORMS; f++)
        for (size_t len = 0; len <= sizeof raw; len++) {
            buf_reset(&text);
            forms[f].encode(&text, (struct bytes){raw, len});
            check_form(&forms[f], (struct bytes){raw, len}, buf_bytes(&text));
        }
    buf_free(&text);
}

static bool
decodes(const struct form *form, struct bytes text, struct buf *raw)
{
    struct bytes exact = unit_exact(text);
    bool ok;

    buf_reset(raw);
    buf_puts(raw, "kept");
    ok = form->decode(raw, exact) == COFRE_OK;
    if (!ok)
        assert_int_equal(raw->len, 4);
    unit_exact_free(exact);
    return ok;
}

/* Whatever decodes must encode to the same text: no two texts stand for the same bytes. */
static void
only_the_canonical_text_decodes(void **state)
{
    struct buf raw = BUF_INIT, again = BUF_INIT;
    unsigned accepted = 0;

    (void)state;
    for (size_t f = 0; f < FORMS; f++)
        for (size_t len = 1; len <= 9; len++)
            for (unsigned c = 0; c < 256 * len; c++) {
                char text[10] = "aaaa2222a";

                if (forms[f].decode == encode_base64_decode && len % 4 == 0 && len > 2)
                    memcpy(text + len - 2, "==", 2);
                text[c / 256] = (char)(c % 256);
                if (!decodes(&forms[f], (struct bytes){(const uint8_t *)text, len}, &raw))
                    continue;
                accepted++;
                buf_reset(&again);
                forms[f].encode(&again, (struct bytes){raw.p + 4, raw.len - 4});
                assert_int_equal(again.len, len);
                assert_memory_equal(again.p, text, len);
            }
    assert_true(accepted > 1000);
    buf_free(&raw);
    buf_free(&again);
}

static void
what_is_not_canonical_is_refused(void **state)
{
    static const struct {
        size_t form;
        const char *text;
    } bad[] = {
        {0, "A0"},   {0, "a"},    {0, "0g"},    {0, "a0 "},      {1, "MY"},    {1, "my======"},
        {1, "mz"},   {1, "m"},    {1, "mzx"},   {1, "m1"},       {1, "m8"},    {2, "Zg"},
        {2, "Zg="},  {2, "Zh=="}, {2, "Zg==="}, {2, "Zg==\n"},   {2, " Zg=="}, {2, "Zm9vZg"},
        {2, "-_8="}, {2, "="},    {2, "Z==="},  {2, "Zg==Zg=="}, {3, "Zg=="},  {3, "Zh"},
        {3, "Z"},    {3, "+/8"},  {3, "Zm 9v"},
    };
    struct buf out = BUF_INIT;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (forms[bad[i].form].decode(&out, bytes_str(bad[i].text)) != COFRE_EFORMAT ||
            out.len != 0)
            fail_msg("%s takes \"%s\"", forms[bad[i].form].name, bad[i].text);
    buf_free(&out);
}

static void
base64_into_fixed_room(void **state)
{
    uint8_t out[4] = {9, 9, 9, 9};
    size_t len;

    (void)state;
    assert_int_equal(encode_base64_read(out, 3, &len, BYTES_LIT("Zm9v")), COFRE_OK);
    assert_int_equal(len, 3);
    assert_memory_equal(out, "foo\t", 4);
    assert_int_equal(encode_base64_read(out, 2, &len, BYTES_LIT("Zm9v")), COFRE_EFORMAT);
    assert_int_equal(len, 0);
    assert_int_equal(encode_base64_read(out, 3, &len, BYTES_LIT("Zm9\xfa")), COFRE_EFORMAT);
    assert_int_equal(encode_base64_read(out, 0, &len, BYTES_NONE), COFRE_OK);
}

static void
without_memory_nothing_is_decoded(void **state)
{
    (void)state;
    for (size_t f = 0; f < FORMS; f++) {
        struct buf out = BUF_INIT;

        alloc_fault_arm(0);
        assert_int_equal(forms[f].decode(&out, BYTES_LIT("aaaa")), COFRE_ENOMEM);
        assert_true(alloc_fault_hit());
        buf_free(&out);
        alloc_fault_arm(0);
        forms[f].encode(&out, BYTES_LIT("aaaa"));
        assert_true(alloc_fault_hit());
        assert_int_equal(buf_error(&out), COFRE_ENOMEM);
        buf_free(&out);
    }
}

static void
an_id_has_a_prefix_and_26_characters(void **state)
{
    static const uint8_t id[ENCODE_ID_LEN] = {0, 1, 2,  3,  4,  5,  6,  7,
                                              8, 9, 10, 11, 12, 13, 14, 255};
    uint8_t back[ENCODE_ID_LEN] = {0};
    char text[ENCODE_ID_MAX];

    (void)state;
    encode_id(text, "cus_", id);
    assert_string_equal(text, "cus_aaaqeayeaudaocajbifqydio74");
    assert_int_equal(encode_id_parse(bytes_str(text), "cus_", back), COFRE_OK);
    assert_memory_equal(back, id, sizeof id);
    encode_id(text, "ps_", id);
    assert_int_equal(strlen(text), 3 + ENCODE_ID_CHARS);
}

static void
another_prefix_length_or_character_is_no_id(void **state)
{
    static const char good[] = "cus_aaaqeayeaudaocajbifqydio74";
    uint8_t id[ENCODE_ID_LEN];
    char text[40];

    (void)state;
    memset(id, 0x5a, sizeof id);
    assert_int_equal(encode_id_parse(bytes_str(good), "ps_", id), COFRE_EFORMAT);
    for (size_t len = 0; len < sizeof good - 1; len++) {
        struct bytes cut = unit_exact((struct bytes){(const uint8_t *)good, len});

        assert_int_equal(encode_id_parse(cut, "cus_", id), COFRE_EFORMAT);
        unit_exact_free(cut);
    }
    snprintf(text, sizeof text, "%sa", good);
    assert_int_equal(encode_id_parse(bytes_str(text), "cus_", id), COFRE_EFORMAT);
    for (size_t i = 0; i < sizeof good - 1; i++) {
        memcpy(text, good, sizeof good);
        text[i] = '1';
        assert_int_equal(encode_id_parse(bytes_str(text), "cus_", id), COFRE_EFORMAT);
    }
    memcpy(text, good, sizeof good);
    text[sizeof good - 2] = '5'; /* sets a bit that is no part of the 16 bytes */
    assert_int_equal(encode_id_parse(bytes_str(text), "cus_", id), COFRE_EFORMAT);
    for (size_t i = 0; i < sizeof id; i++)
        assert_int_equal(id[i], 0x5a);
}

static void
json_strings_escape_the_minimum(void **state)
{
    struct buf out = BUF_INIT;

    (void)state;
    encode_json_string(&out, BYTES_NONE);
    encode_json_string(&out, BYTES_LIT("plain / \xc3\xb1 \xe6\x9d\x8e"));
    encode_json_string(&out, BYTES_LIT("\"\\\b\f\n\r\t\x1f\0 a\x7f"));
    assert_true(
        bytes_equal(buf_bytes(&out),
                    BYTES_LIT("\"\"\"plain / \xc3\xb1 "
                              "\xe6\x9d\x8e\"\"\\\"\\\\\\b\\f\\n\\r\\t\\u001f\\u0000 a\\u007f\"")));
    buf_free(&out);
}

/* Another reader must get back what was written, for each ASCII character. */
static void
json_strings_are_read_back(void **state)
{
    struct buf out = BUF_INIT;
    char raw[128];
    json_t *read;

    (void)state;
    for (size_t i = 0; i < sizeof raw; i++)
        raw[i] = (char)i;
    encode_json_string(&out, BYTES_OF(raw));
    read = json_loadb((const char *)out.p, out.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    assert_int_equal(json_string_length(read), sizeof raw);
    assert_memory_equal(json_string_value(read), raw, sizeof raw);
    json_decref(read);
    buf_free(&out);
}

/* A decoder by the book: the code point, and whether the shortest form has as many bytes. */
static bool
utf8_by_the_book(const uint8_t *p, size_t len)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = p[0] < 0x80 ? 1 : p[0] >> 5 == 6 ? 2 : p[0] >> 4 == 14 ? 3 : p[0] >> 3 == 30 ? 4 : 0;
    uint32_t point = n == 1 ? p[0] : p[0] & (0xffU >> (n + 1));

    if (n != len)
        return false;
    for (size_t i = 1; i < n; i++) {
        if (p[i] >> 6 != 2)
            return false;
        point = point << 6 | (p[i] & 63U);
    }
    return point >= least[n] && point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
}

static void
utf8_is_valid_exactly_where_it_is(void **state)
{
    static const uint8_t last[] = {0x00, 0x7f, 0x80, 0xbf, 0xc0, 0xff};

    (void)state;
    for (unsigned a = 0; a < 256; a++)
        for (unsigned b = 0; b < 256; b++) {
            uint8_t p[4] = {(uint8_t)a, (uint8_t)b, 0, 0};

            if (b == 0)
                assert_int_equal(encode_utf8_valid((struct bytes){p, 1}), utf8_by_the_book(p, 1));
            if (a >= 0x80)
                assert_int_equal(encode_utf8_valid((struct bytes){p, 2}), utf8_by_the_book(p, 2));
            for (size_t c = 0; c < sizeof last; c++)
                for (size_t d = 0; d < sizeof last; d++) {
                    p[2] = last[c];
                    p[3] = last[d];
                    if (a >= 0xe0 && d == 0)
                        assert_int_equal(encode_utf8_valid((struct bytes){p, 3}),
                                         utf8_by_the_book(p, 3));
                    if (a >= 0xf0)
                        assert_int_equal(encode_utf8_valid(BYTES_OF(p)), utf8_by_the_book(p, 4));
                }
        }
}

static void
utf8_in_a_text(void **state)
{
    struct bytes text = unit_exact(BYTES_LIT("Mar\xc3\xad"
                                             "a \xe6\x9d\x8e \xf0\x9f\x98\x80\0 z"));

    (void)state;
    assert_true(encode_utf8_valid(text));
    assert_true(encode_utf8_valid(BYTES_NONE));
    unit_exact_free(text);
    text = unit_exact(BYTES_LIT("a\xf0\x9f\x98"));
    assert_false(encode_utf8_valid(text));
    unit_exact_free(text);
}

static void
ids_in_order_sort_as_their_texts(void **state)
{
    uint8_t id[2][ENCODE_ID_LEN];
    uint8_t order[2][ENCODE_ID_LEN];
    char text[2][ENCODE_ID_MAX];

    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        randombytes_buf(id, sizeof id);
        /* Equal up to some place, so that every group decides somewhere. */
        memcpy(id[1], id[0], round % ENCODE_ID_LEN);
        for (unsigned i = 0; i < 2; i++) {
            uint8_t back[ENCODE_ID_LEN];

            encode_id_order(id[i], order[i]);
            encode_id_unorder(order[i], back);
            assert_memory_equal(back, id[i], sizeof back);
            encode_id(text[i], "ps_", id[i]);
        }
        assert_int_equal((memcmp(order[0], order[1], sizeof order[0]) > 0) -
                             (memcmp(order[0], order[1], sizeof order[0]) < 0),
                         (strcmp(text[0], text[1]) > 0) - (strcmp(text[0], text[1]) < 0));
    }
    encode_id_order(id[0], id[0]);
    assert_memory_equal(id[0], order[0], sizeof order[0]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_in_order_sort_as_their_texts),
        cmocka_unit_test(rfc4648_examples),
        cmocka_unit_test(every_length_makes_the_round_trip),
        cmocka_unit_test(only_the_canonical_text_decodes),
        cmocka_unit_test(what_is_not_canonical_is_refused),
        cmocka_unit_test(base64_into_fixed_room),
        cmocka_unit_test(without_memory_nothing_is_decoded),
        cmocka_unit_test(an_id_has_a_prefix_and_26_characters),
        cmocka_unit_test(another_prefix_length_or_character_is_no_id),
        cmocka_unit_test(json_strings_escape_the_minimum),
        cmocka_unit_test(json_strings_are_read_back),
        cmocka_unit_test(utf8_is_valid_exactly_where_it_is),
        cmocka_unit_test(utf8_in_a_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
