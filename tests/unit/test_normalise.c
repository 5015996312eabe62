#include <stdio.h>

#include <utf8proc.h>

#include "shared_file.h"
#include "unit.h"

#include "vault/records/normalise.h"

struct row {
    enum schema_type type;
    const char *in;
    const char *out; /* NULL: refused */
};

static enum cofre_err
run(enum schema_type type, enum normalise_form form, struct bytes text, struct buf *out,
    const char **reason)
{
    struct bytes exact = unit_exact(text);
    struct normalise_in in = {type, form, exact, "", "2026-03-01"};
    enum cofre_err err = normalise_value(&in, out, reason);

    unit_exact_free(exact);
    return err;
}

/* No reason holds a piece of the value. */
static void
tells_nothing(const char *reason, struct bytes value)
{
    enum { PIECE = 5 };

    assert_non_null(reason);
    for (size_t i = 0; i + PIECE <= value.len; i++) {
        char piece[PIECE + 1] = {0};

        memcpy(piece, value.p + i, PIECE);
        if (strlen(piece) == PIECE && strstr(reason, piece) != NULL)
            fail_msg("a reason repeats the value: %s", reason);
    }
}

static void
check_row(const struct row *row, size_t i)
{
    enum normalise_form form = row->type == SCHEMA_NUMBER ? NORMALISE_INTEGER
                               : row->type == SCHEMA_BOOL ? NORMALISE_BOOL
                                                          : NORMALISE_STRING;
    struct buf out = BUF_INIT;
    const char *reason = NULL;
    enum cofre_err err;

    buf_puts(&out, "before");
    err = run(row->type, form, bytes_str(row->in), &out, &reason);
    if (row->out == NULL) {
        if (err != COFRE_EINVAL || out.len != 6)
            fail_msg("row %zu: not refused", i);
        tells_nothing(reason, bytes_str(row->in));
    } else {
        if (err != COFRE_OK)
            fail_msg("row %zu: %s", i, reason);
        if (!bytes_equal((struct bytes){out.p + 6, out.len - 6}, bytes_str(row->out)))
            fail_msg("row %zu: %.*s, not %s", i, (int)out.len - 6, (const char *)out.p + 6,
                     row->out);
    }
    buf_free(&out);
}

#define CHECK_ROWS(rows)                                           \
    for (size_t i_ = 0; i_ < sizeof(rows) / sizeof(rows)[0]; i_++) \
    check_row(&(rows)[i_], i_)

#define TEXT SCHEMA_TEXT
#define NAME SCHEMA_PERSON_NAME
#define ADDRESS SCHEMA_POSTAL_ADDRESS
#define CATEGORY SCHEMA_CATEGORY

static void
names_and_texts_of_many_scripts_come_out_composed(void **state)
{
    static const struct row rows[] = {
        {NAME, "Gilberto Patiño Robledo", "Gilberto Patiño Robledo"},
        {NAME, "  José\tÁlvarez \n  Núñez\r\n", "José Álvarez Núñez"},
        {NAME,
         "Nun\xcc\x83"
         "ez",
         "Nu\xc3\xb1"
         "ez"},
        {NAME, "祝癸霖", "祝癸霖"},
        {NAME, "\xe3\x80\x80李\xe3\x80\x80\xe3\x80\x80雅婷\xc2\xa0", "李 雅婷"},
        {NAME, "Jörg Straßen-Müller", "Jörg Straßen-Müller"},
        {NAME, "A\xcc\x88rger", "\xc3\x84rger"},
        {NAME, "O'Brien, Jr.", "O'Brien, Jr."},
        {NAME, "X", "X"},
        {NAME, "\xd9\x85\xd8\xad\xd9\x85\xd8\xaf", "\xd9\x85\xd8\xad\xd9\x85\xd8\xaf"},
        /* Persian: the zero-width non-joiner is spelling. */
        {NAME, "\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xb4", "\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xb4"},
        {NAME, "\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab", "\xed\x95\x9c"},
        /* A syllable composes with the letter behind it. */
        {NAME, "\xed\x95\x98\xe1\x86\xab", "\xed\x95\x9c"},
        {NAME, "V\xc3\xa2\xcc\x81n", "V\xe1\xba\xa5n"},
        {NAME,
         "\xef\xbb\xbf"
         "Ana\xe2\x80\x8b",
         "Ana"},
        {NAME, "\xe2\x84\xab", "\xc3\x85"},
        {NAME, "\xef\xa4\x80", "\xe8\xb1\x88"},
        {NAME, "👩‍👩‍👧 Ana", "👩‍👩‍👧 Ana"},
        {NAME, "", NULL},
        {NAME, " \t\n", NULL},
        {NAME, "\xe3\x80\x80\xe2\x80\x8b", NULL},
        {NAME, "Ana\x07", NULL},
        {NAME,
         "Ana\x7f"
         "B",
         NULL},
        {NAME,
         "Ana\xc2\x9b"
         "B",
         NULL},
        {TEXT, "two\r\nlines\nhere", "two\nlines\nhere"},
        {TEXT, "keeps  blanks", "keeps  blanks"},
        {TEXT, "00001", "00001"},
        {TEXT, "a\tb", NULL},
        {TEXT, "a\rb", NULL},
        {TEXT, "a\x1b[31mb", NULL},
        {ADDRESS, "葛侬3号 公寓 147", "葛侬3号 公寓 147"},
        {ADDRESS, "Paseo del Olivo 61, 7º B", "Paseo del Olivo 61, 7º B"},
        {CATEGORY, " music ", "music"},
        {CATEGORY, "a\nb", NULL},
    };

    (void)state;
    CHECK_ROWS(rows);
}

static void
addresses_of_e_mail_keep_their_local_part_and_lower_their_domain(void **state)
{
    static const struct row rows[] = {
        {SCHEMA_EMAIL, " Ana.Ruiz+shop@Example.ORG ", "Ana.Ruiz+shop@example.org"},
        {SCHEMA_EMAIL, "a@b", "a@b"},
        {SCHEMA_EMAIL, "o'hara!#$%&*/=?^_`{|}~-@x.example", "o'hara!#$%&*/=?^_`{|}~-@x.example"},
        {SCHEMA_EMAIL, "x@xn--Fa-Hia.example", "x@xn--fa-hia.example"},
        {SCHEMA_EMAIL, "x@STRASSE.example", "x@strasse.example"},
        {SCHEMA_EMAIL, "x@Straße.example", "x@straße.example"},
        {SCHEMA_EMAIL, "用户@例子.公司", "用户@例子.公司"},
        {SCHEMA_EMAIL, "x@ESPAÑA.example", "x@españa.example"},
        {SCHEMA_EMAIL,
         "x@ESPAN\xcc\x83"
         "A.example",
         "x@españa.example"},
        {SCHEMA_EMAIL, "x@J\xcc\x8c.example", "x@\xc7\xb0.example"},
        {SCHEMA_EMAIL, "x@col·lecció.example", "x@col·lecció.example"},
        {SCHEMA_EMAIL, "jose\xcc\x81@x.example", "jos\xc3\xa9@x.example"},
        {SCHEMA_EMAIL, "x", NULL},
        {SCHEMA_EMAIL, "@", NULL},
        {SCHEMA_EMAIL, "@b.example", NULL},
        {SCHEMA_EMAIL, "anaruiz@", NULL},
        {SCHEMA_EMAIL, "ana@ruiz@b.example", NULL},
        {SCHEMA_EMAIL, "ana ruiz@b.example", NULL},
        {SCHEMA_EMAIL, "\"ana ruiz\"@b.example", NULL},
        {SCHEMA_EMAIL, "Ana <ana@b.example>", NULL},
        {SCHEMA_EMAIL, ".ana@b.example", NULL},
        {SCHEMA_EMAIL, "ana.@b.example", NULL},
        {SCHEMA_EMAIL, "ana..ruiz@b.example", NULL},
        {SCHEMA_EMAIL, "ana@b..example", NULL},
        {SCHEMA_EMAIL, "ana@.example", NULL},
        {SCHEMA_EMAIL, "ana@b.example.", NULL},
        {SCHEMA_EMAIL, "ana@-b.example", NULL},
        {SCHEMA_EMAIL, "ana@b-.example", NULL},
        {SCHEMA_EMAIL, "ana@b.example-", NULL},
        {SCHEMA_EMAIL, "ana@b_c.example", NULL},
        {SCHEMA_EMAIL, "ana@[192.0.2.1]", NULL},
        {SCHEMA_EMAIL, "ana@b.example,bo@b.example", NULL},
        {SCHEMA_EMAIL, "ana\n@b.example", NULL},
        {SCHEMA_EMAIL,
         "an\xe2\x80\x8b"
         "a@b.example",
         NULL},
        {SCHEMA_EMAIL, "ana@b\xe2\x80\x8b.example", NULL},
        {SCHEMA_EMAIL,
         "ana@b\xc2\xa0"
         "c.example",
         NULL},
        {SCHEMA_EMAIL,
         "ana@b\xe3\x80\x82"
         "example",
         NULL},
        {SCHEMA_EMAIL, "", NULL},
    };

    (void)state;
    CHECK_ROWS(rows);
}

static void
phones_come_out_as_e164(void **state)
{
    static const struct {
        const char *country;
        const char *in;
        const char *out;
    } rows[] = {
        {"", "+34607345156", "+34607345156"},
        {"", " +34 607-34.51 (56) ", "+34607345156"},
        {"", "0034607345156", "+34607345156"},
        {"", "00 86 [131] 5958 4389", "+8613159584389"},
        {"", "+49 (0)171 3920019", "+491713920019"},
        {"", "0049 (0)171 3920019", "+491713920019"},
        {"",
         "\xe2\x80\xaa+34\xc2\xa0"
         "607\xe2\x80\x91"
         "345156\xe2\x80\xac",
         "+34607345156"},
        {"", "＋８６１３１５９５８４３８９", "+8613159584389"},
        {"", "+1234567", "+1234567"},
        {"", "+123456789012345", "+123456789012345"},
        {"", "607345156", NULL},
        {"", "+1234567890123456", NULL},
        {"", "+123456", NULL},
        {"", "00123456", NULL},
        {"", "+0034607345156", NULL},
        {"", "++34607345156", NULL},
        {"", "34+607345156", NULL},
        {"", "+34 607 345 156 ext 3", NULL},
        {"", "+34607345156\xff", NULL},
        {"", "+", NULL},
        {"", "-.()", NULL},
        {"", "\xd9\xa1\xd9\xa2\xd9\xa3\xd9\xa4\xd9\xa5\xd9\xa6\xd9\xa7\xd9\xa8", NULL},
        {"ZZ", "607345156", NULL},
        {"ES", "607 345 156", "+34607345156"},
        {"ES", "+49 171 3920019", "+491713920019"},
        {"ES", "0049 171 3920019", "+491713920019"},
        {"DE", "0171/3920019", NULL},
        {"DE", "(0171) 3920019", "+491713920019"},
        {"CN", "131 5958 4389", "+8613159584389"},
        {"CN", "010-58584389", "+861058584389"},
        {"US", "(212) 555-0100", "+12125550100"},
        {"US", "1 212 555 0100", "+12125550100"},
        {"US", "1234567890", "+11234567890"},
        {"MX", "55 1234 5678", "+525512345678"},
        {"IT", "06 1234 5678", "+390612345678"},
        {"HU", "06 20 123 4567", "+36201234567"},
        {"RU", "8 912 345-67-89", "+79123456789"},
        {"GB", "020 7946 0018", "+442079460018"},
        {"ZW", "0712345678", "+263712345678"},
        {"AD", "312345", "+376312345"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct normalise_in in = {SCHEMA_PHONE, NORMALISE_STRING, unit_exact(bytes_str(rows[i].in)),
                                  rows[i].country, "2026-03-01"};
        const char *reason = NULL;
        struct buf out = BUF_INIT;
        enum cofre_err err = normalise_value(&in, &out, &reason);

        if (rows[i].out == NULL) {
            assert_int_equal(err, COFRE_EINVAL);
            tells_nothing(reason, in.text);
        } else if (err != COFRE_OK || !bytes_equal(buf_bytes(&out), bytes_str(rows[i].out))) {
            fail_msg("row %zu: %.*s, not %s", i, (int)out.len, (const char *)out.p, rows[i].out);
        }
        unit_exact_free(in.text);
        buf_free(&out);
    }
}

static void
the_other_types_have_one_form_each(void **state)
{
    static const struct row rows[] = {
        {SCHEMA_POSTAL_CODE, " sw1a 1aa ", "SW1A 1AA"},
        {SCHEMA_POSTAL_CODE, "02884", "02884"},
        {SCHEMA_POSTAL_CODE, "1000-001", "1000-001"},
        {SCHEMA_POSTAL_CODE, "1234567890123456", "1234567890123456"},
        {SCHEMA_POSTAL_CODE, "12345678901234567", NULL},
        {SCHEMA_POSTAL_CODE, "1", NULL},
        {SCHEMA_POSTAL_CODE, "28001,", NULL},
        {SCHEMA_POSTAL_CODE, "２８００１", NULL},
        {SCHEMA_COUNTRY, "es", "ES"},
        {SCHEMA_COUNTRY, "CN", "CN"},
        {SCHEMA_COUNTRY, "ESP", NULL},
        {SCHEMA_COUNTRY, "E1", NULL},
        {SCHEMA_COUNTRY, "ñ", NULL},
        {SCHEMA_DATE, "1997-01-01", "1997-01-01"},
        {SCHEMA_DATE, "2024-02-29", "2024-02-29"},
        {SCHEMA_DATE, "2000-02-29", "2000-02-29"},
        {SCHEMA_DATE, "2023-02-29", NULL},
        {SCHEMA_DATE, "1900-02-29", NULL},
        {SCHEMA_DATE, "2023-04-31", NULL},
        {SCHEMA_DATE, "2023-00-10", NULL},
        {SCHEMA_DATE, "2023-13-10", NULL},
        {SCHEMA_DATE, "2023-10-00", NULL},
        {SCHEMA_DATE, "0999-12-31", NULL},
        {SCHEMA_DATE, "9999-12-31", "9999-12-31"},
        {SCHEMA_DATE, "10000-01-01", NULL},
        {SCHEMA_DATE, "31/12/1999", NULL},
        {SCHEMA_DATE, "1999-1-01", NULL},
        {SCHEMA_DATE, "1999-01-01T00:00:00Z", NULL},
        {SCHEMA_DATE, "1999-01-0a", NULL},
        {SCHEMA_BIRTH_DATE, "1850-01-01", "1850-01-01"},
        {SCHEMA_BIRTH_DATE, "1849-12-31", NULL},
        {SCHEMA_BIRTH_DATE, "2026-03-01", "2026-03-01"},
        {SCHEMA_BIRTH_DATE, "2026-03-02", NULL},
        {SCHEMA_NUMBER, "0", "0"},
        {SCHEMA_NUMBER, "-0", "0"},
        {SCHEMA_NUMBER, "-17", "-17"},
        {SCHEMA_NUMBER, "9007199254740991", "9007199254740991"},
        {SCHEMA_NUMBER, "-9007199254740991", "-9007199254740991"},
        {SCHEMA_NUMBER, "9007199254740992", NULL},
        {SCHEMA_NUMBER, "99999999999999999999999999", NULL},
        {SCHEMA_NUMBER, "007", NULL},
        {SCHEMA_NUMBER, "+7", NULL},
        {SCHEMA_NUMBER, "-", NULL},
        {SCHEMA_NUMBER, "1.0", NULL},
        {SCHEMA_NUMBER, "1e3", NULL},
        {SCHEMA_MONEY, "11.77", "11.77"},
        {SCHEMA_MONEY, "12.00", "12.00"},
        {SCHEMA_MONEY, "12", "12"},
        {SCHEMA_MONEY, "0.00", "0.00"},
        {SCHEMA_MONEY, "-0.00", "0.00"},
        {SCHEMA_MONEY, "-3.5", "-3.5"},
        {SCHEMA_MONEY, "007.50", "7.50"},
        {SCHEMA_MONEY, "123456789012345.123456", "123456789012345.123456"},
        {SCHEMA_MONEY, "1234567890123456", NULL},
        {SCHEMA_MONEY, "1.1234567", NULL},
        {SCHEMA_MONEY, "1.", NULL},
        {SCHEMA_MONEY, ".5", NULL},
        {SCHEMA_MONEY, "1,50", NULL},
        {SCHEMA_MONEY, "1.2.3", NULL},
        {SCHEMA_MONEY, "+1.50", NULL},
        {SCHEMA_MONEY, "-", NULL},
        {SCHEMA_MONEY, "1e2", NULL},
        {SCHEMA_MONEY, "$12.50", NULL},
        {SCHEMA_BOOL, "true", "true"},
        {SCHEMA_BOOL, "false", "false"},
        {SCHEMA_BOOL, "1", NULL},
        {SCHEMA_BOOL, "truely", NULL},
    };

    (void)state;
    CHECK_ROWS(rows);
}

static void
the_form_in_json_has_to_be_that_of_the_type(void **state)
{
    static const struct {
        enum schema_type type;
        const char *value;
        bool ok[4]; /* file, string, integer, bool */
    } rows[] = {
        {SCHEMA_TEXT, "12", {true, true, false, false}},
        {SCHEMA_MONEY, "12", {true, true, false, false}},
        {SCHEMA_NUMBER, "12", {true, false, true, false}},
        {SCHEMA_BOOL, "true", {true, false, false, true}},
        {SCHEMA_BOOL, "TRUE", {true, false, false, true}},
        {SCHEMA_PHONE, "+34607345156", {true, true, false, false}},
        {SCHEMA_DATE, " 1999-01-01 ", {true, false, false, false}},
        {SCHEMA_COUNTRY, "ES ", {true, false, false, false}},
        {SCHEMA_CATEGORY, "true", {true, true, false, false}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int form = NORMALISE_FILE; form <= NORMALISE_BOOL; form++) {
            struct buf out = BUF_INIT;
            const char *reason = NULL;
            enum cofre_err err = run(rows[i].type, (enum normalise_form)form,
                                     bytes_str(rows[i].value), &out, &reason);

            if (err != (rows[i].ok[form] ? COFRE_OK : COFRE_EINVAL))
                fail_msg("row %zu, form %d: %s", i, form, cofre_err_text(err));
            buf_free(&out);
        }
}

/* unit, repeated to just len bytes or one character over it. */
static void
lengths_are_counted_in_bytes_of_the_canonical_text(void **state)
{
    static const struct {
        enum schema_type type;
        size_t max;
    } types[] = {{TEXT, 4096}, {NAME, 512}, {ADDRESS, 1024}, {CATEGORY, 64}};
    /* "e" and a combining acute: three bytes that become two. */
    static const char *const units[] = {"x", "\xc3\xa9", "\xf0\x9f\x98\x80", "e\xcc\x81"};
    static const size_t sizes[] = {1, 2, 4, 2};

    (void)state;
    for (size_t t = 0; t < 4; t++)
        for (size_t u = 0; u < 4; u++) {
            struct buf in = BUF_INIT, out = BUF_INIT;
            const char *reason = NULL;

            for (size_t n = 0; n < types[t].max / sizes[u]; n++)
                buf_puts(&in, units[u]);
            assert_int_equal(run(types[t].type, NORMALISE_STRING, buf_bytes(&in), &out, &reason),
                             COFRE_OK);
            assert_int_equal(out.len, types[t].max);
            buf_puts(&in, units[u]);
            assert_int_equal(run(types[t].type, NORMALISE_STRING, buf_bytes(&in), &out, &reason),
                             COFRE_EINVAL);
            assert_non_null(strstr(reason, "is longer than"));
            assert_int_equal(out.len, types[t].max);
            buf_free(&in);
            buf_free(&out);
        }
}

static void
an_e_mail_has_64_bytes_before_the_at_and_254_in_all(void **state)
{
    static const struct {
        size_t local, labels, last; /* labels of 63 and one of last */
        bool ok;
    } rows[] = {
        {64, 0, 63, true}, {65, 0, 5, false}, {1, 0, 64, false}, {1, 1, 64, false},
        {60, 3, 1, true},  {62, 3, 1, false}, {64, 2, 61, true}, {64, 2, 62, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf in = BUF_INIT, out = BUF_INIT;
        const char *reason = NULL;

        for (size_t n = 0; n < rows[i].local; n++)
            buf_putc(&in, 'a');
        buf_putc(&in, '@');
        for (size_t l = 0; l < rows[i].labels; l++) {
            for (size_t n = 0; n < 63; n++)
                buf_putc(&in, 'b');
            buf_putc(&in, '.');
        }
        for (size_t n = 0; n < rows[i].last; n++)
            buf_putc(&in, 'c');
        if (run(SCHEMA_EMAIL, NORMALISE_STRING, buf_bytes(&in), &out, &reason) !=
            (rows[i].ok ? COFRE_OK : COFRE_EINVAL))
            fail_msg("row %zu, %zu bytes", i, in.len);
        assert_int_equal(out.len, rows[i].ok ? in.len : 0);
        buf_free(&in);
        buf_free(&out);
    }
}

static void
bytes_that_are_no_utf8_are_refused(void **state)
{
    static const char *const bad[] = {
        "\x80", /* a continuation alone */
        "xy\xbf zz",
        "\xc3", /* cut short */
        "\xe2\x82",
        "\xf0\x9f\x98",
        "\xc3(",    /* another follows */
        "\xc0\xaf", /* over-long */
        "\xc1\xbf",
        "\xe0\x80\xaf",
        "\xf0\x80\x80\xaf",
        "\xed\xa0\x80", /* surrogates */
        "\xed\xbf\xbf",
        "\xf4\x90\x80\x80", /* over U+10FFFF */
        "\xf8\x88\x80\x80\x80",
        "\xfe",
        "\xff",
        "Jos\xe9 Alv\xe1rez", /* Latin-1 */
    };
    static const enum schema_type types[] = {TEXT,     NAME,         ADDRESS,
                                             CATEGORY, SCHEMA_EMAIL, SCHEMA_PHONE};

    (void)state;
    for (size_t t = 0; t < sizeof types / sizeof types[0]; t++)
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
            struct buf out = BUF_INIT;
            const char *reason = NULL;

            assert_int_equal(run(types[t], NORMALISE_STRING, bytes_str(bad[i]), &out, &reason),
                             COFRE_EINVAL);
            assert_string_equal(reason, "is not UTF-8");
            assert_int_equal(out.len, 0);
            buf_free(&out);
        }
}

static void
a_nul_byte_is_a_control_character(void **state)
{
    struct buf out = BUF_INIT;
    const char *reason = NULL;

    (void)state;
    assert_int_equal(run(NAME, NORMALISE_STRING, BYTES_LIT("Ana\0B"), &out, &reason), COFRE_EINVAL);
    assert_string_equal(reason, "has a control character");
    assert_int_equal(run(SCHEMA_EMAIL, NORMALISE_STRING, BYTES_LIT("a\0@b"), &out, &reason),
                     COFRE_EINVAL);
    assert_int_equal(
        run(SCHEMA_PHONE, NORMALISE_STRING, BYTES_LIT("+34607345156\0"), &out, &reason),
        COFRE_EINVAL);
    buf_free(&out);
}

/* The short cut round utf8proc leaves out nothing: each character, alone and behind others. */
static void
every_character_composes_as_nfc_says(void **state)
{
    static const char *const before[] = {"",        "A", "\xc3\xa9", "\xed\x95\x98", "\xe4\xb8\x80",
                                         "\xd0\x98"};
    struct buf out = BUF_INIT, in = BUF_INIT;
    const char *reason = NULL;

    (void)state;
    for (utf8proc_int32_t c = 0xa1; c < 0x20000; c++) {
        utf8proc_uint8_t utf8[4];
        utf8proc_uint8_t *want;

        if ((c >= 0xd800 && c < 0xe000))
            continue;
        for (size_t i = 0; i < sizeof before / sizeof before[0]; i++) {
            buf_reset(&in);
            buf_reset(&out);
            buf_puts(&in, before[i]);
            buf_put(&in, utf8, (size_t)utf8proc_encode_char(c, utf8));
            buf_puts(&in, ".");
            buf_putc(&in, '\0');
            want = utf8proc_NFC(in.p);
            assert_non_null(want);
            in.len--;
            if (run(CATEGORY, NORMALISE_STRING, buf_bytes(&in), &out, &reason) != COFRE_OK)
                fail_msg("U+%04X: %s", (unsigned)c, reason);
            /* Blanks in front are trimmed: those have their own rows. */
            if (i > 0 && !bytes_equal(buf_bytes(&out), bytes_str((const char *)want)))
                fail_msg("U+%04X behind row %zu", (unsigned)c, i);
            free(want);
        }
    }
    buf_free(&in);
    buf_free(&out);
}

struct files {
    const char *name;
    const char *types; /* of the columns: one letter each, T a time, '.' is passed over */
    unsigned rows;
};

static enum schema_type
type_of(char letter)
{
    static const char letters[] = "tnpeaobdBcNm";
    static const enum schema_type types[] = {
        SCHEMA_TEXT,           SCHEMA_PERSON_NAME, SCHEMA_PHONE,   SCHEMA_EMAIL,
        SCHEMA_POSTAL_ADDRESS, SCHEMA_POSTAL_CODE, SCHEMA_COUNTRY, SCHEMA_DATE,
        SCHEMA_BIRTH_DATE,     SCHEMA_CATEGORY,    SCHEMA_NUMBER,  SCHEMA_MONEY,
    };
    const char *at = strchr(letters, letter);

    assert_non_null(at);
    return types[at - letters];
}

/* The next cell of a line without doubled quotes; moves p behind it. */
static struct bytes
next_cell(const char **p)
{
    bool quoted = **p == '"';
    const char *from = *p + quoted;
    size_t len = strcspn(from, quoted ? "\"" : ",\r\n");

    *p = from + len + quoted;
    *p += **p == ',';
    return (struct bytes){(const uint8_t *)from, len};
}

/* A time that is a day is midnight of just that day. */
static void
check_day(struct bytes cell, unsigned number)
{
    const char *reason = NULL;
    struct normalise_date d;
    char text[40];
    int64_t ms;

    if (normalise_time(cell, &ms, &reason) != COFRE_OK)
        fail_msg("line %u, time: %s", number, reason);
    d = normalise_date_of(ms);
    snprintf(text, sizeof text, "%04d-%02d-%02d", d.year, d.month, d.day);
    if (normalise_date_ms(&d) != ms || !bytes_equal(cell, bytes_str(text)))
        fail_msg("line %u, time: changed", number);
}

static void
check_line(const char *line, const char *types, unsigned number)
{
    struct buf out = BUF_INIT;
    const char *reason = NULL;

    for (; *types != '\0'; types++) {
        struct bytes cell = next_cell(&line);

        if (*types == '.' || cell.len == 0)
            continue;
        if (*types == 'T') {
            check_day(cell, number);
            continue;
        }
        buf_reset(&out);
        if (run(type_of(*types), NORMALISE_FILE, cell, &out, &reason) != COFRE_OK)
            fail_msg("line %u, type %c: %s", number, *types, reason);
        if (!bytes_equal(buf_bytes(&out), cell))
            fail_msg("line %u, type %c: changed", number, *types);
    }
    buf_free(&out);
}

static void
real_files_come_out_as_they_went_in(void **state)
{
    static const struct files files[] = {
        {"data/customers.csv", "tnepBcaotbcd.", 23570},
        {"data/events.csv", "ttcTmcNc", 69659},
    };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char line[4096];
        unsigned number = 0;
        FILE *file;

        if ((file = shared_file(files[i].name)) == NULL)
            skip();
        while (fgets(line, sizeof line, file) != NULL)
            if (number++ > 0)
                check_line(line, files[i].types, number);
        fclose(file);
        assert_int_equal(number - 1, files[i].rows);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_texts_of_many_scripts_come_out_composed),
        cmocka_unit_test(addresses_of_e_mail_keep_their_local_part_and_lower_their_domain),
        cmocka_unit_test(phones_come_out_as_e164),
        cmocka_unit_test(the_other_types_have_one_form_each),
        cmocka_unit_test(the_form_in_json_has_to_be_that_of_the_type),
        cmocka_unit_test(lengths_are_counted_in_bytes_of_the_canonical_text),
        cmocka_unit_test(an_e_mail_has_64_bytes_before_the_at_and_254_in_all),
        cmocka_unit_test(bytes_that_are_no_utf8_are_refused),
        cmocka_unit_test(a_nul_byte_is_a_control_character),
        cmocka_unit_test(every_character_composes_as_nfc_says),
        cmocka_unit_test(real_files_come_out_as_they_went_in),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
