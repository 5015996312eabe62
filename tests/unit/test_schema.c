#include "unit.h"

#include "vault/records/schema.h"

static enum cofre_err
parse(const char *json, struct schema **out, struct cofre_why *why)
{
    struct bytes exact = unit_exact(bytes_str(json));
    enum cofre_err err;

    if (why != NULL)
        why->text[0] = '\0';
    err = schema_parse(exact, out, why);
    unit_exact_free(exact);
    return err;
}

static struct schema *
parsed(const char *json)
{
    struct cofre_why why;
    struct schema *s;

    if (parse(json, &s, &why) != COFRE_OK)
        fail_msg("refused: %s", why.text);
    return s;
}

static void
the_default_has_the_fields_of_a_shop(void **state)
{
    static const struct {
        const char *name;
        enum schema_type type;
        enum schema_class class;
        bool unique, required, derived;
    } want[] = {
        {"external_id", SCHEMA_TEXT, SCHEMA_IDENTIFIER, true, true, false},
        {"name", SCHEMA_PERSON_NAME, SCHEMA_IDENTIFIER, false, false, false},
        {"email", SCHEMA_EMAIL, SCHEMA_IDENTIFIER, true, false, false},
        {"phone", SCHEMA_PHONE, SCHEMA_IDENTIFIER, true, false, false},
        {"postal_address", SCHEMA_POSTAL_ADDRESS, SCHEMA_IDENTIFIER, false, false, false},
        {"birth_date", SCHEMA_BIRTH_DATE, SCHEMA_QUASI, false, false, false},
        {"gender", SCHEMA_CATEGORY, SCHEMA_QUASI, false, false, false},
        {"postal_code", SCHEMA_POSTAL_CODE, SCHEMA_QUASI, false, false, false},
        {"city", SCHEMA_TEXT, SCHEMA_QUASI, false, false, false},
        {"country", SCHEMA_COUNTRY, SCHEMA_ATTRIBUTE, false, false, false},
        {"language", SCHEMA_CATEGORY, SCHEMA_ATTRIBUTE, false, false, false},
        {"status", SCHEMA_CATEGORY, SCHEMA_ATTRIBUTE, false, false, true},
        {"joined_on", SCHEMA_DATE, SCHEMA_ATTRIBUTE, false, false, false},
        {"tags", SCHEMA_TEXT, SCHEMA_ATTRIBUTE, false, false, false},
    };
    static const char *const kinds[] = {"purchase", "visit",  "return", "complaint",
                                        "contact",  "survey", "points", "exit"};
    static const struct {
        const char *name;
        enum schema_type type;
    } attributes[] = {
        {"amount", SCHEMA_MONEY},          {"currency", SCHEMA_CATEGORY},
        {"quantity", SCHEMA_NUMBER},       {"category", SCHEMA_CATEGORY},
        {"channel", SCHEMA_CATEGORY},      {"rating", SCHEMA_NUMBER},
        {"reason", SCHEMA_CATEGORY},       {"points", SCHEMA_NUMBER},
        {"response_hours", SCHEMA_NUMBER},
    };
    struct schema *s = parsed(schema_default);

    (void)state;
    assert_int_equal(s->n_fields, sizeof want / sizeof want[0]);
    for (size_t i = 0; i < s->n_fields; i++) {
        const struct schema_field *f = schema_field(s, bytes_str(want[i].name));

        assert_non_null(f);
        assert_int_equal(f->type, want[i].type);
        assert_int_equal(f->class, want[i].class);
        assert_int_equal(f->unique, want[i].unique);
        assert_int_equal(f->lookup, want[i].unique);
        assert_int_equal(f->required, want[i].required);
        assert_int_equal(f->derived, want[i].derived);
    }
    assert_int_equal(s->n_kinds, sizeof kinds / sizeof kinds[0]);
    for (size_t i = 0; i < s->n_kinds; i++)
        assert_non_null(schema_kind(s, bytes_str(kinds[i])));
    assert_int_equal(s->n_attributes, sizeof attributes / sizeof attributes[0]);
    for (size_t i = 0; i < s->n_attributes; i++)
        assert_int_equal(schema_attribute(s, bytes_str(attributes[i].name))->type,
                         attributes[i].type);
    assert_string_equal(s->default_country, "");
    assert_null(schema_field(s, BYTES_LIT("nam")));
    assert_null(schema_field(s, BYTES_LIT("amount")));
    assert_null(schema_attribute(s, BYTES_LIT("email")));
    assert_null(schema_kind(s, BYTES_NONE));
    schema_free(s);
    schema_free(NULL);
}

#define FIELD "{\"type\":\"text\",\"class\":\"attribute\""
#define NAME63 "a23456789012345678901234567890123456789012345678901234567890123"

/* Each document, and how the cause begins. */
static void
anything_unknown_doubled_or_of_a_wrong_type_is_refused(void **state)
{
    static const struct {
        const char *json;
        const char *why;
    } rows[] = {
        {"", "line "},
        {"{", "line "},
        {"[]", "the document is not an object"},
        {"{}", "/fields: is missing"},
        {"{\"fields\":{}} x", "line "},
        {"{\"fields\":{},\"fields\":{}}", "line "},
        {"{\"fields\":{},\"more\":1}", "a top-level member"},
        {"{\"fields\":[]}", "/fields: is not an object"},
        {"{\"fields\":{\"a\":1}}", "/fields/a: is not an object"},
        {"{\"fields\":{\"a\":{}}}", "/fields/a: has no type"},
        {"{\"fields\":{\"a\":{\"type\":\"text\"}}}", "/fields/a: has no class"},
        {"{\"fields\":{\"a\":{\"type\":\"txt\",\"class\":\"quasi\"}}}", "/fields/a/type: "},
        {"{\"fields\":{\"a\":{\"type\":1,\"class\":\"quasi\"}}}", "/fields/a/type: "},
        {"{\"fields\":{\"a\":{\"type\":\"text\",\"class\":\"secret\"}}}", "/fields/a/class: "},
        {"{\"fields\":{\"a\":" FIELD ",\"unique\":1}}}", "/fields/a/unique: is neither"},
        {"{\"fields\":{\"a\":" FIELD ",\"uniq\":true}}}", "/fields/a/uniq: is not a member"},
        {"{\"fields\":{\"a\":" FIELD ",\"U\":true}}}", "/fields/a: is not a member"},
        {"{\"fields\":{\"a\":" FIELD ",\"unique\":true,\"lookup\":false}}}",
         "/fields/a: is unique"},
        {"{\"fields\":{\"a\":" FIELD ",\"derived\":true}}}", "/fields/a: cannot be derived"},
        {"{\"fields\":{\"a\":" FIELD ",\"num\":0}}}", "/fields/a/num: "},
        {"{\"fields\":{\"a\":" FIELD ",\"num\":65536}}}", "/fields/a/num: "},
        {"{\"fields\":{\"a\":" FIELD ",\"num\":1.0}}}", "/fields/a/num: "},
        {"{\"fields\":{\"a\":" FIELD ",\"num\":3},\"b\":" FIELD ",\"num\":3}}}", "/fields/b/num: "},
        {"{\"fields\":{\"status\":" FIELD "}}}", "/fields/status: must be derived"},
        {"{\"fields\":{\"status\":" FIELD ",\"derived\":true}}}", "/fields/status: is derived"},
        {"{\"fields\":{\"consents\":" FIELD "}}}", "/fields/consents: is a reserved name"},
        {"{\"fields\":{\"\":" FIELD "}}}", "/fields: a name is not"},
        {"{\"fields\":{\"1a\":" FIELD "}}}", "/fields: a name is not"},
        {"{\"fields\":{\"aB\":" FIELD "}}}", "/fields: a name is not"},
        {"{\"fields\":{\"a-b\":" FIELD "}}}", "/fields: a name is not"},
        {"{\"fields\":{\"a\\u00e9\":" FIELD "}}}", "/fields: a name is not"},
        {"{\"fields\":{\"" NAME63 "4\":" FIELD "}}}", "/fields: a name is not"},
        {"{\"default_country\":\"ZZ\",\"fields\":{}}", "/default_country: "},
        {"{\"default_country\":\"es\",\"fields\":{}}", "/default_country: "},
        {"{\"default_country\":\"ESP\",\"fields\":{}}", "/default_country: "},
        {"{\"default_country\":null,\"fields\":{}}", "/default_country: "},
        {"{\"fields\":{},\"events\":[]}", "/events: is not an object"},
        {"{\"fields\":{},\"events\":{\"kind\":[]}}", "/events: a member"},
        {"{\"fields\":{},\"events\":{\"kinds\":{}}}", "/events/kinds: is not an array"},
        {"{\"fields\":{},\"events\":{\"kinds\":[\"a\",\"a\"]}}", "/events/kinds/1: "},
        {"{\"fields\":{},\"events\":{\"kinds\":[1]}}", "/events/kinds/0: "},
        {"{\"fields\":{},\"events\":{\"kinds\":[\"A\"]}}", "/events/kinds/0: "},
        {"{\"fields\":{},\"events\":{\"kinds\":[{\"num\":1}]}}", "/events/kinds/0: "},
        {"{\"fields\":{},\"events\":{\"kinds\":[{\"name\":\"a\",\"x\":1}]}}",
         "/events/kinds/0: a member"},
        {"{\"fields\":{},\"events\":{\"kinds\":[{\"name\":\"a\",\"num\":1},{\"name\":\"b\",\"num\":"
         "1}]}}",
         "/events/kinds/1: "},
        {"{\"fields\":{},\"events\":{\"attributes\":{\"a\":" FIELD "}}}}",
         "/events/attributes/a/class: "},
        {"{\"fields\":{},\"events\":{\"attributes\":{\"time\":{\"type\":\"date\"}}}}",
         "/events/attributes/time: is a reserved name"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct schema *s = (void *)1;
        struct cofre_why why;

        if (parse(rows[i].json, &s, &why) != COFRE_EFORMAT || s != NULL ||
            strncmp(why.text, rows[i].why, strlen(rows[i].why)) != 0)
            fail_msg("row %zu: \"%s\", not \"%s\"", i, why.text, rows[i].why);
        assert_int_equal(parse(rows[i].json, &s, NULL), COFRE_EFORMAT);
    }
}

static void
limits_hold(void **state)
{
    struct schema *s;
    struct buf doc = BUF_INIT;

    (void)state;
    for (unsigned n = SCHEMA_FIELDS_MAX; n <= SCHEMA_FIELDS_MAX + 1; n++) {
        buf_reset(&doc);
        buf_puts(&doc, "{\"fields\":{");
        for (unsigned i = 0; i < n; i++)
            buf_putf(&doc, "%s\"f%u\":" FIELD "}", i > 0 ? "," : "", i);
        buf_puts(&doc, "},\"events\":{\"kinds\":[");
        for (unsigned i = 0; i < SCHEMA_KINDS_MAX; i++)
            buf_putf(&doc, "%s\"k%u\"", i > 0 ? "," : "", i);
        buf_puts(&doc, "]}}");
        assert_int_equal(schema_parse(buf_bytes(&doc), &s, NULL),
                         n == SCHEMA_FIELDS_MAX ? COFRE_OK : COFRE_EFORMAT);
        schema_free(s);
    }

    s = parsed("{\"fields\":{\"" NAME63 "\":" FIELD "}}}");
    assert_non_null(schema_field(s, BYTES_LIT(NAME63)));
    schema_free(s);

    buf_reset(&doc);
    buf_puts(&doc, "{\"fields\":{}}");
    while (doc.len <= SCHEMA_DOC_MAX)
        buf_putc(&doc, ' ');
    assert_int_equal(schema_parse(buf_bytes(&doc), &s, NULL), COFRE_EFORMAT);
    assert_int_equal(schema_parse((struct bytes){doc.p, SCHEMA_DOC_MAX}, &s, NULL), COFRE_OK);
    schema_free(s);
    buf_free(&doc);
}

static void
numbers_are_given_once_and_stay(void **state)
{
    struct schema *old = parsed("{\"fields\":{\"a\":" FIELD "},\"b\":" FIELD "}},"
                                "\"events\":{\"kinds\":[\"x\",\"y\"],"
                                "\"attributes\":{\"p\":{\"type\":\"money\"}}}}");
    struct schema *next =
        parsed("{\"fields\":{\"c\":" FIELD ",\"num\":1},\"b\":" FIELD
               ",\"required\":true},\"a\":" FIELD "}},\"events\":{\"kinds\":[\"z\",\"y\",\"x\"],"
               "\"attributes\":{\"q\":{\"type\":\"bool\"},\"p\":{\"type\":\"money\"}}}}");

    (void)state;
    assert_int_equal(schema_merge(NULL, old, NULL), COFRE_OK);
    assert_int_equal(schema_field(old, BYTES_LIT("a"))->num, 1);
    assert_int_equal(schema_field(old, BYTES_LIT("b"))->num, 2);
    assert_int_equal(schema_kind(old, BYTES_LIT("y"))->num, 2);

    assert_int_equal(schema_merge(old, next, NULL), COFRE_OK);
    assert_int_equal(schema_field(next, BYTES_LIT("a"))->num, 1);
    assert_int_equal(schema_field(next, BYTES_LIT("b"))->num, 2);
    assert_int_equal(schema_field(next, BYTES_LIT("c"))->num, 3);
    assert_string_equal(schema_field_num(next, 3)->name, "c");
    assert_null(schema_field_num(next, 4));
    assert_int_equal(schema_kind(next, BYTES_LIT("x"))->num, 1);
    assert_string_equal(schema_kind_num(next, 3)->name, "z");
    assert_null(schema_kind_num(next, 0));
    assert_int_equal(schema_attribute(next, BYTES_LIT("p"))->num, 1);
    assert_int_equal(schema_attribute(next, BYTES_LIT("q"))->num, 2);
    schema_free(old);
    schema_free(next);
}

#define DOC(field, kinds, attribute) \
    "{\"fields\":{" field "},\"events\":{\"kinds\":[" kinds "],\"attributes\":{" attribute "}}}"
#define A "\"a\":{\"type\":\"email\",\"class\":\"quasi\"}"
#define K "\"k\""
#define P "\"p\":{\"type\":\"money\"}"

static void
what_data_are_stored_under_cannot_change(void **state)
{
    static const struct {
        const char *next;
        const char *why;
    } rows[] = {
        {DOC("", K, P), "field a is missing"},
        {DOC("\"a\":{\"type\":\"text\",\"class\":\"quasi\"}", K, P),
         "field a: its type cannot change"},
        {DOC("\"a\":{\"type\":\"email\",\"class\":\"attribute\"}", K, P),
         "field a: its class cannot change"},
        {DOC("\"a\":{\"type\":\"email\",\"class\":\"quasi\",\"unique\":true}", K, P),
         "field a: its uniqueness cannot change"},
        {DOC("\"a\":{\"type\":\"email\",\"class\":\"quasi\",\"lookup\":true}", K, P),
         "field a: its look-up cannot change"},
        {DOC(A, "", P), "event kind k is missing"},
        {DOC(A, K, ""), "attribute p is missing"},
        {DOC(A, K, "\"p\":{\"type\":\"number\"}"), "attribute p: its type cannot change"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct schema *old = parsed(DOC(A, K, P));
        struct schema *next = parsed(rows[i].next);
        struct cofre_why why = {.text = ""};

        assert_int_equal(schema_merge(NULL, old, NULL), COFRE_OK);
        assert_int_equal(schema_merge(old, next, &why), COFRE_EREFUSED);
        assert_string_equal(why.text, rows[i].why);
        schema_free(old);
        schema_free(next);
    }
}

static void
the_stored_form_reads_back_as_it_was(void **state)
{
    struct schema *s = parsed(schema_default);
    struct buf once = BUF_INIT, twice = BUF_INIT;
    struct schema *again;

    (void)state;
    assert_int_equal(schema_merge(NULL, s, NULL), COFRE_OK);
    schema_write(s, &once);
    assert_int_equal(buf_error(&once), COFRE_OK);
    assert_null(memchr(once.p, '\n', once.len));
    assert_int_equal(schema_parse(buf_bytes(&once), &again, NULL), COFRE_OK);
    assert_memory_equal(s, again, sizeof *s);
    schema_write(again, &twice);
    assert_true(bytes_equal(buf_bytes(&once), buf_bytes(&twice)));
    schema_free(s);
    schema_free(again);
    buf_free(&once);
    buf_free(&twice);
}

static void
the_stored_form_is_sorted_by_number(void **state)
{
    struct schema *s =
        parsed("{\"default_country\":\"ES\",\"fields\":{"
               "\"b\":{\"num\":9,\"type\":\"text\",\"class\":\"quasi\",\"lookup\":true},"
               "\"a\":{\"num\":2,\"type\":\"bool\",\"class\":\"sensitive\"}},"
               "\"events\":{\"kinds\":[{\"num\":7,\"name\":\"y\"},"
               "{\"num\":3,\"name\":\"x\"}]}}");
    struct buf out = BUF_INIT;

    (void)state;
    schema_write(s, &out);
    buf_putc(&out, '\0');
    assert_string_equal((const char *)out.p,
                        "{\"default_country\":\"ES\",\"fields\":{"
                        "\"a\":{\"num\":2,\"type\":\"bool\",\"class\":\"sensitive\"},"
                        "\"b\":{\"num\":9,\"type\":\"text\",\"class\":\"quasi\",\"lookup\":true}},"
                        "\"events\":{\"kinds\":[{\"num\":3,\"name\":\"x\"},"
                        "{\"num\":7,\"name\":\"y\"}],\"attributes\":{}}}");
    schema_free(s);
    buf_free(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_has_the_fields_of_a_shop),
        cmocka_unit_test(anything_unknown_doubled_or_of_a_wrong_type_is_refused),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(numbers_are_given_once_and_stay),
        cmocka_unit_test(what_data_are_stored_under_cannot_change),
        cmocka_unit_test(the_stored_form_reads_back_as_it_was),
        cmocka_unit_test(the_stored_form_is_sorted_by_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
