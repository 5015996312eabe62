#include <jansson.h>
#include <stdlib.h>

#include "vault/records/normalise_internal.h"
#include "vault/records/schema_internal.h"

/* "purchase", or as stored {"num":1,"name":"purchase"} */
static const char *
parse_kind(const json_t *value, struct schema_kind *kind)
{
    const json_t *name = json_is_object(value) ? json_object_get(value, "name") : value;
    const json_t *num = json_object_get(value, "num");
    const char *problem;

    if (!json_is_string(name) || !schema_fields_name(json_string_value(name)))
        return "a name is not [a-z][a-z0-9_]{0,62}";
    if (json_is_object(value) && json_object_size(value) != (num != NULL ? 2U : 1U))
        return "a member is not known here";
    if (num != NULL && (problem = schema_fields_num(num, &kind->num)) != NULL)
        return problem;
    memcpy(kind->name, json_string_value(name), json_string_length(name) + 1);
    return NULL;
}

static bool
kind_taken(const struct schema *s, const struct schema_kind *kind)
{
    for (const struct schema_kind *k = s->kinds; k < kind; k++)
        if (strcmp(k->name, kind->name) == 0 || (kind->num != 0 && k->num == kind->num))
            return true;
    return false;
}

static enum cofre_err
parse_kinds(json_t *array, struct schema *s, struct cofre_why *why)
{
    const char *problem;
    json_t *value;
    size_t i;

    if (!json_is_array(array))
        return cofre_why_set(why, COFRE_EFORMAT, "/events/kinds: is not an array");
    if (json_array_size(array) > SCHEMA_KINDS_MAX)
        return cofre_why_set(why, COFRE_EFORMAT, "/events/kinds: has more than %d elements",
                             (int)SCHEMA_KINDS_MAX);
    json_array_foreach(array, i, value)
    {
        problem = parse_kind(value, &s->kinds[i]);
        if (problem == NULL && kind_taken(s, &s->kinds[i]))
            problem = "its name or number is that of another";
        if (problem != NULL)
            return cofre_why_set(why, COFRE_EFORMAT, "/events/kinds/%zu: %s", i, problem);
        s->n_kinds++;
    }
    return COFRE_OK;
}

static enum cofre_err
parse_events(json_t *object, struct schema *s, struct cofre_why *why)
{
    enum cofre_err err = COFRE_OK;
    const char *key;
    json_t *value;

    if (!json_is_object(object))
        return cofre_why_set(why, COFRE_EFORMAT, "/events: is not an object");
    json_object_foreach(object, key, value)
    {
        if (strcmp(key, "kinds") == 0)
            err = parse_kinds(value, s, why);
        else if (strcmp(key, "attributes") == 0)
            err = schema_fields_parse((struct schema_fields_in){value, true}, s->attributes,
                                      &s->n_attributes, why);
        else
            err = cofre_why_set(why, COFRE_EFORMAT, "/events: a member is not known here");
        if (err != COFRE_OK)
            return err;
    }
    return COFRE_OK;
}

static enum cofre_err
parse_default_country(const json_t *value, struct schema *s, struct cofre_why *why)
{
    const char *country = json_string_value(value);

    if (country == NULL || (country[0] != '\0' && normalise_calling(country) == NULL))
        return cofre_why_set(
            why, COFRE_EFORMAT,
            "/default_country: is neither empty nor a country with a calling code");
    memcpy(s->default_country, country, strlen(country) + 1);
    return COFRE_OK;
}

static enum cofre_err
parse_document(json_t *root, struct schema *s, struct cofre_why *why)
{
    enum cofre_err err = COFRE_OK;
    const char *key;
    json_t *value;

    json_object_foreach(root, key, value)
    {
        if (strcmp(key, "default_country") == 0)
            err = parse_default_country(value, s, why);
        else if (strcmp(key, "fields") == 0)
            err = schema_fields_parse((struct schema_fields_in){value, false}, s->fields,
                                      &s->n_fields, why);
        else if (strcmp(key, "events") == 0)
            err = parse_events(value, s, why);
        else
            err = cofre_why_set(why, COFRE_EFORMAT, "a top-level member is not known here");
        if (err != COFRE_OK)
            return err;
    }
    if (json_object_get(root, "fields") == NULL)
        return cofre_why_set(why, COFRE_EFORMAT, "/fields: is missing");
    return COFRE_OK;
}

enum cofre_err
schema_parse(struct bytes json, struct schema **out, struct cofre_why *why)
{
    struct schema *s = NULL;
    enum cofre_err err;
    json_error_t where;
    json_t *root;

    *out = NULL;
    if (json.len > SCHEMA_DOC_MAX)
        return cofre_why_set(why, COFRE_EFORMAT, "longer than %d bytes", (int)SCHEMA_DOC_MAX);
    /* jansson says where, and quotes the text there: only the place is passed on. */
    root = json_loadb((const char *)json.p, json.len, JSON_REJECT_DUPLICATES, &where);
    if (root == NULL && json_error_code(&where) == json_error_out_of_memory)
        return cofre_why_set(why, COFRE_ENOMEM, "out of memory");
    if (root == NULL)
        return cofre_why_set(why, COFRE_EFORMAT, "line %d, column %d: not JSON, or a name twice",
                             where.line, where.column);
    if (!json_is_object(root)) {
        err = cofre_why_set(why, COFRE_EFORMAT, "the document is not an object");
        goto out;
    }
    if ((s = calloc(1, sizeof *s)) == NULL) {
        err = cofre_why_set(why, COFRE_ENOMEM, "out of memory");
        goto out;
    }
    if ((err = parse_document(root, s, why)) != COFRE_OK)
        goto out;
    *out = s;
    s = NULL; /* moved to *out */
out:
    schema_free(s);
    json_decref(root);
    return err;
}
