/* openapi.json says what the table of routes does, and nothing else. */
#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/openapi.h"
#include "api/route.h"
#include "unit.h"

static json_t *doc;

static int
setup(void **state)
{
    struct bytes text = openapi_document();

    (void)state;
    doc = json_loadb((const char *)text.p, text.len, JSON_REJECT_DUPLICATES, NULL);
    return doc != NULL && unit_setup(state) == 0 ? 0 : -1;
}

static int
teardown(void **state)
{
    (void)state;
    json_decref(doc);
    return 0;
}

/* Follows a $ref of the form "#/a/b/c", or gives value back. */
static json_t *
resolved(json_t *value)
{
    char ref[256];
    json_t *at = doc;
    char *save = NULL;
    const char *text = json_string_value(json_object_get(value, "$ref"));

    if (text == NULL)
        return value;
    assert_true(snprintf(ref, sizeof ref, "%s", text) < (int)sizeof ref);
    assert_memory_equal(ref, "#/", 2);
    for (const char *part = strtok_r(ref + 2, "/", &save); part != NULL;
         part = strtok_r(NULL, "/", &save))
        at = json_object_get(at, part);
    if (at == NULL)
        fail_msg("nothing is at %s", text);
    return at;
}

static json_t *
operation(const struct route *route)
{
    char path[128];
    char method[8] = "";
    const char *dots = strstr(route->pattern, "...");
    json_t *found;

    if (dots == NULL)
        snprintf(path, sizeof path, "%s", route->pattern);
    else
        snprintf(path, sizeof path, "%.*s%s", (int)(dots - route->pattern), route->pattern,
                 dots + 3);
    for (size_t i = 0; route->method[i] != 0; i++)
        method[i] = (char)tolower((unsigned char)route->method[i]);
    found = json_object_get(json_object_get(json_object_get(doc, "paths"), path), method);
    if (found == NULL)
        fail_msg("not in openapi.json: %s %s", route->method, path);
    return found;
}

static bool
lists(const json_t *array, const char *text)
{
    size_t i;
    json_t *item;

    json_array_foreach(array, i, item) if (strcmp(json_string_value(item), text) == 0) return true;
    return false;
}

static bool
has_parameter(json_t *op, const char *name, const char *in)
{
    size_t i;
    json_t *item;

    json_array_foreach(json_object_get(op, "parameters"), i, item)
    {
        const json_t *p = resolved(item);
        if (strcmp(json_string_value(json_object_get(p, "name")), name) == 0 &&
            strcmp(json_string_value(json_object_get(p, "in")), in) == 0)
            return true;
    }
    return false;
}

static void
document_and_table_have_the_same_operations(void **state)
{
    size_t n;
    size_t documented = 0;
    const char *path;
    json_t *item;
    const struct route *routes = route_table(&n);

    (void)state;
    for (size_t i = 0; i < n; i++)
        (void)operation(&routes[i]);
    json_object_foreach(json_object_get(doc, "paths"), path, item) documented +=
        json_object_size(item);
    assert_int_equal(documented, n);
}

static void
act_and_roles_are_those_of_the_vault(void **state)
{
    size_t n;
    const struct route *routes = route_table(&n);

    (void)state;
    for (size_t i = 0; i < n; i++) {
        json_t *op = operation(&routes[i]);
        const json_t *roles = json_object_get(op, "x-cofre-roles");
        if ((routes[i].flags & ROUTE_OPEN) != 0) {
            assert_int_equal(json_array_size(json_object_get(op, "security")), 0);
            assert_non_null(json_object_get(op, "security"));
            continue;
        }
        assert_null(json_object_get(op, "security"));
        assert_string_equal(json_string_value(json_object_get(op, "x-cofre-act")),
                            cofre_act_text(routes[i].act));
        for (unsigned role = 0; role <= COFRE_ROLE_COMPLIANCE; role++)
            assert_int_equal(lists(roles, cofre_role_text((enum cofre_role)role)),
                             cofre_act_allowed(routes[i].act, (enum cofre_role)role));
    }
}

static void
parameters_bodies_and_replies_are_told(void **state)
{
    size_t n;
    const struct route *routes = route_table(&n);

    (void)state;
    for (size_t i = 0; i < n; i++) {
        json_t *op = operation(&routes[i]);
        unsigned flags = routes[i].flags;
        json_t *replies = json_object_get(op, "responses");
        assert_int_equal(json_object_get(op, "requestBody") != NULL, (flags & ROUTE_BODY) != 0);
        assert_int_equal(json_object_get(replies, "413") != NULL, (flags & ROUTE_BODY) != 0);
        assert_int_equal(has_parameter(op, "Idempotency-Key", "header"),
                         (flags & ROUTE_CREATES) != 0);
        assert_int_equal(json_object_get(replies, "422") != NULL, (flags & ROUTE_CREATES) != 0);
        assert_int_equal(json_object_get(replies, "401") != NULL, (flags & ROUTE_OPEN) == 0);
        for (const char *p = strchr(routes[i].pattern, '{'); p != NULL; p = strchr(p + 1, '{')) {
            char name[32];
            snprintf(name, sizeof name, "%.*s", (int)strcspn(p + 1, ".}"), p + 1);
            assert_true(has_parameter(op, name, "path"));
        }
    }
}

/* Every reference has something to refer to. */
static void
follow(json_t *value)
{
    const char *key;
    size_t i;
    json_t *item;

    if (json_is_object(value)) {
        if (json_is_string(json_object_get(value, "$ref")))
            (void)resolved(value);
        json_object_foreach(value, key, item) follow(item);
    }
    json_array_foreach(value, i, item) follow(item);
}

static void
references_lead_somewhere(void **state)
{
    (void)state;
    follow(doc);
}

/* The codes of problems that the document shows are real ones, with their status and title. */
static void
problems_are_those_of_the_vault(void **state)
{
    const char *name;
    json_t *item;

    (void)state;
    json_object_foreach(json_object_get(json_object_get(doc, "components"), "responses"), name,
                        item)
    {
        const json_t *example = json_object_get(
            json_object_get(json_object_get(item, "content"), "application/problem+json"),
            "example");
        const char *code = json_string_value(json_object_get(example, "code"));
        bool found = false;
        assert_non_null(code);
        for (unsigned out = 0; out < COFRE_OUTS; out++) {
            const struct cofre_outcome_info *info = cofre_outcome((enum cofre_outcome)out);
            if (strcmp(info->code, code) != 0)
                continue;
            found = true;
            assert_int_equal(json_integer_value(json_object_get(example, "status")), info->http);
            assert_string_equal(json_string_value(json_object_get(example, "title")), info->title);
        }
        assert_true(found);
    }
}

static void
the_version_is_the_programs(void **state)
{
    (void)state;
    assert_string_equal(json_string_value(json_object_get(json_object_get(doc, "info"), "version")),
                        COFRE_VERSION);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(document_and_table_have_the_same_operations),
        cmocka_unit_test(act_and_roles_are_those_of_the_vault),
        cmocka_unit_test(parameters_bodies_and_replies_are_told),
        cmocka_unit_test(references_lead_somewhere),
        cmocka_unit_test(problems_are_those_of_the_vault),
        cmocka_unit_test(the_version_is_the_programs),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
