#include <jansson.h>
#include <stdlib.h>

#include "api/problem.h"
#include "unit.h"

static json_t *
written(struct cofre_call *call)
{
    json_t *doc;

    problem_write(call, "req_test");
    assert_int_equal(buf_error(&call->body), COFRE_OK);
    doc = json_loadb((const char *)call->body.p, call->body.len, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(doc);
    assert_string_equal(call->content_type, "application/problem+json");
    return doc;
}

static const char *
text(const json_t *doc, const char *name)
{
    const char *s = json_string_value(json_object_get(doc, name));

    assert_non_null(s);
    return s;
}

static void
every_refusal_is_a_problem_with_its_code(void **state)
{
    (void)state;
    for (unsigned out = 0; out < COFRE_OUTS; out++) {
        const struct cofre_outcome_info *info = cofre_outcome((enum cofre_outcome)out);
        struct cofre_call call;
        char type[96];
        json_t *doc;
        if (*info->code == 0)
            continue;
        cofre_call_init(&call);
        cofre_call_fail(&call, (enum cofre_outcome)out, NULL, "");
        doc = written(&call);
        snprintf(type, sizeof type, "urn:cofre:problem:%s", info->code);
        assert_string_equal(text(doc, "type"), type);
        assert_string_equal(text(doc, "code"), info->code);
        assert_string_equal(text(doc, "title"), info->title);
        assert_string_equal(text(doc, "request_id"), "req_test");
        assert_int_equal(json_integer_value(json_object_get(doc, "status")), info->http);
        assert_null(json_object_get(doc, "errors"));
        json_decref(doc);
        cofre_call_free(&call);
    }
}

static void
faults_are_listed_with_their_places(void **state)
{
    struct cofre_call call;
    const json_t *errors;
    json_t *doc;

    (void)state;
    cofre_call_init(&call);
    cofre_call_fail(&call, COFRE_OUT_INVALID, "/fields/a~1b", "says \"no\"\n");
    cofre_call_fail(&call, COFRE_OUT_INVALID, "?limit", "too much");
    doc = written(&call);
    errors = json_object_get(doc, "errors");
    assert_int_equal(json_array_size(errors), 2);
    assert_string_equal(text(json_array_get(errors, 0), "pointer"), "/fields/a~1b");
    assert_string_equal(text(json_array_get(errors, 0), "detail"), "says \"no\"\n");
    assert_string_equal(text(json_array_get(errors, 1), "pointer"), "?limit");
    json_decref(doc);
    cofre_call_free(&call);
}

static void
faults_do_not_explain_what_another_failure_ended(void **state)
{
    struct cofre_call call;
    json_t *doc;

    (void)state;
    cofre_call_init(&call);
    cofre_call_fail(&call, COFRE_OUT_INVALID, "/x", "wrong");
    call.outcome = COFRE_OUT_AUDIT;
    doc = written(&call);
    assert_null(json_object_get(doc, "errors"));
    json_decref(doc);
    cofre_call_free(&call);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_refusal_is_a_problem_with_its_code),
        cmocka_unit_test(faults_are_listed_with_their_places),
        cmocka_unit_test(faults_do_not_explain_what_another_failure_ended),
    };

    return cmocka_run_group_tests(tests, unit_setup, NULL);
}
