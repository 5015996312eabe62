#include "audit/verify_form.h"
#include "sample_log.h"
#include "unit.h"

/* Both say the same of a line, and read the same out of it; returns what they say. */
static bool
agree(struct bytes line)
{
    static struct entry_parsed parsed;
    struct verify_form form;
    const struct bytes exact = unit_exact(line);
    const bool slow = entry_parse(exact, &parsed) == COFRE_OK;

    if (verify_form_check(exact, &form) != slow)
        print_error("%d: %.*s\n", slow, (int)line.len, (const char *)line.p);
    assert_int_equal(verify_form_check(exact, &form), slow);
    if (slow) {
        assert_true(form.seq == parsed.e.seq && form.ts == parsed.e.ts);
        assert_true(form.ok == parsed.e.ok && bytes_equal(form.act, parsed.e.act));
        assert_memory_equal(form.prev, parsed.e.prev, HASH_LEN);
    }
    unit_exact_free(exact);
    return slow;
}

static void
sample(struct buf *line, unsigned subjects)
{
    struct sample_log s = {.size = 1234567, .salt = 3, .subjects = subjects};

    for (size_t i = 0; i < HASH_LEN; i++)
        s.prev[i] = (uint8_t)(i * 37);
    line->len = 0;
    sample_entry(&s, line);
}

static void
every_other_byte_at_every_place_is_judged_alike(void **state)
{
    struct buf line = BUF_INIT;
    uint8_t was;

    (void)state;
    sample(&line, 2);
    assert_true(agree(buf_bytes(&line)));
    for (size_t at = 0; at < line.len; at++) {
        was = line.p[at];
        for (unsigned byte = 0; byte < 256; byte++) {
            line.p[at] = (uint8_t)byte;
            (void)agree(buf_bytes(&line));
        }
        line.p[at] = was;
    }
    buf_free(&line);
}

static void
every_shorter_line_and_every_missing_or_doubled_byte_too(void **state)
{
    struct buf line = BUF_INIT, changed = BUF_INIT;

    (void)state;
    sample(&line, 1);
    for (size_t len = 0; len < line.len; len++)
        assert_false(agree((struct bytes){line.p, len}));
    for (size_t at = 0; at < line.len; at++) {
        changed.len = 0;
        buf_put(&changed, line.p, at);
        buf_put(&changed, line.p + at + 1, line.len - at - 1);
        (void)agree(buf_bytes(&changed));
        changed.len = 0;
        buf_put(&changed, line.p, at + 1);
        buf_put(&changed, line.p + at, line.len - at);
        (void)agree(buf_bytes(&changed));
    }
    buf_free(&line);
    buf_free(&changed);
}

/* The members of an entry, each replaced by others: limits, empty ones, other spellings. */
static void
put_line(struct buf *out, const char *seq, const char *code, const char *name, const char *fields,
         const char *reply)
{
    out->len = 0;
    buf_puts(out, "{\"prev\":\"");
    for (int i = 0; i < 64; i++)
        buf_putc(out, "0123456789abcdef"[i % 16]);
    buf_putf(out, "\",\"seq\":%s,\"ts\":%s,\"v\":1,\"act\":\"%s\",\"ok\":false,\"code\":%s,", seq,
             seq, name, code);
    buf_putf(out, "\"actor\":\"\",\"role\":\"%s\",\"view\":\"\",\"purpose\":\"\",\"fields\":[%s],",
             name, fields);
    buf_putf(out,
             "\"n\":0,\"reply\":\"%s\",\"nonce\":\"00112233445566778899aabbccddeeff\",\"subj\":[]}",
             reply);
}

static void
members_are_judged_alike(void **state)
{
    static const char *const numbers[] = {"0",
                                          "1",
                                          "10",
                                          "01",
                                          "00",
                                          "",
                                          "-1",
                                          "+1",
                                          "1.0",
                                          "1e3",
                                          " 1",
                                          "4294967295",
                                          "4294967296",
                                          "9007199254740991",
                                          "9007199254740992",
                                          "99999999999999999999999"};
    static const char *const names[] = {
        "",
        "a",
        "a-b_9",
        "A",
        "a b",
        "a\"",
        "\\u0061",
        "\xc3\xb1",
        "1234567890123456789012345678901234567890123456789012345678901234",
        "12345678901234567890123456789012345678901234567890123456789012345"};
    static const char *const fields[] = {"\"a\"", "\"a\",\"b\"",  "\"\"",       "\"a\",", ",\"a\"",
                                         "a",     "\"a\" ,\"b\"", "\"a\"\"b\"", "[]"};
    static const char *const replies[] = {
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde",
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdeF", "0"};
    struct buf line = BUF_INIT;
    unsigned good = 0;

    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        put_line(&line, numbers[i], "200", "x", "", "");
        good += agree(buf_bytes(&line));
        put_line(&line, "5", numbers[i], "x", "", "");
        good += agree(buf_bytes(&line));
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        put_line(&line, "5", "200", names[i], "", "");
        good += agree(buf_bytes(&line));
    }
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        put_line(&line, "5", "200", "x", fields[i], "");
        good += agree(buf_bytes(&line));
    }
    for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++) {
        put_line(&line, "5", "200", "x", "", replies[i]);
        good += agree(buf_bytes(&line));
    }
    assert_int_equal(good, 6 + 4 + 4 + 2 + 1);
    buf_free(&line);
}

static void
as_many_fields_and_subjects_as_there_may_be(void **state)
{
    struct buf line = BUF_INIT, fields = BUF_INIT;

    (void)state;
    for (int n = 1; n <= ENTRY_FIELDS_MAX + 1; n++) {
        buf_puts(&fields, n > 1 ? ",\"f\"" : "\"f\"");
        buf_putc(&fields, '\0');
        put_line(&line, "5", "200", "x", (const char *)fields.p, "");
        assert_int_equal(agree(buf_bytes(&line)), n <= ENTRY_FIELDS_MAX);
        fields.len--;
    }
    sample(&line, ENTRY_SUBJECTS_MAX);
    assert_true(agree(buf_bytes(&line)));
    line.len -= 2;
    buf_puts(&line, ",\"00112233445566778899aabbccddeeff\"]}");
    assert_false(agree(buf_bytes(&line)));
    buf_free(&line);
    buf_free(&fields);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_other_byte_at_every_place_is_judged_alike),
        cmocka_unit_test(every_shorter_line_and_every_missing_or_doubled_byte_too),
        cmocka_unit_test(members_are_judged_alike),
        cmocka_unit_test(as_many_fields_and_subjects_as_there_may_be),
    };

    return cmocka_run_group_tests(tests, unit_setup, NULL);
}
