#include <stdlib.h>

#include "api/route.h"
#include "unit.h"

static void
every_operation_has_an_act_of_its_own(void **state)
{
    bool seen[COFRE_ACTS] = {false};
    size_t n;
    const struct route *routes = route_table(&n);

    (void)state;
    for (size_t i = 0; i < n; i++) {
        assert_non_null(routes[i].run);
        if ((routes[i].flags & ROUTE_OPEN) != 0) {
            assert_int_equal(routes[i].act, COFRE_ACT_UNKNOWN_ROUTE);
            continue;
        }
        assert_int_not_equal(routes[i].act, COFRE_ACT_UNKNOWN_ROUTE);
        assert_false(seen[routes[i].act]);
        seen[routes[i].act] = true;
    }
    /* and whatever a token may do can be reached */
    for (unsigned act = 0; act < COFRE_ACTS; act++) {
        bool token = false;
        for (unsigned role = 0; role <= COFRE_ROLE_COMPLIANCE; role++)
            token = token || cofre_act_allowed((enum cofre_act)act, (enum cofre_role)role);
        if (act != COFRE_ACT_UNKNOWN_ROUTE && token != seen[act])
            fail_msg("%s", cofre_act_text((enum cofre_act)act));
    }
}

static void
paths_match_as_they_are_written(void **state)
{
    static const struct {
        const char *path;
        const char *pattern; /* NULL: none */
        const char *first;
        const char *second;
    } rows[] = {
        {"/v1/customers", "/v1/customers", "", ""},
        {"/v1/customers:batch", "/v1/customers:batch", "", ""},
        {"/v1/customers/cus_a:reveal", "/v1/customers/{cus}:reveal", "cus_a", ""},
        {"/v1/customers/cus_a/events", "/v1/customers/{cus}/events", "cus_a", ""},
        {"/v1/views/v-1_x/records:batch-get", "/v1/views/{view}/records:batch-get", "v-1_x", ""},
        {"/v1/events:batch", "/v1/events:batch", "", ""},
        {"/v1/customers/", NULL, "", ""},
        {"/v1/customers:other", NULL, "", ""},
        {"/v1/customers/:reveal", NULL, "", ""},
        {"/v1/customers/a/b:reveal", NULL, "", ""},
        {"/v1/customers/cus_a:reveal/", NULL, "", ""},
        {"//v1/customers", NULL, "", ""},
        {"/V1/customers", NULL, "", ""},
        {"", NULL, "", ""},
        {"*", NULL, "", ""},
        {"/v1/customers/caf\xc3\xa9:reveal", NULL, "", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct route_match match;
        route_find("POST", rows[i].path, &match);
        assert_int_equal(match.path_known, rows[i].pattern != NULL);
        if (rows[i].pattern == NULL) {
            assert_null(match.route);
            continue;
        }
        assert_string_equal(match.route->pattern, rows[i].pattern);
        assert_true(bytes_equal(match.params[0], bytes_str(rows[i].first)));
        assert_true(bytes_equal(match.params[1], bytes_str(rows[i].second)));
    }
}

static void
parameters_have_a_longest_length(void **state)
{
    char path[256] = "/v1/views/";
    size_t base = strlen(path);
    struct route_match match;

    (void)state;
    memset(path + base, 'v', COFRE_NAME_MAX);
    route_find("GET", path, &match);
    assert_non_null(match.route);
    assert_int_equal(match.params[0].len, COFRE_NAME_MAX);
    memset(path + base, 'v', COFRE_NAME_MAX + 1);
    route_find("GET", path, &match);
    assert_null(match.route);
    assert_false(match.path_known);

    strcpy(path, "/v1/audit/tile/");
    memset(path + strlen(path), '0', 128);
    path[15 + 128] = 0;
    route_find("GET", path, &match);
    assert_non_null(match.route);
    assert_int_equal(match.params[0].len, 128);
    strcat(path, "0");
    route_find("GET", path, &match);
    assert_null(match.route);
}

static void
two_parameters_are_kept_apart(void **state)
{
    struct route_match match;

    (void)state;
    route_find("PUT", "/v1/customers/cus_9/consents/loyalty", &match);
    assert_int_equal(match.route->act, COFRE_ACT_CONSENT_PUT);
    assert_true(bytes_equal(match.params[0], BYTES_LIT("cus_9")));
    assert_true(bytes_equal(match.params[1], BYTES_LIT("loyalty")));
    route_find("GET", "/v1/audit/tile/entries/x001/234.p/9", &match);
    assert_true(bytes_equal(match.params[0], BYTES_LIT("entries/x001/234.p/9")));
}

static void
another_method_is_told_apart_from_no_path(void **state)
{
    struct route_match match;
    char allow[64];
    char tiny[4];

    (void)state;
    route_find("GET", "/v1/customers", &match);
    assert_null(match.route);
    assert_true(match.path_known);
    assert_false(match.open);
    route_allow("/v1/customers", allow, sizeof allow);
    assert_string_equal(allow, "POST");
    route_find("get", "/healthz", &match);
    assert_null(match.route);
    assert_true(match.open);
    route_find("GET", "/healthz", &match);
    assert_non_null(match.route);
    route_find("HEAD", "/healthz", &match);
    assert_non_null(match.route);
    route_allow("/healthz", allow, sizeof allow);
    assert_string_equal(allow, "GET, HEAD");
    route_find("HEAD", "/v1/views/loyalty", &match); /* what leaves an entry is asked for with GET */
    assert_null(match.route);
    route_allow("/nothing", allow, sizeof allow);
    assert_string_equal(allow, "");
    route_allow("/v1/customers/cus_1", tiny, sizeof tiny); /* PATCH does not fit */
    assert_true(strlen(tiny) < sizeof tiny);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_has_an_act_of_its_own),
        cmocka_unit_test(paths_match_as_they_are_written),
        cmocka_unit_test(parameters_have_a_longest_length),
        cmocka_unit_test(two_parameters_are_kept_apart),
        cmocka_unit_test(another_method_is_told_apart_from_no_path),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
