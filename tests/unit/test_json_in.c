#include <stdlib.h>

#include "api/body.h"
#include "unit.h"

struct body {
    struct cofre_call call;
    struct json_in in;
    char *text; /* a block of exactly the body's size, so that a read past its end shows */
};

static bool
open_body(struct body *b, const char *text, size_t len)
{
    cofre_call_init(&b->call);
    b->text = malloc(len > 0 ? len : 1);
    assert_non_null(b->text);
    memcpy(b->text, text, len);
    return json_in_parse(&b->in, &b->call, (struct bytes){(const uint8_t *)b->text, len});
}

static void
close_body(struct body *b)
{
    json_in_free(&b->in);
    cofre_call_free(&b->call);
    free(b->text);
}

static void
texts_that_are_not_json_are_refused(void **state)
{
    static const struct {
        struct bytes text;
        const char *reason;
    } rows[] = {
        {BYTES_LIT(""), "missing"},
        {BYTES_LIT("{"), "ends too early"},
        {BYTES_LIT("{\"a\":\"b"), "ends too early"},
        {BYTES_LIT("{} {}"), "follows"},
        {BYTES_LIT("{}\0"), "follows"},
        {BYTES_LIT("{\"a\":1,\"a\":1}"), "twice"},
        {BYTES_LIT("{\"a\":\"\\u0000\"}"), "U+0000"},
        {BYTES_LIT("{\"a\\u0000\":1}"), "U+0000"},
        {BYTES_LIT("{\"a\":\"\xff\"}"), "UTF-8"},
        {BYTES_LIT("{\"a\":\"\xed\xa0\x80\"}"), "UTF-8"},
        {BYTES_LIT("{\"a\":\"\xc0\x80\"}"), "UTF-8"},
        {BYTES_LIT("{\"a\":\"\\ud800\"}"), "not JSON"},
        {BYTES_LIT("{\"a\":99999999999999999999}"), "out of range"},
        {BYTES_LIT("{\"a\":1e999}"), "out of range"},
        {BYTES_LIT("{\"a\":01}"), "not JSON"},
        {BYTES_LIT("{'a':1}"), "not JSON"},
        {BYTES_LIT("{\"a\":1,}"), "not JSON"},
        {BYTES_LIT("\xef\xbb\xbf{}"), "not JSON"},
        {BYTES_LIT("\"text\""), "not JSON"},
        {BYTES_LIT("null"), "not JSON"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct body b;
        assert_false(open_body(&b, (const char *)rows[i].text.p, rows[i].text.len));
        assert_int_equal(b.call.outcome, COFRE_OUT_INVALID);
        assert_string_equal(b.call.faults[0].pointer, "");
        if (strstr(b.call.faults[0].reason, rows[i].reason) == NULL)
            fail_msg("row %zu: %s", i, b.call.faults[0].reason);
        close_body(&b);
    }
}

static void
depth_is_limited(void **state)
{
    static const char sixteen[] = "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]";
    static const char seventeen[] = "[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]";
    static const char string[] = "{\"a\":\"[[[[[[[[[[[[[[[[[[[[[[\\\"[[[[[[\"}";
    struct body b;

    (void)state;
    assert_true(open_body(&b, sixteen, sizeof sixteen - 1));
    close_body(&b);
    assert_false(open_body(&b, seventeen, sizeof seventeen - 1));
    assert_non_null(strstr(b.call.faults[0].reason, "16 levels"));
    close_body(&b);
    assert_true(open_body(&b, string, sizeof string - 1));
    close_body(&b);
}

static void
the_number_of_values_is_limited(void **state)
{
    struct buf text = BUF_INIT;
    struct body b;

    (void)state;
    buf_puts(&text, "[0");
    for (size_t i = 0; i < JSON_IN_VALUES; i++)
        buf_puts(&text, ",0");
    buf_puts(&text, "]");
    assert_int_equal(buf_error(&text), COFRE_OK);
    assert_false(open_body(&b, (const char *)text.p, text.len));
    assert_string_equal(b.call.faults[0].reason, "too many values");
    close_body(&b);
    buf_free(&text);
}

/* ---- one row for each fault of each body ---- */

typedef bool read_fn(struct json_in *in);

static bool
read_customer(struct json_in *in)
{
    struct cofre_customer_in out;
    return body_customer(in, &out);
}

static bool
read_customers(struct json_in *in)
{
    struct body_customers out;
    return body_customers(in, &out);
}

static bool
read_patch(struct json_in *in)
{
    struct body_fields out;
    return body_patch(in, &out);
}

static bool
read_events(struct json_in *in)
{
    struct body_events out;
    return body_events(in, true, &out);
}

static bool
read_events_of(struct json_in *in)
{
    struct body_events out;
    return body_events(in, false, &out);
}

static bool
read_consent(struct json_in *in)
{
    struct cofre_consent_in out;
    return body_consent(in, &out);
}

static bool
read_lookup(struct json_in *in)
{
    struct bytes index;
    struct cofre_field value;
    return body_lookup(in, &index, &value);
}

static bool
read_reveal(struct json_in *in)
{
    struct cofre_reveal_in out;
    return body_reveal(in, &out);
}

static bool
read_pseudonyms(struct json_in *in)
{
    struct body_names out;
    return body_pseudonyms(in, &out);
}

#define EV "\"event_id\":\"e\",\"kind\":\"k\",\"time\":\"t\""

static const struct fault_row {
    read_fn *read;
    const char *text;
    const char *pointer; /* NULL: accepted */
} fault_rows[] = {
    {read_customer, "{\"external_id\":\"a\"}", NULL},
    {read_customer, "{\"external_id\":\"a\",\"fields\":{\"x\":{\"y\":[1]}},\"consents\":[]}", NULL},
    {read_customer, "[]", ""},
    {read_customer, "{}", NULL}, /* what is missing the vault says */
    {read_customer, "{\"external_id\":1}", "/external_id"},
    {read_customer, "{\"external_id\":null}", "/external_id"},
    {read_customer, "{\"external_id\":\"a\",\"fields\":[]}", "/fields"},
    {read_customer, "{\"external_id\":\"a\",\"fields\":null}", "/fields"},
    {read_customer, "{\"external_id\":\"a\",\"extra\":1}", "/extra"},
    {read_customer, "{\"external_id\":\"a\",\"ana@x\":1}", ""},
    {read_customer, "{\"external_id\":\"a\",\"+34911\":1}", ""},
    {read_customer, "{\"external_id\":\"a\",\"a/b\":1}", ""},
    {read_customer, "{\"external_id\":\"a\",\"consents\":{}}", "/consents"},
    {read_customer, "{\"external_id\":\"a\",\"consents\":[1]}", "/consents/0"},
    {read_customer,
     "{\"external_id\":\"a\",\"consents\":[{\"purpose\":\"p\",\"status\":\"s\",\"source\":\"x\"},"
     "{\"purpose\":\"p\",\"status\":\"s\"}]}",
     "/consents/1/source"},
    {read_customers, "{\"customers\":[{\"external_id\":\"a\"}]}", NULL},
    {read_customers, "{\"customers\":[]}", "/customers"},
    {read_customers, "{\"customers\":[{\"external_id\":\"a\"},{\"external_id\":2}]}",
     "/customers/1/external_id"},
    {read_customers, "{\"customers\":[{\"external_id\":\"a\",\"fields\":7}]}",
     "/customers/0/fields"},
    {read_patch, "{\"fields\":{}}", NULL},
    {read_patch, "{}", "/fields"},
    {read_patch, "{\"fields\":{},\"external_id\":\"a\"}", "/external_id"},
    {read_events, "{\"events\":[{" EV "}]}", NULL},
    {read_events, "{\"events\":[{" EV ",\"customer\":\"c\"}]}", "/events/0/customer"},
    {read_events, "{\"events\":[{" EV ",\"attributes\":1}]}", "/events/0/attributes"},
    {read_events, "{\"events\":[{\"event_id\":\"e\",\"kind\":\"k\"}]}", NULL},
    {read_events, "{\"events\":[{\"event_id\":\"e\",\"kind\":\"k\",\"time\":5}]}", "/events/0/time"},
    {read_events, "{\"events\":{}}", "/events"},
    {read_events_of, "{\"events\":[{" EV ",\"customer\":\"c\"}]}", NULL},
    {read_events_of, "{\"events\":[{" EV ",\"external_id\":\"c\"}]}", NULL},
    {read_events_of, "{\"events\":[{" EV "}]}", NULL},
    {read_events_of, "{\"events\":[{" EV ",\"customer\":\"c\",\"external_id\":\"c\"}]}", NULL},
    {read_events_of, "{\"events\":[{" EV ",\"customer\":1}]}", "/events/0/customer"},
    {read_consent, "{\"status\":\"granted\",\"source\":\"web\"}", NULL},
    {read_consent, "{\"status\":\"granted\",\"source\":\"web\",\"time\":\"2026-01-01\"}", NULL},
    {read_consent, "{\"status\":\"granted\"}", "/source"},
    {read_consent, "{\"status\":true,\"source\":\"web\"}", "/status"},
    {read_consent, "{\"status\":\"granted\",\"source\":\"web\",\"purpose\":\"p\"}", "/purpose"},
    {read_lookup, "{\"index\":\"email\",\"value\":\"x\"}", NULL},
    {read_lookup, "{\"index\":\"n\",\"value\":7}", NULL},
    {read_lookup, "{\"index\":\"email\",\"value\":null}", "/value"},
    {read_lookup, "{\"index\":\"email\",\"value\":1.5}", "/value"},
    {read_lookup, "{\"index\":\"email\",\"value\":[\"x\"]}", "/value"},
    {read_lookup, "{\"index\":\"email\"}", "/value"},
    {read_reveal, "{\"fields\":[\"a\"],\"purpose\":\"p\",\"reason\":\"r\"}", NULL},
    {read_reveal, "{\"fields\":[],\"purpose\":\"p\",\"reason\":\"r\"}", "/fields"},
    {read_reveal, "{\"fields\":\"a\",\"purpose\":\"p\",\"reason\":\"r\"}", "/fields"},
    {read_reveal, "{\"fields\":[\"a\",1],\"purpose\":\"p\",\"reason\":\"r\"}", "/fields/1"},
    {read_reveal, "{\"fields\":[\"a\"],\"purpose\":\"p\",\"reason\":\"\"}", "/reason"},
    {read_pseudonyms, "{\"pseudonyms\":[\"ps_a\"]}", NULL},
    {read_pseudonyms, "{\"pseudonyms\":[]}", "/pseudonyms"},
    {read_pseudonyms, "{\"pseudonyms\":[\"a\",null]}", "/pseudonyms/1"},
};

static void
faults_say_where(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof fault_rows / sizeof *fault_rows; i++) {
        const struct fault_row *row = &fault_rows[i];
        struct body b;
        assert_true(open_body(&b, row->text, strlen(row->text)));
        if (row->read(&b.in) != (row->pointer == NULL))
            fail_msg("row %zu: %s", i, row->text);
        assert_int_equal(cofre_call_ok(&b.call), row->pointer == NULL);
        if (row->pointer != NULL && strcmp(b.call.faults[0].pointer, row->pointer) != 0)
            fail_msg("row %zu: %s instead of %s", i, b.call.faults[0].pointer, row->pointer);
        close_body(&b);
    }
}

static void
all_faults_are_told_at_once(void **state)
{
    static const char text[] = "{\"customers\":[{\"external_id\":1,\"x\":2},{\"fields\":[]}]}";
    struct body b;

    (void)state;
    assert_true(open_body(&b, text, sizeof text - 1));
    assert_false(read_customers(&b.in));
    assert_int_equal(b.call.n_faults, 3);
    close_body(&b);
}

static void
a_batch_has_at_most_a_thousand(void **state)
{
    struct buf text = BUF_INIT;
    struct body_names out;

    (void)state;
    for (size_t n = 1000; n <= 1001; n++) {
        struct body b;
        buf_reset(&text);
        buf_puts(&text, "{\"pseudonyms\":[\"p\"");
        for (size_t i = 1; i < n; i++)
            buf_puts(&text, ",\"p\"");
        buf_puts(&text, "]}");
        assert_true(open_body(&b, (const char *)text.p, text.len));
        assert_int_equal(body_pseudonyms(&b.in, &out), n == 1000);
        assert_int_equal(out.n, n == 1000 ? 1000 : 0);
        close_body(&b);
    }
    buf_free(&text);
}

static void
values_keep_their_kinds(void **state)
{
    static const char text[] =
        "{\"fields\":{\"s\":\"\xe6\x9d\x8e\",\"i\":-42,\"r\":1.5,\"e\":1e2,\"t\":true,\"f\":false,"
        "\"n\":null,\"a\":[1],\"o\":{},\"big\":9223372036854775807,\"empty\":\"\"}}";
    static const struct {
        const char *name;
        enum cofre_form form;
        const char *text;
    } want[] = {
        {"s", COFRE_FORM_STRING, "\xe6\x9d\x8e"},
        {"i", COFRE_FORM_INTEGER, "-42"},
        {"r", COFRE_FORM_NUMBER, ""},
        {"e", COFRE_FORM_NUMBER, ""},
        {"t", COFRE_FORM_BOOL, "true"},
        {"f", COFRE_FORM_BOOL, "false"},
        {"n", COFRE_FORM_NULL, ""},
        {"a", COFRE_FORM_OTHER, ""},
        {"o", COFRE_FORM_OTHER, ""},
        {"big", COFRE_FORM_INTEGER, "9223372036854775807"},
        {"empty", COFRE_FORM_STRING, ""},
    };
    struct body_fields out;
    struct body b;

    (void)state;
    assert_true(open_body(&b, text, sizeof text - 1));
    assert_true(body_patch(&b.in, &out));
    assert_int_equal(out.n, sizeof want / sizeof *want);
    for (size_t i = 0; i < out.n; i++) {
        assert_true(bytes_equal(out.list[i].name, bytes_str(want[i].name)));
        assert_int_equal(out.list[i].form, want[i].form);
        assert_true(bytes_equal(out.list[i].text, bytes_str(want[i].text)));
    }
    close_body(&b);
}

static void
no_value_is_in_a_fault(void **state)
{
    static const char text[] =
        "{\"external_id\":[\"zq17\"],\"zq17@x\":\"zq17\",\"fields\":\"zq17\"}";
    static const char broken[] = "{\"external_id\": zq17}";
    struct body b;

    (void)state;
    assert_true(open_body(&b, text, sizeof text - 1));
    assert_false(read_customer(&b.in));
    for (size_t i = 0; i < b.call.n_faults; i++) {
        assert_null(strstr(b.call.faults[i].pointer, "zq17"));
        assert_null(strstr(b.call.faults[i].reason, "zq17"));
    }
    close_body(&b);
    assert_false(open_body(&b, broken, sizeof broken - 1));
    assert_null(strstr(b.call.faults[0].reason, "zq17"));
    close_body(&b);
}

static void
every_shorter_body_is_refused(void **state)
{
    static const char text[] =
        "{\"events\":[{" EV ",\"attributes\":{\"amount\":\"1.00\",\"q\":3}}]}";

    (void)state;
    for (size_t len = 0; len < sizeof text - 1; len++) {
        struct body b;
        assert_false(open_body(&b, text, len));
        close_body(&b);
    }
}

static int
setup(void **state)
{
    json_in_setup();
    return unit_setup(state);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_that_are_not_json_are_refused),
        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(the_number_of_values_is_limited),
        cmocka_unit_test(faults_say_where),
        cmocka_unit_test(all_faults_are_told_at_once),
        cmocka_unit_test(a_batch_has_at_most_a_thousand),
        cmocka_unit_test(values_keep_their_kinds),
        cmocka_unit_test(no_value_is_in_a_fault),
        cmocka_unit_test(every_shorter_body_is_refused),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
