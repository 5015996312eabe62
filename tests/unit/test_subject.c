#include "unit.h"

#include "audit/subject.h"
#include "crypto/pseudonym.h"

enum { KEYS = 3 };

static uint8_t keys[KEYS * HASH_LEN];

static int
setup(void **state)
{
    for (size_t i = 0; i < sizeof keys; i++)
        keys[i] = (uint8_t)(i * 7 + 1);
    return unit_setup(state);
}

/* An entry with n tags, of which number at is that of the key; none when at is n. */
static void
entry_with(struct buf *line, size_t n, size_t at, const uint8_t key[static HASH_LEN])
{
    static uint8_t tags[ENTRY_SUBJECTS_MAX * ENTRY_TAG];
    struct entry e = {.seq = 7, .ts = 9, .act = BYTES_LIT("view-record"), .ok = true, .n = n};

    memset(e.nonce, (int)(n + at), sizeof e.nonce);
    for (size_t i = 0; i < sizeof tags; i++)
        tags[i] = (uint8_t)(i * 31 + n);
    if (at < n)
        pseudonym_subject(key, e.nonce, tags + at * ENTRY_TAG);
    e.subjects = tags;
    e.n_subjects = n;
    buf_reset(line);
    assert_int_equal(entry_write(line, &e), COFRE_OK);
}

static bool
matches(const struct subject *s, const struct buf *line)
{
    struct bytes exact = unit_exact(buf_bytes(line));
    bool yes = subject_matches(s, exact);

    unit_exact_free(exact);
    return yes;
}

static void
a_tag_is_found_wherever_it_stands(void **state)
{
    static const size_t counts[] = {0, 1, 2, 3, 255, 999, 1000};
    struct subject *s, *other;
    struct buf line = BUF_INIT;

    (void)state;
    assert_int_equal(subject_new(keys, 2, &s), COFRE_OK);
    assert_int_equal(subject_new(keys + 2 * HASH_LEN, 1, &other), COFRE_OK);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        const size_t n = counts[i];

        entry_with(&line, n, n, keys);
        assert_false(matches(s, &line));
        for (size_t at = 0; at<n; at += n> 10 ? n / 5 : 1) {
            entry_with(&line, n, at, keys + (at % 2) * HASH_LEN);
            assert_true(matches(s, &line));
            assert_false(matches(other, &line));
        }
        if (n > 0) {
            entry_with(&line, n, n - 1, keys);
            assert_true(matches(s, &line));
        }
    }
    subject_free(s);
    subject_free(other);
    subject_free(NULL);
    buf_free(&line);
}

/* Whatever is no entry's end is false, and nothing outside the line is read. */
static void
what_is_no_entry_is_no_match(void **state)
{
    static const char *const others[] = {
        "",
        "]}",
        "[]}",
        "\"]}",
        "\"\"]}",
        "\"00000000000000000000000000000000\"]}",
        "[\"00000000000000000000000000000000\"]}",
        ",\"subj\":[\"00000000000000000000000000000000\"]}",
        "\",\"subj\":[\"00000000000000000000000000000000\"]}",
        "00000000000000000000000000000000\",\"subj\":[\"00000000000000000000000000000000\"]}",
    };
    struct subject *s;
    struct buf line = BUF_INIT;
    size_t found = 0;

    (void)state;
    assert_int_equal(subject_new(keys, 1, &s), COFRE_OK);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        buf_reset(&line);
        buf_puts(&line, others[i]);
        assert_false(matches(s, &line));
    }
    entry_with(&line, 2, 1, keys);
    for (size_t cut = 1; cut <= line.len; cut++) {
        struct bytes tail = unit_exact((struct bytes){line.p + cut, line.len - cut});

        found += subject_matches(s, tail) ? 1 : 0;
        unit_exact_free(tail);
        tail = unit_exact((struct bytes){line.p, line.len - cut});
        assert_false(subject_matches(s, tail));
        unit_exact_free(tail);
    }
    /* All of the tails that still hold nonce and tags: it reads no further. */
    assert_int_equal(found, line.len - (sizeof ",\"nonce\":\"" - 1 + 32 + 10 + 2 * 34 + 1 + 2));
    subject_free(s);
    buf_free(&line);
}

static void
a_flipped_byte_in_tags_or_nonce_is_no_match(void **state)
{
    struct subject *s;
    struct buf line = BUF_INIT;

    (void)state;
    assert_int_equal(subject_new(keys, 1, &s), COFRE_OK);
    entry_with(&line, 1, 0, keys);
    for (size_t i = line.len - 88; i < line.len; i++) {
        line.p[i] ^= 1;
        assert_false(matches(s, &line));
        line.p[i] ^= 1;
    }
    assert_true(matches(s, &line));
    subject_free(s);
    buf_free(&line);
}

/* ---- the key file ---- */

static void
a_key_file_comes_back(void **state)
{
    const uint8_t vault[16] = {0xab};
    struct buf text = BUF_INIT, line = BUF_INIT;
    struct subject *s;

    (void)state;
    subject_put_head(&text, vault);
    subject_put_epoch(&text, 1, keys);
    subject_put_epoch(&text, 4294967295, keys + HASH_LEN);
    assert_int_equal(subject_parse(buf_bytes(&text), &s, NULL), COFRE_OK);
    assert_int_equal(subject_last_epoch(s), 4294967295);
    for (size_t i = 0; i < KEYS; i++) {
        entry_with(&line, 3, 1, keys + i * HASH_LEN);
        assert_true(matches(s, &line) == (i < 2));
    }
    subject_free(s);
    buf_free(&text);
    buf_free(&line);
}

#define HEX32 "00112233445566778899aabbccddeeff"
#define HEX64 HEX32 HEX32
#define HEAD "cofre-subject/v1\n"
#define VAULT "vault " HEX32 "\n"

static void
a_malformed_key_file_is_refused_by_line(void **state)
{
    static const struct {
        const char *text, *line;
    } files[] = {
        {"", "line 1"},
        {"cofre-subject/v1", "line 1"},
        {"cofre-subject/v2\n" VAULT "epoch 1 " HEX64 "\n", "line 1"},
        {HEAD, "line 2"},
        {HEAD "vault " HEX64 "\n", "line 2"},
        {HEAD "vault 0011223344556677889900aabbccddeG\n", "line 2"},
        {HEAD "epoch 1 " HEX64 "\n", "line 2"},
        {HEAD VAULT, "line 3"},
        {HEAD VAULT "epoch 1 " HEX64, "line 3"},
        {HEAD VAULT "epoch 0 " HEX64 "\n", "line 3"},
        {HEAD VAULT "epoch 01 " HEX64 "\n", "line 3"},
        {HEAD VAULT "epoch  " HEX64 "\n", "line 3"},
        {HEAD VAULT "epoch 4294967296 " HEX64 "\n", "line 3"},
        {HEAD VAULT "epoch 99999999999999999999999 " HEX64 "\n", "line 3"},
        {HEAD VAULT "epoch 1 " HEX64 "0\n", "line 3"},
        {HEAD VAULT "epoch 1 " HEX32 "\n", "line 3"},
        {HEAD VAULT "epoch 1 " HEX32 "00112233445566778899AABBCCDDEEFF\n", "line 3"},
        {HEAD VAULT "epoch 2 " HEX64 "\nepoch 2 " HEX64 "\n", "line 4"},
        {HEAD VAULT "epoch 2 " HEX64 "\nepoch 1 " HEX64 "\n", "line 4"},
        {HEAD VAULT "epoch 1 " HEX64 "\n\n", "line 4"},
        {HEAD VAULT "epoch 1 " HEX64 "\r\n", "line 3"},
    };
    struct subject *s;

    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct bytes text = unit_exact(bytes_str(files[i].text));
        struct cofre_why why = {""};

        assert_int_equal(subject_parse(text, &s, &why), COFRE_EFORMAT);
        assert_null(s);
        assert_non_null(strstr(why.text, files[i].line));
        assert_null(strstr(why.text, "0011"));
        unit_exact_free(text);
    }
}

static void
a_key_file_has_a_limit(void **state)
{
    struct buf text = BUF_INIT;
    const uint8_t vault[16] = {0};
    struct subject *s;

    (void)state;
    subject_put_head(&text, vault);
    for (uint32_t i = 1; i <= SUBJECT_EPOCHS_MAX; i++)
        subject_put_epoch(&text, i, keys);
    assert_int_equal(subject_parse(buf_bytes(&text), &s, NULL), COFRE_OK);
    subject_free(s);
    subject_put_epoch(&text, SUBJECT_EPOCHS_MAX + 1, keys);
    assert_int_equal(subject_parse(buf_bytes(&text), &s, NULL), COFRE_EFORMAT);
    buf_free(&text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tag_is_found_wherever_it_stands),
        cmocka_unit_test(what_is_no_entry_is_no_match),
        cmocka_unit_test(a_flipped_byte_in_tags_or_nonce_is_no_match),
        cmocka_unit_test(a_key_file_comes_back),
        cmocka_unit_test(a_malformed_key_file_is_refused_by_line),
        cmocka_unit_test(a_key_file_has_a_limit),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
