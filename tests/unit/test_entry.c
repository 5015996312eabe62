/* wrap: malloc calloc realloc sodium_malloc */
#include "alloc_fault.h"
#include "unit.h"

#include "audit/entry.h"

static const uint64_t number_max = ((uint64_t)1 << 53) - 1;

static const struct bytes two_fields[] = {{(const uint8_t *)"birth_date", 10},
                                          {(const uint8_t *)"country", 7}};
static const uint8_t two_subjects[2 * ENTRY_TAG] = {
    0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f,
    0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0xfa, 0xf9, 0xf8, 0xf7, 0xf6, 0xf5, 0xf4, 0xf3, 0xf2, 0xf1, 0xf0};

static struct entry
full_entry(void)
{
    struct entry e = {.seq = 41,
                      .ts = 1767225600123,
                      .act = BYTES_LIT("view-records"),
                      .ok = true,
                      .code = 200,
                      .actor = BYTES_LIT("tok_5"),
                      .role = BYTES_LIT("crm"),
                      .view = BYTES_LIT("loyalty"),
                      .purpose = BYTES_LIT("loyalty"),
                      .fields = two_fields,
                      .n_fields = 2,
                      .n = 2,
                      .has_reply = true,
                      .subjects = two_subjects,
                      .n_subjects = 2};

    memset(e.prev, 0xab, sizeof e.prev);
    memset(e.reply, 0xcd, sizeof e.reply);
    memset(e.nonce, 0x12, sizeof e.nonce);
    return e;
}

static const char full_text[] =
    "{\"prev\":\"abababababababababababababababababababababababababababababababab\",\"seq\":41,"
    "\"ts\":1767225600123,\"v\":1,\"act\":\"view-records\",\"ok\":true,\"code\":200,"
    "\"actor\":\"tok_5\",\"role\":\"crm\",\"view\":\"loyalty\",\"purpose\":\"loyalty\","
    "\"fields\":[\"birth_date\",\"country\"],\"n\":2,"
    "\"reply\":\"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd\","
    "\"nonce\":\"12121212121212121212121212121212\","
    "\"subj\":[\"000102030405060708090a0b0c0d0e0f\",\"fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0\"]}";
/* docs/FORMAT.md shows this one. */
static const char empty_text[] =
    "{\"prev\":\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\",\"seq\":0,"
    "\"ts\":0,\"v\":1,\"act\":\"start\",\"ok\":false,\"code\":0,\"actor\":\"\",\"role\":\"\","
    "\"view\":\"\",\"purpose\":\"\",\"fields\":[],\"n\":0,\"reply\":\"\","
    "\"nonce\":\"00000000000000000000000000000000\",\"subj\":[]}";

static void
the_form_is_fixed_to_the_byte(void **state)
{
    struct entry e = full_entry();
    struct buf out = BUF_INIT;

    (void)state;
    assert_int_equal(entry_write(&out, &e), COFRE_OK);
    assert_int_equal(out.len, sizeof full_text - 1);
    assert_memory_equal(out.p, full_text, out.len);

    buf_reset(&out);
    e = (struct entry){.act = BYTES_LIT("start")};
    hash_of(BYTES_NONE, e.prev);
    assert_int_equal(entry_write(&out, &e), COFRE_OK);
    assert_int_equal(out.len, sizeof empty_text - 1);
    assert_memory_equal(out.p, empty_text, out.len);
    buf_free(&out);
}

static void
assert_same(const struct entry *a, const struct entry *b)
{
    assert_memory_equal(a->prev, b->prev, HASH_LEN);
    assert_true(a->seq == b->seq && a->ts == b->ts && a->ok == b->ok && a->code == b->code);
    assert_true(bytes_equal(a->act, b->act) && bytes_equal(a->actor, b->actor));
    assert_true(bytes_equal(a->role, b->role) && bytes_equal(a->view, b->view));
    assert_true(bytes_equal(a->purpose, b->purpose) && a->n == b->n);
    assert_int_equal(a->n_fields, b->n_fields);
    for (size_t i = 0; i < a->n_fields; i++)
        assert_true(bytes_equal(a->fields[i], b->fields[i]));
    assert_int_equal(a->has_reply, b->has_reply);
    assert_memory_equal(a->reply, b->reply, HASH_LEN);
    assert_memory_equal(a->nonce, b->nonce, ENTRY_NONCE);
    assert_int_equal(a->n_subjects, b->n_subjects);
    if (a->n_subjects > 0)
        assert_memory_equal(a->subjects, b->subjects, a->n_subjects * ENTRY_TAG);
}

static void
what_is_written_parses_to_the_same(void **state)
{
    static struct bytes fields[ENTRY_FIELDS_MAX];
    static uint8_t subjects[ENTRY_SUBJECTS_MAX * ENTRY_TAG];
    static char name[ENTRY_NAME_MAX];
    static struct entry_parsed parsed;
    struct bytes longest = {(const uint8_t *)name, sizeof name};
    struct buf out = BUF_INIT;
    struct entry e;

    (void)state;
    memset(name, 'z', sizeof name);
    for (size_t i = 0; i < sizeof subjects; i++)
        subjects[i] = (uint8_t)(i * 7);
    for (size_t i = 0; i < ENTRY_FIELDS_MAX; i++)
        fields[i] = longest;
    e = full_entry();
    e.seq = e.ts = e.n = number_max;
    e.code = UINT32_MAX;
    e.act = e.actor = e.role = e.view = e.purpose = longest;
    e.fields = fields;
    e.n_fields = ENTRY_FIELDS_MAX;
    e.subjects = subjects;
    e.n_subjects = ENTRY_SUBJECTS_MAX;
    assert_int_equal(entry_write(&out, &e), COFRE_OK);
    assert_true(out.len <= ENTRY_MAX);
    assert_int_equal(entry_parse(buf_bytes(&out), &parsed), COFRE_OK);
    assert_same(&parsed.e, &e);

    assert_int_equal(entry_parse(bytes_str(empty_text), &parsed), COFRE_OK);
    assert_int_equal(parsed.e.n_fields + parsed.e.n_subjects, 0);
    assert_false(parsed.e.has_reply || parsed.e.ok);
    buf_free(&out);
}

static void
what_breaks_a_limit_is_not_written(void **state)
{
    static const uint8_t many[(ENTRY_SUBJECTS_MAX + 1) * ENTRY_TAG];
    static struct bytes many_fields[ENTRY_FIELDS_MAX + 1];
    static const char *const bad_names[] = {
        "A",    "a b",      "\"",
        "a\\",  "\xc3\xa9", "a.b",
        "\x7f", "a/",       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    struct buf out = BUF_INIT;
    struct entry e;

    (void)state;
    buf_putc(&out, '!');
    for (size_t i = 0; i < sizeof bad_names / sizeof bad_names[0]; i++) {
        struct bytes bad = bytes_str(bad_names[i]);
        struct bytes *names[] = {&e.act, &e.actor, &e.role, &e.view, &e.purpose};

        assert_false(entry_name_valid(bad));
        for (size_t j = 0; j < 5; j++) {
            e = full_entry();
            *names[j] = bad;
            assert_int_equal(entry_write(&out, &e), COFRE_EINVAL);
        }
        e = full_entry();
        e.fields = &bad;
        e.n_fields = 1;
        assert_int_equal(entry_write(&out, &e), COFRE_EINVAL);
    }
    for (int i = 0; i < 3; i++) {
        e = full_entry();
        *(i == 0 ? &e.seq : i == 1 ? &e.ts : &e.n) = number_max + 1;
        assert_int_equal(entry_write(&out, &e), COFRE_EINVAL);
    }
    e = full_entry();
    e.fields = &BYTES_NONE;
    e.n_fields = 1;
    assert_int_equal(entry_write(&out, &e), COFRE_EINVAL);
    e = full_entry();
    e.subjects = many;
    e.n_subjects = ENTRY_SUBJECTS_MAX + 1;
    assert_int_equal(entry_write(&out, &e), COFRE_ERANGE);
    for (size_t i = 0; i <= ENTRY_FIELDS_MAX; i++)
        many_fields[i] = BYTES_LIT("a");
    e = full_entry();
    e.fields = many_fields;
    e.n_fields = ENTRY_FIELDS_MAX + 1;
    assert_int_equal(entry_write(&out, &e), COFRE_ERANGE);
    assert_int_equal(out.len, 1);
    buf_free(&out);
}

/* An entry may be changed to another entry, but never to a second spelling of one. */
static void
assert_canonical_or_refused(struct bytes line)
{
    static struct entry_parsed parsed;
    struct buf again = BUF_INIT;
    struct bytes exact = unit_exact(line);

    if (entry_parse(exact, &parsed) == COFRE_OK) {
        assert_int_equal(entry_write(&again, &parsed.e), COFRE_OK);
        assert_true(bytes_equal(buf_bytes(&again), line));
    }
    buf_free(&again);
    unit_exact_free(exact);
}

static void
a_flipped_bit_is_refused_or_another_entry(void **state)
{
    static struct entry_parsed parsed;
    uint8_t line[sizeof full_text - 1];
    size_t refused = 0;

    (void)state;
    memcpy(line, full_text, sizeof line);
    for (size_t i = 0; i < 8 * sizeof line; i++) {
        line[i / 8] ^= (uint8_t)(1 << i % 8);
        refused += entry_parse(BYTES_OF(line), &parsed) != COFRE_OK;
        assert_canonical_or_refused(BYTES_OF(line));
        line[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    /* All of the punctuation and the keys, and the upper half of every other byte. */
    assert_true(refused > 8 * sizeof line / 2);
}

static void
every_shorter_and_longer_line_is_refused(void **state)
{
    static struct entry_parsed parsed;

    (void)state;
    for (size_t len = 0; len < sizeof full_text - 1; len++) {
        struct bytes cut = unit_exact((struct bytes){(const uint8_t *)full_text, len});

        assert_int_equal(entry_parse(cut, &parsed), COFRE_EFORMAT);
        unit_exact_free(cut);
    }
    /* With the NUL behind it. */
    assert_int_equal(entry_parse(BYTES_OF(full_text), &parsed), COFRE_EFORMAT);
}

static void
another_spelling_is_refused(void **state)
{
    static const struct {
        const char *from;
        const char *to;
    } rows[] = {
        {"\"seq\":41", "\"seq\":041"},
        {"\"seq\":41", "\"seq\":"},
        {"\"seq\":41", "\"seq\":-1"},
        {"\"seq\":41", "\"seq\":9007199254740992"},
        {"\"seq\":41", "\"seq\":99999999999999999999999999"},
        {"\"seq\":41", "\"seq\":4e1"},
        {"\"seq\":41", "\"seq\": 41"},
        {"\"v\":1", "\"v\":2"},
        {"\"code\":200", "\"code\":4294967296"},
        {"\"ok\":true", "\"ok\":TRUE"},
        {"\"ok\":true", "\"ok\":null"},
        {"\"ok\":true", "\"ok\":1"},
        {"\"prev\":\"ab", "\"prev\":\"AB"},
        {"\"reply\":\"cd", "\"reply\":\""},
        {"\"nonce\":\"12", "\"nonce\":\"1"},
        {"\"actor\":\"tok_5\"", "\"actor\":\"tok\\u005f5\""},
        {"[\"birth_date\",", "[\"\","},
        {"[\"birth_date\",", "[,"},
        {"\"country\"]", "\"country\",]"},
        {"\"country\"]", "\"country\" ]"},
        {"0f\",\"ff", "0f\"\"ff"},
        {"f0\"]}", "f0\",]}"},
        {"f0\"]}", "f0\"]}\n"},
        {"f0\"]}", "f0\"],\"x\":1}"},
    };
    static struct entry_parsed parsed;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *at = strstr(full_text, rows[i].from);
        struct buf line = BUF_INIT;

        assert_non_null(at);
        buf_put(&line, full_text, (size_t)(at - full_text));
        buf_puts(&line, rows[i].to);
        buf_puts(&line, at + strlen(rows[i].from));
        if (entry_parse(buf_bytes(&line), &parsed) != COFRE_EFORMAT)
            fail_msg("accepted: %s", rows[i].to);
        buf_free(&line);
    }
}

static void
the_link_is_found_without_parsing(void **state)
{
    uint8_t prev[HASH_LEN];
    uint8_t want[HASH_LEN];

    (void)state;
    memset(want, 0xab, sizeof want);
    assert_int_equal(entry_prev(bytes_str(full_text), prev), COFRE_OK);
    assert_memory_equal(prev, want, HASH_LEN);
    assert_memory_equal(full_text + ENTRY_PREV_AT, "abab", 4);
    for (size_t len = 0; len < ENTRY_PREV_AT + 2 * HASH_LEN + 1; len++) {
        struct bytes cut = {(const uint8_t *)full_text, len};

        assert_int_equal(entry_prev(cut, prev), COFRE_EFORMAT);
    }
    assert_int_equal(entry_prev(BYTES_LIT("{\"prev\":\"ABAB"), prev), COFRE_EFORMAT);
}

static void
without_memory_nothing_is_written(void **state)
{
    struct entry e = full_entry();
    struct buf out = BUF_INIT;
    enum cofre_err err;

    (void)state;
    ALLOC_FAULT_EACH
    {
        buf_free(&out);
        err = entry_write(&out, &e);
        if (!alloc_fault_hit())
            break;
        assert_int_equal(err, COFRE_ENOMEM);
        assert_int_equal(out.len, 0);
    }
    assert_int_equal(err, COFRE_OK);
    buf_free(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_form_is_fixed_to_the_byte),
        cmocka_unit_test(what_is_written_parses_to_the_same),
        cmocka_unit_test(what_breaks_a_limit_is_not_written),
        cmocka_unit_test(a_flipped_bit_is_refused_or_another_entry),
        cmocka_unit_test(every_shorter_and_longer_line_is_refused),
        cmocka_unit_test(another_spelling_is_refused),
        cmocka_unit_test(the_link_is_found_without_parsing),
        cmocka_unit_test(without_memory_nothing_is_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
