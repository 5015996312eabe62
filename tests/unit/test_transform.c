#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <jansson.h>
#include <utf8proc.h>

#include "vault/views/transform.h"

static const struct normalise_date today = {2026, 11, 22};

static const struct transform keep = {.as = TRANSFORM_KEEP};
static const struct transform drop = {.as = TRANSFORM_DROP};
static const struct transform year = {.as = TRANSFORM_YEAR};
static const struct transform month = {.as = TRANSFORM_MONTH};
static const struct transform mask = {.as = TRANSFORM_MASK};
static const struct transform domain = {.as = TRANSFORM_DOMAIN};
static const struct transform prefix1 = {.as = TRANSFORM_PREFIX, .chars = 1};
static const struct transform prefix2 = {.as = TRANSFORM_PREFIX, .chars = 2};
static const struct transform prefix3 = {.as = TRANSFORM_PREFIX, .chars = 3};
static const struct transform band = {.as = TRANSFORM_BAND, .n_edges = 3, .edges = {10, 20, 50}};
static const struct transform one_edge = {.as = TRANSFORM_BAND, .n_edges = 1, .edges = {0}};
static const struct transform below_zero = {
    .as = TRANSFORM_BAND, .n_edges = 3, .edges = {-10, -5, 0}};
static const struct transform far_edges = {
    .as = TRANSFORM_BAND,
    .n_edges = 2,
    .edges = {-INT64_C(1000000000000000), INT64_C(1000000000000000)}};
static const struct transform age10 = {.as = TRANSFORM_AGE_BAND, .width = 10};
static const struct transform age1 = {.as = TRANSFORM_AGE_BAND, .width = 1};
static const struct transform age15 = {.as = TRANSFORM_AGE_BAND, .width = 15};
static const struct transform age50 = {.as = TRANSFORM_AGE_BAND, .width = 50};

/* What transform_put appends, with NUL; NULL: nothing.  The caller frees it. */
static char *
shown_on(const struct transform *t, enum schema_type type, struct bytes value,
         const struct normalise_date *date)
{
    struct buf out = BUF_INIT;
    char *text = NULL;

    buf_puts(&out, "before");
    if (transform_put(&out, t, type, value, date)) {
        buf_putc(&out, '\0');
        assert_int_equal(buf_error(&out), COFRE_OK);
        text = strdup((const char *)out.p + 6);
        assert_non_null(text);
    } else {
        assert_int_equal(out.len, 6);
    }
    assert_memory_equal(out.p, "before", 6);
    buf_free(&out);
    return text;
}

struct row {
    const struct transform *t;
    enum schema_type type;
    const char *value;
    const char *want; /* NULL: nothing is shown */
};

static void
check_rows(const struct row *rows, size_t n, const struct normalise_date *date)
{
    for (size_t i = 0; i < n; i++) {
        char *got = shown_on(rows[i].t, rows[i].type, bytes_str(rows[i].value), date);

        if ((got == NULL) != (rows[i].want == NULL) ||
            (got != NULL && strcmp(got, rows[i].want) != 0))
            fail_msg("row %zu: %s of \"%s\" gives %s and not %s", i, transform_text(rows[i].t->as),
                     rows[i].value, got != NULL ? got : "nothing",
                     rows[i].want != NULL ? rows[i].want : "nothing");
        free(got);
    }
}

#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof *(rows), &today)

static void
names_and_back(void **state)
{
    static const char *const wrong[] = {"", "Keep", "keep ", "hash", "clear", "age-band"};
    enum transform_as as;

    (void)state;
    for (unsigned i = 0; i < TRANSFORM_COUNT; i++) {
        assert_int_equal(transform_parse(bytes_str(transform_text((enum transform_as)i)), &as),
                         COFRE_OK);
        assert_int_equal(as, i);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(transform_parse(bytes_str(wrong[i]), &as), COFRE_EINVAL);
}

static void
kept_values_are_typed(void **state)
{
    static const struct row rows[] = {
        {&keep, SCHEMA_TEXT, "Ciudad Real", "\"Ciudad Real\""},
        {&keep, SCHEMA_TEXT, "北京市", "\"北京市\""},
        {&keep, SCHEMA_TEXT, "a \"b\" \\ c", "\"a \\\"b\\\" \\\\ c\""},
        {&keep, SCHEMA_TEXT, "back\\slash", "\"back\\\\slash\""},
        {&keep, SCHEMA_TEXT, "two\nlines", "\"two\\nlines\""},
        {&keep, SCHEMA_COUNTRY, "ES", "\"ES\""},
        {&keep, SCHEMA_DATE, "1997-01-12", "\"1997-01-12\""},
        {&keep, SCHEMA_MONEY, "11.770", "\"11.770\""},
        {&keep, SCHEMA_MONEY, "-0.50", "\"-0.50\""},
        {&keep, SCHEMA_NUMBER, "0", "0"},
        {&keep, SCHEMA_NUMBER, "-17", "-17"},
        {&keep, SCHEMA_NUMBER, "9007199254740991", "9007199254740991"},
        {&keep, SCHEMA_BOOL, "true", "true"},
        {&keep, SCHEMA_BOOL, "false", "false"},
        {&drop, SCHEMA_TEXT, "Ciudad Real", NULL},
        {&drop, SCHEMA_BOOL, "true", NULL},
        /* What could not have been stored is not shown, least of all as broken JSON. */
        {&keep, SCHEMA_NUMBER, "1.5", NULL},
        {&keep, SCHEMA_NUMBER, "007", NULL},
        {&keep, SCHEMA_NUMBER, "-0", NULL},
        {&keep, SCHEMA_NUMBER, "-", NULL},
        {&keep, SCHEMA_NUMBER, "1,\"x\":2", NULL},
        {&keep, SCHEMA_NUMBER, "1234567890123456789", NULL},
        {&keep, SCHEMA_BOOL, "True", NULL},
        {&keep, SCHEMA_BOOL, "1", NULL},
        {&keep, SCHEMA_TEXT, "caf\xe9", NULL},
        {&keep, SCHEMA_TEXT, "", NULL},
    };

    (void)state;
    CHECK_ROWS(rows);
}

static void
masks_show_one_character(void **state)
{
    static const struct row rows[] = {
        {&mask, SCHEMA_PERSON_NAME, "Gabriela Pérez", "\"G••• P•••\""},
        {&mask, SCHEMA_PERSON_NAME, "Ángel Núñez de la Ó", "\"Á••• N••• d••• l••• •••\""},
        {&mask, SCHEMA_PERSON_NAME, "王伟", "\"王•••\""},
        {&mask, SCHEMA_PERSON_NAME, "欧阳 娜娜", "\"欧••• 娜•••\""},
        {&mask, SCHEMA_PERSON_NAME, "王", "\"•••\""},
        {&mask, SCHEMA_PERSON_NAME, "J Smith", "\"••• S•••\""},
        {&mask, SCHEMA_PERSON_NAME, "Madonna", "\"M•••\""},
        {&mask, SCHEMA_PERSON_NAME, "Anne-Marie O'Neil", "\"A••• O•••\""},
        {&mask, SCHEMA_PERSON_NAME, "محمد علي", "\"م••• ع•••\""},
        {&mask, SCHEMA_PERSON_NAME, "\"Pepe\" \\Ruiz", "\"\\\"••• \\\\•••\""},
        /* A character with its marks, as one and as several code points. */
        {&mask, SCHEMA_PERSON_NAME, "É", "\"•••\""},
        {&mask, SCHEMA_PERSON_NAME, "E\u0301", "\"•••\""},
        {&mask, SCHEMA_PERSON_NAME, "x\u0323\u0302yz", "\"x\u0323\u0302•••\""},
        {&mask, SCHEMA_PERSON_NAME, "क्षमा", "\"क्•••\""},
        /* A family of four, a flag, a thumb with its colour: a character each. */
        {&mask, SCHEMA_TEXT, "👨‍👩‍👧‍👦x",
         "\"👨‍👩‍👧‍👦•••\""},
        {&mask, SCHEMA_TEXT, "👨‍👩‍👧‍👦", "\"•••\""},
        {&mask, SCHEMA_TEXT, "🇪🇸🇨🇳", "\"🇪🇸•••\""},
        {&mask, SCHEMA_TEXT, "🇪🇸", "\"•••\""},
        {&mask, SCHEMA_TEXT, "👍🏽👍🏽", "\"👍🏽•••\""},
        /* Characters that nobody sees hide nothing, and are not shown. */
        {&mask, SCHEMA_PERSON_NAME, "王\u200b", "\"•••\""},
        {&mask, SCHEMA_PERSON_NAME, "\u202e王伟", "\"王•••\""},
        {&mask, SCHEMA_PERSON_NAME, "\u200b\u200e", "\"•••\""},
        {&mask, SCHEMA_TEXT, "00012345", "\"0•••\""},
        {&mask, SCHEMA_TEXT, "7", "\"•••\""},
        {&mask, SCHEMA_POSTAL_ADDRESS, "Calle Mayor 1, 2ºB", "\"C•••\""},
        {&mask, SCHEMA_POSTAL_ADDRESS, "北京市朝阳区", "\"北•••\""},
        {&mask, SCHEMA_POSTAL_CODE, "28013", "\"2•••\""},
        {&mask, SCHEMA_CATEGORY, "female", "\"f•••\""},
        {&mask, SCHEMA_NUMBER, "5", "\"•••\""},
        {&mask, SCHEMA_BOOL, "true", NULL},
        {&mask, SCHEMA_TEXT, "\xff\xfe", NULL},
        {&mask, SCHEMA_TEXT, "a\xff", NULL},
        {&mask, SCHEMA_PERSON_NAME, " ", NULL},
    };

    (void)state;
    CHECK_ROWS(rows);
}

/* A tower of marks could carry a text of its own. */
static void
an_endless_character_is_not_shown(void **state)
{
    char value[4 + 60 * 2 + 2] = "Z";
    char *got;

    (void)state;
    for (int i = 0; i < 60; i++)
        strcat(value, "\u0301");
    strcat(value, "x");
    got = shown_on(&mask, SCHEMA_TEXT, bytes_str(value), &today);
    assert_string_equal(got, "\"•••\"");
    free(got);
    got = shown_on(&prefix3, SCHEMA_TEXT, bytes_str(value), &today);
    assert_string_equal(got, "\"\"");
    free(got);
}

static void
masked_addresses_keep_domain_and_country_code(void **state)
{
    static const struct row rows[] = {
        {&mask, SCHEMA_EMAIL, "gabriela@example.org", "\"g•••@example.org\""},
        {&mask, SCHEMA_EMAIL, "g@example.org", "\"•••@example.org\""},
        {&mask, SCHEMA_EMAIL, "ñandú@correo.example", "\"ñ•••@correo.example\""},
        {&mask, SCHEMA_EMAIL, "王伟@例子.example", "\"王•••@例子.example\""},
        {&mask, SCHEMA_EMAIL, "\"a@b\"@example.org", "\"\\\"•••@example.org\""},
        {&mask, SCHEMA_EMAIL, "no-at.example.org", NULL},
        {&mask, SCHEMA_EMAIL, "@example.org", NULL},
        {&mask, SCHEMA_EMAIL, "gabriela@", NULL},
        {&domain, SCHEMA_EMAIL, "gabriela@example.org", "\"example.org\""},
        {&domain, SCHEMA_EMAIL, "\"a@b\"@例子.example", "\"例子.example\""},
        {&domain, SCHEMA_EMAIL, "no-at.example.org", NULL},
        {&domain, SCHEMA_EMAIL, "gabriela@", NULL},
        {&domain, SCHEMA_TEXT, "gabriela@example.org", NULL},
        {&mask, SCHEMA_PHONE, "+34612345667", "\"+34•••••67\""},
        {&mask, SCHEMA_PHONE, "+12025550123", "\"+1•••••23\""},
        {&mask, SCHEMA_PHONE, "+74951234567", "\"+7•••••67\""},
        {&mask, SCHEMA_PHONE, "+8613812345678", "\"+86•••••78\""},
        {&mask, SCHEMA_PHONE, "+5215512345678", "\"+52•••••78\""},
        {&mask, SCHEMA_PHONE, "+4915112345678", "\"+49•••••78\""},
        {&mask, SCHEMA_PHONE, "+35312345678", "\"+353•••••78\""},
        {&mask, SCHEMA_PHONE, "+9812345678", "\"+98•••••78\""},
        {&mask, SCHEMA_PHONE, "+85212345678", "\"+852•••••78\""},
        /* Six digits after the code, and five: too few to show the last two. */
        {&mask, SCHEMA_PHONE, "+376123456", "\"+376•••••56\""},
        {&mask, SCHEMA_PHONE, "+29012345", "\"+290•••••\""},
        {&mask, SCHEMA_PHONE, "+3412345", "\"+34•••••\""},
        {&mask, SCHEMA_PHONE, "+341234", NULL},
        {&mask, SCHEMA_PHONE, "+3412345678901234", NULL},
        {&mask, SCHEMA_PHONE, "34612345667", NULL},
        {&mask, SCHEMA_PHONE, "+34 612345667", NULL},
    };

    (void)state;
    CHECK_ROWS(rows);
}

static void
prefixes_are_shorter_than_the_value(void **state)
{
    static const struct row rows[] = {
        {&prefix2, SCHEMA_POSTAL_CODE, "28013", "\"28\""},
        {&prefix3, SCHEMA_POSTAL_CODE, "28013", "\"280\""},
        {&prefix3, SCHEMA_POSTAL_CODE, "280", "\"28\""},
        {&prefix3, SCHEMA_POSTAL_CODE, "28", "\"2\""},
        {&prefix1, SCHEMA_TEXT, "a", "\"\""},
        {&prefix3, SCHEMA_TEXT, "北京市朝阳区", "\"北京市\""},
        {&prefix3, SCHEMA_TEXT, "北京市", "\"北京\""},
        {&prefix1, SCHEMA_TEXT, "E\u0301a", "\"E\u0301\""},
        {&prefix2, SCHEMA_TEXT, "👨‍👩‍👧‍👦🇪🇸x",
         "\"👨‍👩‍👧‍👦🇪🇸\""},
        {&prefix2, SCHEMA_TEXT, "🇪🇸", "\"\""},
        {&prefix2, SCHEMA_TEXT, "ab\u200b", "\"a\""},
        {&prefix2, SCHEMA_TEXT, "\u200eab\u200bc", "\"ab\u200b\""},
        {&prefix2, SCHEMA_TEXT, "\"\\x", "\"\\\"\\\\\""},
        {&prefix2, SCHEMA_COUNTRY, "ES", "\"E\""},
        {&prefix2, SCHEMA_CATEGORY, "shoes", "\"sh\""},
        {&prefix2, SCHEMA_TEXT, "\xc3", NULL},
        {&prefix2, SCHEMA_EMAIL, "a@example.org", NULL},
        {&prefix2, SCHEMA_DATE, "1997-01-12", NULL},
    };

    (void)state;
    CHECK_ROWS(rows);
}

static void
dates_are_cut_to_year_and_month(void **state)
{
    static const struct row rows[] = {
        {&year, SCHEMA_BIRTH_DATE, "1970-05-31", "\"1970\""},
        {&month, SCHEMA_DATE, "1997-01-12", "\"1997-01\""},
        {&month, SCHEMA_DATE, "2024-02-29", "\"2024-02\""},
        {&year, SCHEMA_DATE, "2023-02-29", NULL},
        {&month, SCHEMA_DATE, "1997", NULL},
        {&year, SCHEMA_TEXT, "1970-05-31", NULL},
    };

    (void)state;
    CHECK_ROWS(rows);
}

static void
ages_fall_into_bands(void **state)
{
    static const struct row rows[] = {
        {&age10, SCHEMA_BIRTH_DATE, "1970-05-31", "\"50-59\""},
        {&age10, SCHEMA_BIRTH_DATE, "1976-11-22", "\"50-59\""}, /* birthday today */
        {&age10, SCHEMA_BIRTH_DATE, "1976-11-23", "\"40-49\""}, /* tomorrow */
        {&age10, SCHEMA_BIRTH_DATE, "1976-12-01", "\"40-49\""},
        {&age10, SCHEMA_BIRTH_DATE, "2026-11-22", "\"0-9\""}, /* born today */
        {&age10, SCHEMA_BIRTH_DATE, "2026-11-23", "\"0-9\""}, /* the clock is behind */
        {&age10, SCHEMA_BIRTH_DATE, "2099-01-01", "\"0-9\""},
        {&age10, SCHEMA_BIRTH_DATE, "1946-11-23", "\"70-79\""},
        {&age10, SCHEMA_BIRTH_DATE, "1946-11-22", "\"80+\""},
        {&age10, SCHEMA_BIRTH_DATE, "1850-01-01", "\"80+\""},
        {&age1, SCHEMA_BIRTH_DATE, "1970-05-31", "\"56\""},
        {&age1, SCHEMA_BIRTH_DATE, "1946-11-22", "\"80+\""},
        {&age15, SCHEMA_BIRTH_DATE, "1970-05-31", "\"45-59\""},
        {&age15, SCHEMA_BIRTH_DATE, "1951-11-22", "\"75+\""},
        {&age15, SCHEMA_BIRTH_DATE, "1951-11-23", "\"60-74\""},
        {&age50, SCHEMA_BIRTH_DATE, "1980-01-01", "\"0-49\""},
        {&age50, SCHEMA_BIRTH_DATE, "1970-01-01", "\"50+\""},
        {&age10, SCHEMA_BIRTH_DATE, "1970-02-30", NULL},
        {&age10, SCHEMA_BIRTH_DATE, "31/05/1970", NULL},
        {&age10, SCHEMA_DATE, "1970-05-31", NULL},
    };

    (void)state;
    CHECK_ROWS(rows);
}

static void
those_born_on_29_february_age_on_1_march(void **state)
{
    static const struct normalise_date common_eve = {2026, 2, 28};
    static const struct normalise_date common_day = {2026, 3, 1};
    static const struct normalise_date leap_eve = {2024, 2, 28};
    static const struct normalise_date leap_day = {2024, 2, 29};
    static const struct row fifty_three = {&age1, SCHEMA_BIRTH_DATE, "1972-02-29", "\"53\""};
    static const struct row fifty_four = {&age1, SCHEMA_BIRTH_DATE, "1972-02-29", "\"54\""};
    static const struct row fifty_one = {&age1, SCHEMA_BIRTH_DATE, "1972-02-29", "\"51\""};
    static const struct row fifty_two = {&age1, SCHEMA_BIRTH_DATE, "1972-02-29", "\"52\""};

    (void)state;
    check_rows(&fifty_three, 1, &common_eve);
    check_rows(&fifty_four, 1, &common_day);
    check_rows(&fifty_one, 1, &leap_eve);
    check_rows(&fifty_two, 1, &leap_day);
}

static void
amounts_fall_into_bands(void **state)
{
    static const struct row rows[] = {
        {&band, SCHEMA_MONEY, "0", "\"<10\""},
        {&band, SCHEMA_MONEY, "9.999999", "\"<10\""},
        {&band, SCHEMA_MONEY, "10", "\"10-20\""},
        {&band, SCHEMA_MONEY, "10.00", "\"10-20\""},
        {&band, SCHEMA_MONEY, "010.00", "\"10-20\""},
        {&band, SCHEMA_MONEY, "19.99", "\"10-20\""},
        {&band, SCHEMA_MONEY, "20.000001", "\"20-50\""},
        {&band, SCHEMA_MONEY, "50", "\"50+\""},
        {&band, SCHEMA_MONEY, "999999999999999.999999", "\"50+\""},
        {&band, SCHEMA_MONEY, "-11.77", "\"<10\""},
        {&band, SCHEMA_NUMBER, "10", "\"10-20\""},
        {&band, SCHEMA_NUMBER, "-9007199254740991", "\"<10\""},
        {&one_edge, SCHEMA_MONEY, "-0.00", "\"0+\""},
        {&one_edge, SCHEMA_MONEY, "-0.01", "\"<0\""},
        {&one_edge, SCHEMA_MONEY, "0.00", "\"0+\""},
        {&below_zero, SCHEMA_MONEY, "-10.01", "\"<-10\""},
        {&below_zero, SCHEMA_MONEY, "-10.00", "\"-10--5\""},
        {&below_zero, SCHEMA_MONEY, "-9.99", "\"-10--5\""},
        {&below_zero, SCHEMA_MONEY, "-5.5", "\"-10--5\""},
        {&below_zero, SCHEMA_MONEY, "-5", "\"-5-0\""},
        {&below_zero, SCHEMA_MONEY, "-4.99", "\"-5-0\""},
        {&below_zero, SCHEMA_MONEY, "1", "\"0+\""},
        {&far_edges, SCHEMA_MONEY, "-999999999999999.999999",
         "\"-1000000000000000-1000000000000000\""},
        {&band, SCHEMA_MONEY, "", NULL},
        {&band, SCHEMA_MONEY, "-", NULL},
        {&band, SCHEMA_MONEY, ".5", NULL},
        {&band, SCHEMA_MONEY, "5.", NULL},
        {&band, SCHEMA_MONEY, "5.0x", NULL},
        {&band, SCHEMA_MONEY, "5,0", NULL},
        {&band, SCHEMA_MONEY, "1e3", NULL},
        {&band, SCHEMA_MONEY, "+5", NULL},
        {&band, SCHEMA_MONEY, "1234567890123456789", NULL},
        {&band, SCHEMA_TEXT, "10", NULL},
    };

    (void)state;
    CHECK_ROWS(rows);
}

/* ---- what is allowed ---- */

static const char *const samples[SCHEMA_TYPES] = {
    [SCHEMA_TEXT] = "Gabriela Pérez 王伟",
    [SCHEMA_PERSON_NAME] = "Gabriela Pérez 王伟",
    [SCHEMA_EMAIL] = "gabriela.perez@example.org",
    [SCHEMA_PHONE] = "+34612345667",
    [SCHEMA_POSTAL_ADDRESS] = "Calle Mayor 1, Madrid",
    [SCHEMA_POSTAL_CODE] = "28013",
    [SCHEMA_COUNTRY] = "ES",
    [SCHEMA_DATE] = "1997-01-12",
    [SCHEMA_BIRTH_DATE] = "1970-05-31",
    [SCHEMA_NUMBER] = "612345667",
    [SCHEMA_MONEY] = "11.77",
    [SCHEMA_CATEGORY] = "female",
    [SCHEMA_BOOL] = "true",
};

static struct transform
usual(unsigned as)
{
    return (struct transform){
        .as = (enum transform_as)as, .width = 10, .chars = 3, .n_edges = 2, .edges = {10, 20}};
}

/* One letter a class (identifier, quasi, attribute, sensitive): y allowed, r refused, - no sense. */
static const char *const allowed[TRANSFORM_COUNT][SCHEMA_TYPES] = {
    /* text, person_name, email, phone, postal_address, postal_code, country, date, birth_date,
       number, money, category, bool */
    [TRANSFORM_KEEP] = {"ryyr", "rrrr", "rrrr", "rrrr", "rrrr", "ryyy", "ryyy", "ryyy", "rrrr",
                        "ryyy", "ryyy", "ryyy", "ryyy"},
    [TRANSFORM_DROP] = {"yyyy", "yyyy", "yyyy", "yyyy", "yyyy", "yyyy", "yyyy", "yyyy", "yyyy",
                        "yyyy", "yyyy", "yyyy", "yyyy"},
    [TRANSFORM_AGE_BAND] = {"r---", "rrrr", "rrrr", "rrrr", "rrrr", "r---", "r---", "r---", "ryyy",
                            "r---", "r---", "r---", "r---"},
    [TRANSFORM_YEAR] = {"r---", "rrrr", "rrrr", "rrrr", "rrrr", "r---", "r---", "ryyy", "ryyy",
                        "r---", "r---", "r---", "r---"},
    [TRANSFORM_MONTH] = {"r---", "rrrr", "rrrr", "rrrr", "rrrr", "r---", "r---", "ryyy", "ryyy",
                         "r---", "r---", "r---", "r---"},
    [TRANSFORM_PREFIX] = {"ryyy", "rrrr", "rrrr", "rrrr", "rrrr", "ryyy", "ryyy", "r---", "r---",
                          "r---", "r---", "ryyy", "r---"},
    [TRANSFORM_MASK] = {"yyyy", "yyyy", "yyyy", "yyyy", "yyyy", "yyyy", "yyyy", "yyyy", "yyyy",
                        "yyyy", "yyyy", "yyyy", "----"},
    [TRANSFORM_DOMAIN] = {"r---", "rrrr", "yyyy", "rrrr", "rrrr", "r---", "r---", "r---", "r---",
                          "r---", "r---", "r---", "r---"},
    [TRANSFORM_BAND] = {"r---", "rrrr", "rrrr", "rrrr", "rrrr", "r---", "r---", "r---", "r---",
                        "ryyy", "ryyy", "r---", "r---"},
};

static void
what_may_be_shown_is_as_the_table_says(void **state)
{
    (void)state;
    for (unsigned as = 0; as < TRANSFORM_COUNT; as++) {
        for (unsigned type = 0; type < SCHEMA_TYPES; type++) {
            for (unsigned class = 0; class < SCHEMA_CLASSES; class ++) {
                struct transform t = usual(as);
                struct cofre_why why = {.text = ""};
                char want = allowed[as][type][class];
                enum cofre_err err =
                    transform_allowed(&t, (enum schema_type)type, (enum schema_class) class, &why);

                if (err != (want == 'y' ? COFRE_OK : want == 'r' ? COFRE_EREFUSED : COFRE_EINVAL))
                    fail_msg("%s, type %u, class %u: %s %s", transform_text(t.as), type, class,
                             cofre_err_text(err), why.text);
                assert_true((why.text[0] != '\0') == (err != COFRE_OK));
                assert_int_equal(
                    transform_allowed(&t, (enum schema_type)type, (enum schema_class) class, NULL),
                    err);
            }
        }
    }
}

static bool
is_json(const char *text)
{
    json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);

    json_decref(json);
    return json != NULL;
}

/* What makes sense shows something, drop aside; what makes none shows nothing. */
static void
every_transform_takes_every_type(void **state)
{
    (void)state;
    for (unsigned as = 0; as < TRANSFORM_COUNT; as++) {
        for (unsigned type = 0; type < SCHEMA_TYPES; type++) {
            struct transform t = usual(as);
            char *first = shown_on(&t, (enum schema_type)type, bytes_str(samples[type]), &today);
            char *again = shown_on(&t, (enum schema_type)type, bytes_str(samples[type]), &today);
            bool sense = as != TRANSFORM_DROP && strchr(allowed[as][type], 'y') != NULL;

            if (as == TRANSFORM_KEEP)
                sense = true;
            if (sense != (first != NULL))
                fail_msg("%s, type %u: %s", transform_text(t.as), type, first);
            if (first != NULL) {
                assert_true(is_json(first));
                assert_string_equal(first, again);
            }
            free(first);
            free(again);
        }
    }
}

/* Characters of value that stand in shown, bullets aside, counted from the left, in order. */
static size_t
leaked(const char *shown, const char *value)
{
    utf8proc_int32_t want;
    utf8proc_int32_t c;
    size_t n = 0;

    shown++; /* the quote */
    while (*value != '\0' && *shown != '\0' && *shown != '"') {
        utf8proc_ssize_t step = utf8proc_iterate((const uint8_t *)shown, -1, &want);
        const char *at = value;

        assert_true(step > 0);
        shown += step;
        if (want == 0x2022 || want == ' ')
            continue;
        for (; *at != '\0'; at += utf8proc_iterate((const uint8_t *)at, -1, &c)) {
            utf8proc_iterate((const uint8_t *)at, -1, &c);
            if (c == want)
                break;
        }
        assert_true(*at != '\0');
        value = at + utf8proc_iterate((const uint8_t *)at, -1, &c);
        n++;
    }
    return n;
}

/* A whole word of the value of three characters or more never comes through. */
static void
no_allowed_transform_of_an_identifier_shows_it(void **state)
{
    static const struct {
        enum schema_type type;
        const char *value;
        size_t most; /* characters that may be seen */
    } rows[] = {
        {SCHEMA_TEXT, "00012345", 1},
        {SCHEMA_TEXT, "王", 0},
        {SCHEMA_PERSON_NAME, "Gabriela", 1},
        {SCHEMA_PERSON_NAME, "Gabriela Pérez Ruiz", 3},
        {SCHEMA_PERSON_NAME, "王伟", 1},
        {SCHEMA_PERSON_NAME, "A", 0},
        {SCHEMA_PHONE, "+34612345667", 5},
        {SCHEMA_PHONE, "+3412345", 3},
        {SCHEMA_POSTAL_ADDRESS, "Calle Mayor 1, 28013 Madrid", 1},
        {SCHEMA_NUMBER, "612345667", 1},
        {SCHEMA_DATE, "1997-01-12", 1},
        {SCHEMA_BIRTH_DATE, "1970-05-31", 1},
        {SCHEMA_CATEGORY, "female", 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (unsigned as = 0; as < TRANSFORM_COUNT; as++) {
            struct transform t = usual(as);
            char *got;

            if (transform_allowed(&t, rows[i].type, SCHEMA_IDENTIFIER, NULL) != COFRE_OK)
                continue;
            got = shown_on(&t, rows[i].type, bytes_str(rows[i].value), &today);
            if (got != NULL && leaked(got, rows[i].value) > rows[i].most)
                fail_msg("%s shows %s", transform_text(t.as), got);
            free(got);
        }
    }
}

/* Only a first letter and the domain tell two masked values apart. */
static void
masks_hide_the_length(void **state)
{
    static const char *const same[][2] = {{"Ana", "Alexandrina"}, {"王伟", "王小明明"}};

    (void)state;
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        char *a = shown_on(&mask, SCHEMA_PERSON_NAME, bytes_str(same[i][0]), &today);
        char *b = shown_on(&mask, SCHEMA_PERSON_NAME, bytes_str(same[i][1]), &today);

        assert_string_equal(a, b);
        free(a);
        free(b);
    }
}

/* Values lie in blocks of their size, so that the address sanitizer sees a read past the end. */
static void
no_byte_past_the_value_is_read(void **state)
{
    (void)state;
    for (unsigned type = 0; type < SCHEMA_TYPES; type++) {
        size_t full = strlen(samples[type]);

        for (size_t len = 1; len <= full; len++) {
            uint8_t *value = malloc(len);

            assert_non_null(value);
            memcpy(value, samples[type], len);
            for (unsigned as = 0; as < TRANSFORM_COUNT; as++) {
                struct transform t = usual(as);
                char *got =
                    shown_on(&t, (enum schema_type)type, (struct bytes){value, len}, &today);

                assert_true(got == NULL || is_json(got));
                free(got);
            }
            free(value);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_back),
        cmocka_unit_test(kept_values_are_typed),
        cmocka_unit_test(masks_show_one_character),
        cmocka_unit_test(an_endless_character_is_not_shown),
        cmocka_unit_test(masked_addresses_keep_domain_and_country_code),
        cmocka_unit_test(prefixes_are_shorter_than_the_value),
        cmocka_unit_test(dates_are_cut_to_year_and_month),
        cmocka_unit_test(ages_fall_into_bands),
        cmocka_unit_test(those_born_on_29_february_age_on_1_march),
        cmocka_unit_test(amounts_fall_into_bands),
        cmocka_unit_test(what_may_be_shown_is_as_the_table_says),
        cmocka_unit_test(every_transform_takes_every_type),
        cmocka_unit_test(no_allowed_transform_of_an_identifier_shows_it),
        cmocka_unit_test(masks_hide_the_length),
        cmocka_unit_test(no_byte_past_the_value_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
