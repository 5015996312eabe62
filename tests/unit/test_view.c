#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <jansson.h>

#include "vault/views/view.h"

/*
 * Allocations fail from a given one on: ours, or those of the JSON parser.
 * wrap: malloc calloc
 */
static size_t allocations_left = SIZE_MAX;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);

static bool
may_allocate(void)
{
    if (allocations_left == SIZE_MAX)
        return true;
    if (allocations_left == 0)
        return false;
    allocations_left--;
    return true;
}

void *
__wrap_malloc(size_t size)
{
    return may_allocate() ? __real_malloc(size) : NULL;
}

void *
__wrap_calloc(size_t n, size_t size)
{
    return may_allocate() ? __real_calloc(n, size) : NULL;
}

static const char schema_text[] =
    "{\"default_country\":\"\",\"fields\":{"
    "\"external_id\":{\"type\":\"text\",\"class\":\"identifier\",\"unique\":true},"
    "\"name\":{\"type\":\"person_name\",\"class\":\"identifier\"},"
    "\"nick\":{\"type\":\"person_name\",\"class\":\"attribute\"},"
    "\"email\":{\"type\":\"email\",\"class\":\"identifier\",\"unique\":true},"
    "\"phone\":{\"type\":\"phone\",\"class\":\"identifier\",\"unique\":true},"
    "\"postal_address\":{\"type\":\"postal_address\",\"class\":\"identifier\"},"
    "\"birth_date\":{\"type\":\"birth_date\",\"class\":\"quasi\"},"
    "\"postal_code\":{\"type\":\"postal_code\",\"class\":\"quasi\"},"
    "\"city\":{\"type\":\"text\",\"class\":\"quasi\"},"
    "\"country\":{\"type\":\"country\",\"class\":\"attribute\"},"
    "\"status\":{\"type\":\"category\",\"class\":\"attribute\",\"derived\":true},"
    "\"joined_on\":{\"type\":\"date\",\"class\":\"attribute\"},"
    "\"diet\":{\"type\":\"category\",\"class\":\"sensitive\"},"
    "\"notes\":{\"type\":\"text\",\"class\":\"sensitive\"}},"
    "\"events\":{\"kinds\":[\"purchase\",\"visit\",\"return\",\"complaint\"],"
    "\"attributes\":{\"amount\":{\"type\":\"money\"},\"quantity\":{\"type\":\"number\"},"
    "\"category\":{\"type\":\"category\"}}}}";

static struct schema *schema;

static int
make_schema(void **state)
{
    struct cofre_why why = {.text = ""};

    (void)state;
    if (schema_parse(bytes_str(schema_text), &schema, &why) != COFRE_OK ||
        schema_merge(NULL, schema, &why) != COFRE_OK)
        fail_msg("%s", why.text);
    return 0;
}

static int
free_schema(void **state)
{
    (void)state;
    schema_free(schema);
    return 0;
}

static struct view *
parsed(const char *text)
{
    struct cofre_why why = {.text = ""};
    struct view *v = NULL;

    if (view_parse(bytes_str(text), schema, &v, &why) != COFRE_OK)
        fail_msg("%s", why.text);
    assert_non_null(v);
    assert_string_equal(why.text, "");
    return v;
}

static void
assert_canonical(const char *text, const char *want)
{
    struct view *v = parsed(text);
    struct buf out = BUF_INIT;

    view_write(v, schema, &out);
    buf_putc(&out, '\0');
    assert_int_equal(buf_error(&out), COFRE_OK);
    assert_string_equal((const char *)out.p, want);
    view_free(v);
    buf_free(&out);
}

static const char example[] =
    "{ \"view\": \"loyalty\", \"purpose\": \"loyalty\", \"pseudonym\": \"relationship\",\n"
    "  \"fields\": { \"birth_date\": {\"as\":\"age_band\",\"width\":10},\n"
    "              \"postal_code\": {\"as\":\"prefix\",\"chars\":2},\n"
    "              \"country\": {\"as\":\"keep\"}, \"email\": {\"as\":\"domain\"},\n"
    "              \"joined_on\": {\"as\":\"month\"}, \"phone\": {\"as\":\"mask\"} },\n"
    "  \"events\": { \"kinds\": [\"purchase\",\"complaint\",\"return\"], \"time\": \"week\",\n"
    "              \"fields\": {\"amount\": {\"as\":\"band\",\"edges\":[-5,0,10]},\n"
    "                         \"category\": {\"as\":\"keep\"}} },\n"
    "  \"write_back\": [\"points\",\"tier\"], \"min_k\": 7 }\n";

static const char example_canonical[] =
    "{\"view\":\"loyalty\",\"purpose\":\"loyalty\",\"pseudonym\":\"relationship\",\"fields\":{"
    "\"birth_date\":{\"as\":\"age_band\",\"width\":10},"
    "\"postal_code\":{\"as\":\"prefix\",\"chars\":2},\"country\":{\"as\":\"keep\"},"
    "\"email\":{\"as\":\"domain\"},\"joined_on\":{\"as\":\"month\"},\"phone\":{\"as\":\"mask\"}},"
    "\"events\":{\"kinds\":[\"purchase\",\"return\",\"complaint\"],\"time\":\"week\",\"fields\":{"
    "\"amount\":{\"as\":\"band\",\"edges\":[-5,0,10]},\"category\":{\"as\":\"keep\"}}},"
    "\"write_back\":[\"tier\",\"points\"],\"min_k\":7}";

static void
a_document_is_read_whole(void **state)
{
    struct view *v = parsed(example);
    const struct view_field *f = v->fields;

    (void)state;
    assert_string_equal(v->name, "loyalty");
    assert_string_equal(v->purpose, "loyalty");
    assert_int_equal(v->n_fields, 6);
    assert_string_equal(f[0].name, "birth_date");
    assert_int_equal(f[0].num, schema_field(schema, BYTES_LIT("birth_date"))->num);
    assert_int_equal(f[0].type, SCHEMA_BIRTH_DATE);
    assert_int_equal(f[0].as.as, TRANSFORM_AGE_BAND);
    assert_int_equal(f[0].as.width, 10);
    assert_true(bytes_equal(f[0].json_name, BYTES_LIT("\"birth_date\":")));
    assert_int_equal(f[1].as.chars, 2);
    assert_false(f[2].identifier);
    assert_int_equal(f[3].as.as, TRANSFORM_DOMAIN);
    assert_true(f[3].identifier);
    assert_true(v->needs_identifiers);
    assert_false(v->needs_sensitive);
    assert_true(v->has_events);
    assert_true(v->kinds == (1U << 0 | 1U << 2 | 1U << 3));
    assert_int_equal(v->time, TRANSFORM_WEEK);
    assert_int_equal(v->n_attributes, 2);
    assert_string_equal(v->attributes[0].name, "amount");
    assert_int_equal(v->attributes[0].num, schema_attribute(schema, BYTES_LIT("amount"))->num);
    assert_int_equal(v->attributes[0].as.n_edges, 3);
    assert_true(v->attributes[0].as.edges[0] == -5);
    assert_true(bytes_equal(v->attributes[1].json_name, BYTES_LIT("\"category\":")));
    assert_int_equal(v->n_write_back, 2);
    assert_string_equal(v->write_back[0], "tier");
    assert_string_equal(v->write_back[1], "points");
    assert_int_equal(v->min_k, 7);
    view_free(v);
}

static void
what_is_left_out_has_a_default(void **state)
{
    struct view *v = parsed("{\"view\":\"v\",\"purpose\":\"p\",\"fields\":{},"
                            "\"events\":{\"kinds\":[\"visit\"]}}");

    (void)state;
    assert_int_equal(v->n_fields, 0);
    assert_int_equal(v->min_k, 5);
    assert_int_equal(v->time, TRANSFORM_DAY);
    assert_int_equal(v->n_attributes, 0);
    assert_int_equal(v->n_write_back, 0);
    view_free(v);

    v = parsed("{\"view\":\"v\",\"purpose\":\"p\",\"fields\":{}}");
    assert_false(v->has_events);
    view_free(v);
    view_free(NULL);
}

static void
a_view_opens_only_the_compartments_it_shows(void **state)
{
    static const struct {
        const char *fields;
        bool identifiers;
        bool sensitive;
    } rows[] = {
        {"\"country\":{\"as\":\"keep\"},\"birth_date\":{\"as\":\"year\"}", false, false},
        {"\"name\":{\"as\":\"drop\"},\"diet\":{\"as\":\"drop\"}", false, false},
        {"\"name\":{\"as\":\"mask\"}", true, false},
        {"\"diet\":{\"as\":\"keep\"}", false, true},
        {"\"diet\":{\"as\":\"keep\"},\"external_id\":{\"as\":\"mask\"}", true, true},
        {"\"notes\":{\"as\":\"mask\"},\"name\":{\"as\":\"drop\"}", false, true},
    };
    char text[256];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct view *v;

        snprintf(text, sizeof text, "{\"view\":\"v\",\"purpose\":\"p\",\"fields\":{%s}}",
                 rows[i].fields);
        v = parsed(text);
        assert_int_equal(v->needs_identifiers, rows[i].identifiers);
        assert_int_equal(v->needs_sensitive, rows[i].sensitive);
        view_free(v);
    }
}

static void
the_derived_status_is_marked(void **state)
{
    struct view *v = parsed("{\"view\":\"v\",\"purpose\":\"p\",\"fields\":"
                            "{\"status\":{\"as\":\"keep\"},\"country\":{\"as\":\"keep\"}}}");

    (void)state;
    assert_true(v->fields[0].derived);
    assert_false(v->fields[1].derived);
    view_free(v);
}

static void
equal_views_are_written_alike(void **state)
{
    (void)state;
    assert_canonical(example, example_canonical);
    assert_canonical(example_canonical, example_canonical);
    assert_canonical("{\"min_k\":5,\"fields\":{},\"purpose\":\"p\",\"view\":\"v\"}",
                     "{\"view\":\"v\",\"purpose\":\"p\",\"pseudonym\":\"relationship\","
                     "\"fields\":{},\"write_back\":[],\"min_k\":5}");
    assert_canonical("{\"events\":{\"fields\":{},\"kinds\":[\"visit\",\"purchase\"]},"
                     "\"fields\":{\"name\":{\"as\":\"drop\"}},\"purpose\":\"p-1\",\"view\":\"v_2\","
                     "\"write_back\":[\"flags\",\"tier\",\"points\"]}",
                     "{\"view\":\"v_2\",\"purpose\":\"p-1\",\"pseudonym\":\"relationship\","
                     "\"fields\":{\"name\":{\"as\":\"drop\"}},"
                     "\"events\":{\"kinds\":[\"purchase\",\"visit\"],\"time\":\"day\","
                     "\"fields\":{}},\"write_back\":[\"tier\",\"points\",\"flags\"],\"min_k\":5}");
}

/* ---- refusals ---- */

struct refusal {
    const char *text;
    const char *why; /* how the text begins */
};

static void
assert_refusals(const struct refusal *rows, size_t n, enum cofre_err want)
{
    static struct view not_null;

    for (size_t i = 0; i < n; i++) {
        struct cofre_why why = {.text = ""};
        struct view *v = &not_null;
        enum cofre_err err = view_parse(bytes_str(rows[i].text), schema, &v, &why);

        if (err != want || strncmp(why.text, rows[i].why, strlen(rows[i].why)) != 0)
            fail_msg("%s: %s: \"%s\", not \"%s\"", rows[i].text, cofre_err_text(err), why.text,
                     rows[i].why);
        assert_null(v);
        assert_int_equal(view_parse(bytes_str(rows[i].text), schema, &v, NULL), want);
        assert_null(v);
    }
}

#define ASSERT_REFUSALS(rows, want) assert_refusals(rows, sizeof(rows) / sizeof *(rows), want)
#define VIEW(rest) "{\"view\":\"v\",\"purpose\":\"p\"," rest "}"
#define FIELDS(fields) VIEW("\"fields\":{" fields "}")
#define EVENTS(events) VIEW("\"fields\":{},\"events\":" events)

static void
what_is_no_view_is_refused_with_the_place(void **state)
{
    static const struct refusal rows[] = {
        {"", "view document: line "},
        {"nothing", "view document: line 1, column "},
        {"[]", "view document: must be an object"},
        {"{}", "/view: missing"},
        {"{\"view\":\"v\"}", "/purpose: missing"},
        {"{\"view\":\"v\",\"purpose\":\"p\"}", "/fields: missing"},
        {"{\"view\":1}", "/view: must be a string"},
        {"{\"view\":\"\"}", "/view: must be a name"},
        {"{\"view\":\"Loyalty\"}", "/view: must be a name"},
        {"{\"view\":\"1\"}", "/view: must be a name"},
        {"{\"view\":\"v w\"}", "/view: must be a name"},
        {"{\"view\":\"a123456789b123456789c123456789d123456789e123456789f123456789g123\"}",
         "/view: must be a name"},
        {"{\"view\":\"v\",\"purpose\":\"p/q\"}", "/purpose: must be a name"},
        {"{\"view\":\"v\",\"view\":\"v\"}", "view document: line 1, column "},
        {VIEW("\"fields\":{}} {"), "view document: line 1, column "},
        {VIEW("\"fields\":[]"), "/fields: must be an object"},
        {VIEW("\"fields\":{},\"feilds\":{}"), "/feilds: unknown member"},
        {VIEW("\"fields\":{},\"a/b~\\u00e9\":{}"), "/a~1b~0\?\?: unknown member"},
        {VIEW("\"fields\":{},\"pseudonym\":\"event\""), "/pseudonym: must be \"relationship\""},
        {VIEW("\"fields\":{},\"pseudonym\":null"), "/pseudonym: must be a string"},
        {VIEW("\"fields\":{},\"min_k\":1"), "/min_k: must be from 2 to 1000"},
        {VIEW("\"fields\":{},\"min_k\":1001"), "/min_k: must be from 2 to 1000"},
        {VIEW("\"fields\":{},\"min_k\":5.0"), "/min_k: must be an integer"},
        {VIEW("\"fields\":{},\"min_k\":\"5\""), "/min_k: must be an integer"},
        {VIEW("\"fields\":{},\"write_back\":\"tier\""), "/write_back: must be an array"},
        {VIEW("\"fields\":{},\"write_back\":[1]"), "/write_back/0: must be a string"},
        {VIEW("\"fields\":{},\"write_back\":[\"tier\",\"name\"]"),
         "/write_back/1: must be tier, points or flags"},
        {VIEW("\"fields\":{},\"write_back\":[\"tier\",\"tier\"]"),
         "/write_back/1: stands here twice"},
    };

    (void)state;
    ASSERT_REFUSALS(rows, COFRE_EFORMAT);
}

static void
what_is_no_transform_is_refused_with_the_place(void **state)
{
    static const struct refusal rows[] = {
        {FIELDS("\"surname\":{\"as\":\"drop\"}"), "/fields/surname: no such field"},
        {FIELDS("\"amount\":{\"as\":\"keep\"}"), "/fields/amount: no such field"},
        {FIELDS("\"country\":\"keep\""), "/fields/country: must be an object"},
        {FIELDS("\"country\":{}"), "/fields/country/as: missing"},
        {FIELDS("\"country\":{\"as\":7}"), "/fields/country/as: must be a string"},
        {FIELDS("\"country\":{\"as\":\"hash\"}"), "/fields/country/as: no such transform"},
        {FIELDS("\"country\":{\"as\":\"keep\",\"if\":1}"), "/fields/country/if: unknown member"},
        {FIELDS("\"country\":{\"as\":\"keep\"},\"country\":{\"as\":\"drop\"}"),
         "view document: line 1, column "},
        {FIELDS("\"country\":{\"as\":\"year\"}"), "/fields/country/as: year: makes no sense"},
        {FIELDS("\"birth_date\":{\"as\":\"age_band\"}"), "/fields/birth_date/width: missing"},
        {FIELDS("\"birth_date\":{\"as\":\"age_band\",\"width\":0}"),
         "/fields/birth_date/width: must be from 1"},
        {FIELDS("\"birth_date\":{\"as\":\"age_band\",\"width\":51}"),
         "/fields/birth_date/width: must be from 1"},
        {FIELDS("\"birth_date\":{\"as\":\"age_band\",\"width\":\"10\"}"),
         "/fields/birth_date/width: must be an integer"},
        {FIELDS("\"birth_date\":{\"as\":\"year\",\"width\":10}"),
         "/fields/birth_date/width: goes with age_band"},
        {FIELDS("\"postal_code\":{\"as\":\"prefix\"}"), "/fields/postal_code/chars: missing"},
        {FIELDS("\"postal_code\":{\"as\":\"prefix\",\"chars\":0}"),
         "/fields/postal_code/chars: must be from 1 to 3"},
        {FIELDS("\"postal_code\":{\"as\":\"prefix\",\"chars\":4}"),
         "/fields/postal_code/chars: must be from 1 to 3"},
        {FIELDS("\"postal_code\":{\"as\":\"mask\",\"chars\":2}"),
         "/fields/postal_code/chars: goes with prefix"},
        {FIELDS("\"country\":{\"as\":\"keep\",\"edges\":[1]}"),
         "/fields/country/edges: goes with band"},
    };

    (void)state;
    ASSERT_REFUSALS(rows, COFRE_EFORMAT);
}

static void
what_are_no_events_is_refused_with_the_place(void **state)
{
    static const struct refusal rows[] = {
        {EVENTS("[]"), "/events: must be an object"},
        {EVENTS("{}"), "/events/kinds: missing"},
        {EVENTS("{\"kinds\":[]}"), "/events/kinds: must name a kind"},
        {EVENTS("{\"kinds\":\"visit\"}"), "/events/kinds: must be an array"},
        {EVENTS("{\"kinds\":[\"visit\",{}]}"), "/events/kinds/1: must be a string"},
        {EVENTS("{\"kinds\":[\"visit\",\"theft\"]}"), "/events/kinds/1: no such kind"},
        {EVENTS("{\"kinds\":[\"visit\",\"visit\"]}"), "/events/kinds/1: stands here twice"},
        {EVENTS("{\"kinds\":[\"visit\"],\"time\":\"hour\"}"), "/events/time: must be day, week"},
        {EVENTS("{\"kinds\":[\"visit\"],\"limit\":1}"), "/events/limit: unknown member"},
        {EVENTS("{\"kinds\":[\"visit\"],\"fields\":{\"country\":{\"as\":\"keep\"}}}"),
         "/events/fields/country: no such attribute"},
        {EVENTS("{\"kinds\":[\"visit\"],\"fields\":{\"category\":{\"as\":\"mask\"}}}"),
         "/events/fields/category/as: an attribute can be kept, dropped or banded"},
        {EVENTS("{\"kinds\":[\"visit\"],\"fields\":{\"category\":"
                "{\"as\":\"band\",\"edges\":[1]}}}"),
         "/events/fields/category/as: band: makes no sense"},
        {EVENTS("{\"kinds\":[\"visit\"],\"fields\":{\"amount\":{\"as\":\"band\"}}}"),
         "/events/fields/amount/edges: missing"},
        {EVENTS("{\"kinds\":[\"visit\"],\"fields\":{\"amount\":{\"as\":\"band\",\"edges\":[]}}}"),
         "/events/fields/amount/edges: must be 1 to 32 edges"},
        {EVENTS("{\"kinds\":[\"visit\"],\"fields\":{\"amount\":"
                "{\"as\":\"band\",\"edges\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,"
                "21,22,23,24,25,26,27,28,29,30,31,32,33]}}}"),
         "/events/fields/amount/edges: must be 1 to 32 edges"},
        {EVENTS("{\"kinds\":[\"visit\"],\"fields\":{\"amount\":"
                "{\"as\":\"band\",\"edges\":[1,2,2]}}}"),
         "/events/fields/amount/edges/2: must be above"},
        {EVENTS("{\"kinds\":[\"visit\"],\"fields\":{\"amount\":"
                "{\"as\":\"band\",\"edges\":[1,\"2\"]}}}"),
         "/events/fields/amount/edges/1: must be an integer"},
        {EVENTS("{\"kinds\":[\"visit\"],\"fields\":{\"amount\":"
                "{\"as\":\"band\",\"edges\":[0.5]}}}"),
         "/events/fields/amount/edges/0: must be an integer"},
        {EVENTS("{\"kinds\":[\"visit\"],\"fields\":{\"amount\":"
                "{\"as\":\"band\",\"edges\":[1000000000000001]}}}"),
         "/events/fields/amount/edges/0: must be an integer"},
    };

    (void)state;
    ASSERT_REFUSALS(rows, COFRE_EFORMAT);
}

static void
no_identifier_goes_through_in_clear(void **state)
{
    static const struct refusal rows[] = {
        {FIELDS("\"name\":{\"as\":\"keep\"}"), "/fields/name/as: keep: "},
        {FIELDS("\"name\":{\"as\":\"prefix\",\"chars\":1}"), "/fields/name/as: prefix: "},
        {FIELDS("\"nick\":{\"as\":\"keep\"}"), "/fields/nick/as: keep: "},
        {FIELDS("\"nick\":{\"as\":\"prefix\",\"chars\":3}"), "/fields/nick/as: prefix: "},
        {FIELDS("\"external_id\":{\"as\":\"keep\"}"), "/fields/external_id/as: keep: "},
        {FIELDS("\"external_id\":{\"as\":\"prefix\",\"chars\":3}"),
         "/fields/external_id/as: prefix: "},
        {FIELDS("\"email\":{\"as\":\"keep\"}"), "/fields/email/as: keep: "},
        {FIELDS("\"phone\":{\"as\":\"keep\"}"), "/fields/phone/as: keep: "},
        {FIELDS("\"phone\":{\"as\":\"domain\"}"), "/fields/phone/as: domain: "},
        {FIELDS("\"postal_address\":{\"as\":\"keep\"}"), "/fields/postal_address/as: keep: "},
        {FIELDS("\"country\":{\"as\":\"keep\"},\"postal_address\":{\"as\":\"prefix\",\"chars\":3}"),
         "/fields/postal_address/as: prefix: "},
        {FIELDS("\"birth_date\":{\"as\":\"keep\"}"), "/fields/birth_date/as: keep: "},
        {FIELDS("\"notes\":{\"as\":\"keep\"}"), "/fields/notes/as: keep: "},
    };

    (void)state;
    ASSERT_REFUSALS(rows, COFRE_EREFUSED);
}

static void
a_document_has_a_greatest_length(void **state)
{
    struct cofre_why why = {.text = ""};
    struct buf text = BUF_INIT;
    struct view *v;

    (void)state;
    buf_puts(&text, "{\"view\":\"v\",\"purpose\":\"p\",\"fields\":{}}");
    while (text.len < VIEW_DOC_MAX)
        buf_putc(&text, ' ');
    assert_int_equal(view_parse(buf_bytes(&text), schema, &v, &why), COFRE_OK);
    view_free(v);
    buf_putc(&text, ' ');
    assert_int_equal(view_parse(buf_bytes(&text), schema, &v, &why), COFRE_EFORMAT);
    assert_null(v);
    buf_free(&text);
}

/* A long or odd name in the document is cut in the pointer, and no control character gets out. */
static void
a_long_name_is_cut(void **state)
{
    struct cofre_why why = {.text = ""};
    struct buf text = BUF_INIT;
    struct view *v;

    (void)state;
    buf_puts(&text, "{\"fields\":{},\"\\u001b[31m");
    for (int i = 0; i < 1000; i++)
        buf_puts(&text, "~/");
    buf_puts(&text, "\":1}");
    assert_int_equal(view_parse(buf_bytes(&text), schema, &v, &why), COFRE_EFORMAT);
    assert_memory_equal(why.text, "/?[31m~0~1~0", 12);
    assert_non_null(strstr(why.text, ": unknown member"));
    buf_free(&text);
}

/* Each shorter document is refused, and each with one byte changed is refused or a view. */
static void
damaged_documents_do_no_harm(void **state)
{
    char text[sizeof example_canonical];
    struct view *v;

    (void)state;
    for (size_t len = 0; len < sizeof example_canonical - 1; len++) {
        struct bytes cut = {(const uint8_t *)example_canonical, len};

        assert_int_equal(view_parse(cut, schema, &v, NULL), COFRE_EFORMAT);
        assert_null(v);
    }
    for (size_t i = 0; i < sizeof example_canonical - 1; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            enum cofre_err err;

            memcpy(text, example_canonical, sizeof text);
            text[i] = (char)((unsigned char)text[i] ^ (1U << bit));
            err = view_parse((struct bytes){(const uint8_t *)text, sizeof text - 1}, schema, &v,
                             NULL);
            assert_true((err == COFRE_OK) == (v != NULL));
            assert_true(err == COFRE_OK || err == COFRE_EFORMAT || err == COFRE_EREFUSED);
            view_free(v);
        }
    }
}

/* With the first n allocations alone; *v is NULL on error. */
static enum cofre_err
parse_with(size_t n, struct view **v)
{
    enum cofre_err err;

    allocations_left = n;
    err = view_parse(BYTES_LIT(example), schema, v, NULL);
    allocations_left = SIZE_MAX;
    assert_true((err == COFRE_OK) == (*v != NULL));
    return err;
}

static void
each_failing_allocation_of_ours_is_told(void **state)
{
    enum cofre_err err = COFRE_ENOMEM;
    struct view *v;
    size_t n;

    (void)state;
    for (n = 0; err != COFRE_OK; n++) {
        err = parse_with(n, &v);
        assert_true(err == COFRE_OK || err == COFRE_ENOMEM);
        view_free(v);
    }
    /* The view, and the name of each of its fields and attributes. */
    assert_int_equal(n - 1, 1 + 6 + 2);
}

/* The parser calls some of its own failed allocations bad text (EFORMAT). */
static void
no_failing_allocation_of_the_parser_gives_a_view(void **state)
{
    enum cofre_err err = COFRE_ENOMEM;
    struct view *v;
    size_t n;

    (void)state;
    json_set_alloc_funcs(__wrap_malloc, free);
    assert_int_equal(parse_with(0, &v), COFRE_ENOMEM);
    for (n = 0; err != COFRE_OK; n++) {
        err = parse_with(n, &v);
        assert_true(err == COFRE_OK || err == COFRE_ENOMEM || err == COFRE_EFORMAT);
        view_free(v);
    }
    json_set_alloc_funcs(malloc, free);
    assert_true(n > 50);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_is_read_whole),
        cmocka_unit_test(what_is_left_out_has_a_default),
        cmocka_unit_test(a_view_opens_only_the_compartments_it_shows),
        cmocka_unit_test(the_derived_status_is_marked),
        cmocka_unit_test(equal_views_are_written_alike),
        cmocka_unit_test(what_is_no_view_is_refused_with_the_place),
        cmocka_unit_test(what_is_no_transform_is_refused_with_the_place),
        cmocka_unit_test(what_are_no_events_is_refused_with_the_place),
        cmocka_unit_test(no_identifier_goes_through_in_clear),
        cmocka_unit_test(a_document_has_a_greatest_length),
        cmocka_unit_test(a_long_name_is_cut),
        cmocka_unit_test(damaged_documents_do_no_harm),
        cmocka_unit_test(each_failing_allocation_of_ours_is_told),
        cmocka_unit_test(no_failing_allocation_of_the_parser_gives_a_view),
    };

    return cmocka_run_group_tests(tests, make_schema, free_schema);
}
