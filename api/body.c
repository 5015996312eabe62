#include "cofre/views.h"

#include "body.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

enum { CONSENTS_MAX = 64, REVEAL_MAX = 64, REASON_MAX = 1000 };

static const struct json_at root = {NULL, NULL, 0};

/* ---- customers ---- */

static bool
consent_read(struct json_in *in, const struct json_at *at, const json_t *value,
             struct cofre_consent_in *out)
{
    const struct json_member members[] = {
        {.name = "purpose", .required = true, .text = &out->purpose},
        {.name = "status", .required = true, .text = &out->status},
        {.name = "source", .required = true, .text = &out->source},
        {.name = "time", .text = &out->time},
    };

    return json_in_object(in, at, value, members, COUNT(members));
}

static bool
consents_read(struct json_in *in, const struct json_at *at, const json_t *value,
              struct cofre_customer_in *out)
{
    size_t n = json_in_array(in, at, value, 0, CONSENTS_MAX);
    struct cofre_consent_in *list;
    bool ok = cofre_call_ok(in->call);

    if (n == 0)
        return ok;
    if ((list = json_in_alloc(in, n, sizeof *list)) == NULL)
        return false;
    for (size_t i = 0; i < n; i++) {
        struct json_at item = {at, NULL, i};
        ok = consent_read(in, &item, json_array_get(value, i), &list[i]) && ok;
    }
    out->consents = list;
    out->n_consents = n;
    return ok;
}

static bool
customer_read(struct json_in *in, const struct json_at *at, const json_t *value,
              struct cofre_customer_in *out)
{
    json_t *fields = NULL;
    json_t *consents = NULL;
    struct cofre_field *list = NULL;
    const struct json_at at_fields = {at, "fields", 0};
    const struct json_at at_consents = {at, "consents", 0};
    const struct json_member members[] = {
        {.name = "external_id", .text = &out->external_id}, /* the vault says when it is missing */
        {.name = "fields", .value = &fields, .type = JSON_OBJECT},
        {.name = "consents", .value = &consents, .type = JSON_ARRAY},
    };
    bool ok = json_in_object(in, at, value, members, COUNT(members));

    if (fields != NULL)
        ok = json_in_fields(in, &at_fields, fields, &list, &out->n_fields) && ok;
    out->fields = list;
    if (consents != NULL)
        ok = consents_read(in, &at_consents, consents, out) && ok;
    return ok;
}

bool
body_customer(struct json_in *in, struct cofre_customer_in *out)
{
    *out = (struct cofre_customer_in){0};
    return customer_read(in, &root, in->root, out);
}

bool
body_customers(struct json_in *in, struct body_customers *out)
{
    json_t *list = NULL;
    const struct json_at at = {&root, "customers", 0};
    const struct json_member members[] = {
        {.name = "customers", .required = true, .value = &list, .type = JSON_ARRAY},
    };
    bool ok = json_in_object(in, &root, in->root, members, COUNT(members));

    *out = (struct body_customers){0};
    if (!ok || (out->n = json_in_array(in, &at, list, 1, COFRE_BATCH_MAX)) == 0)
        return false;
    if ((out->list = json_in_alloc(in, out->n, sizeof *out->list)) == NULL)
        return false;
    for (size_t i = 0; i < out->n; i++) {
        struct json_at item = {&at, NULL, i};
        ok = customer_read(in, &item, json_array_get(list, i), &out->list[i]) && ok;
    }
    return ok;
}

bool
body_patch(struct json_in *in, struct body_fields *out)
{
    json_t *fields = NULL;
    const struct json_at at = {&root, "fields", 0};
    const struct json_member members[] = {
        {.name = "fields", .required = true, .value = &fields, .type = JSON_OBJECT},
    };

    *out = (struct body_fields){0};
    return json_in_object(in, &root, in->root, members, COUNT(members)) &&
           json_in_fields(in, &at, fields, &out->list, &out->n);
}

bool
body_consent(struct json_in *in, struct cofre_consent_in *out)
{
    const struct json_member members[] = {
        {.name = "status", .required = true, .text = &out->status},
        {.name = "source", .required = true, .text = &out->source},
        {.name = "time", .text = &out->time},
    };

    *out = (struct cofre_consent_in){0};
    return json_in_object(in, &root, in->root, members, COUNT(members));
}

/* ---- events ---- */

static bool
event_read(struct json_in *in, const struct json_at *at, const json_t *value, bool of_one,
           struct cofre_event_in *out)
{
    json_t *attributes = NULL;
    struct cofre_field *list = NULL;
    const struct json_at at_attributes = {at, "attributes", 0};
    const struct json_member members[] = {
        /* what is missing the vault says, for each event alone */
        {.name = "event_id", .text = &out->event_id},
        {.name = "kind", .text = &out->kind},
        {.name = "time", .text = &out->time},
        {.name = "attributes", .value = &attributes, .type = JSON_OBJECT},
        /* the last two only where the path names no customer */
        {.name = "customer", .text = &out->customer},
        {.name = "external_id", .text = &out->external_id},
    };
    bool ok = json_in_object(in, at, value, members, COUNT(members) - (of_one ? 2 : 0));

    if (attributes != NULL)
        ok = json_in_fields(in, &at_attributes, attributes, &list, &out->n_attributes) && ok;
    out->attributes = list;
    return ok;
}

bool
body_events(struct json_in *in, bool of_one, struct body_events *out)
{
    json_t *list = NULL;
    const struct json_at at = {&root, "events", 0};
    const struct json_member members[] = {
        {.name = "events", .required = true, .value = &list, .type = JSON_ARRAY},
    };
    bool ok = json_in_object(in, &root, in->root, members, COUNT(members));

    *out = (struct body_events){0};
    if (!ok || (out->n = json_in_array(in, &at, list, 1, COFRE_BATCH_MAX)) == 0)
        return false;
    if ((out->list = json_in_alloc(in, out->n, sizeof *out->list)) == NULL)
        return false;
    for (size_t i = 0; i < out->n; i++) {
        struct json_at item = {&at, NULL, i};
        ok = event_read(in, &item, json_array_get(list, i), of_one, &out->list[i]) && ok;
    }
    return ok;
}

/* ---- looking up, revealing, reading many ---- */

bool
body_lookup(struct json_in *in, struct bytes *index, struct cofre_field *value)
{
    json_t *json = NULL;
    const struct json_at at = {&root, "value", 0};
    const struct json_member members[] = {
        {.name = "index", .required = true, .text = index},
        {.name = "value", .required = true, .value = &json, .type = JSON_NULL},
    };

    if (!json_in_object(in, &root, in->root, members, COUNT(members)))
        return false;
    if (!json_in_field(in, "value", json, value))
        return false;
    value->name = *index;
    if (value->form == COFRE_FORM_STRING || value->form == COFRE_FORM_INTEGER ||
        value->form == COFRE_FORM_BOOL)
        return true;
    json_in_fault(in, &at, "must be a string, an integer or a boolean");
    return false;
}

bool
body_reveal(struct json_in *in, struct cofre_reveal_in *out)
{
    json_t *fields = NULL;
    struct bytes *list = NULL;
    const struct json_at at_fields = {&root, "fields", 0};
    const struct json_at at_reason = {&root, "reason", 0};
    const struct json_member members[] = {
        {.name = "fields", .required = true, .value = &fields, .type = JSON_ARRAY},
        {.name = "purpose", .required = true, .text = &out->purpose},
        {.name = "reason", .required = true, .text = &out->reason},
    };
    bool ok;

    *out = (struct cofre_reveal_in){0};
    ok = json_in_object(in, &root, in->root, members, COUNT(members));
    if (fields != NULL)
        ok = json_in_strings(in, &at_fields, fields, 1, REVEAL_MAX, &list, &out->n_fields) && ok;
    out->fields = list;
    if (out->reason.p != NULL && (out->reason.len == 0 || out->reason.len > REASON_MAX)) {
        json_in_fault(in, &at_reason, "must be 1 to 1000 bytes long");
        ok = false;
    }
    return ok;
}

bool
body_pseudonyms(struct json_in *in, struct body_names *out)
{
    json_t *list = NULL;
    const struct json_at at = {&root, "pseudonyms", 0};
    const struct json_member members[] = {
        {.name = "pseudonyms", .required = true, .value = &list, .type = JSON_ARRAY},
    };

    *out = (struct body_names){0};
    return json_in_object(in, &root, in->root, members, COUNT(members)) &&
           json_in_strings(in, &at, list, 1, COFRE_PAGE_MAX, &out->list, &out->n);
}
