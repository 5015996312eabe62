#include <assert.h>
#include <jansson.h>

#include "vault/records/schema_internal.h"

/* Where in the document we are: /parent/name, and whom to tell. */
struct place {
    const char *parent;
    const char *name;
    struct cofre_why *why;
};

static enum cofre_err
refuse(const struct place *at, const char *member, const char *reason)
{
    return cofre_why_set(at->why, COFRE_EFORMAT, "%s/%s%s%s: %s", at->parent, at->name,
                         member != NULL ? "/" : "", member != NULL ? member : "", reason);
}

bool
schema_fields_name(const char *s)
{
    size_t len = strlen(s);

    return len >= 1 && len <= SCHEMA_NAME_MAX && s[0] >= 'a' && s[0] <= 'z' &&
           strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == len;
}

static bool
is_reserved(const char *name, const char *const *list)
{
    for (; *list != NULL; list++)
        if (strcmp(name, *list) == 0)
            return true;
    return false;
}

/* Columns of an import, and members of an event, that are no fields. */
static const char *const reserved_fields[] = {"consents", NULL};
static const char *const reserved_attributes[] = {"event_id", "external_id", "customer", "kind",
                                                  "time",     "attributes",  NULL};

/* The members of a field that are true or false. */
static const struct {
    const char *name;
    size_t at;
} flags[] = {
    {"unique", offsetof(struct schema_field, unique)},
    {"lookup", offsetof(struct schema_field, lookup)},
    {"required", offsetof(struct schema_field, required)},
    {"derived", offsetof(struct schema_field, derived)},
};

const char *
schema_fields_num(const json_t *value, uint16_t *num)
{
    if (!json_is_integer(value) || json_integer_value(value) < 1 ||
        json_integer_value(value) > UINT16_MAX)
        return "is not a number from 1 to 65535";
    *num = (uint16_t)json_integer_value(value);
    return NULL;
}

static const char *
parse_type(const json_t *value, enum schema_type *type)
{
    for (int t = 0; json_is_string(value) && t < SCHEMA_TYPES; t++)
        if (strcmp(json_string_value(value), schema_type_text((enum schema_type)t)) == 0) {
            *type = (enum schema_type)t;
            return NULL;
        }
    return "is not a type that there is";
}

static const char *
parse_class(const json_t *value, enum schema_class *class)
{
    for (int c = 0; json_is_string(value) && c < SCHEMA_CLASSES; c++)
        if (strcmp(json_string_value(value), schema_class_text((enum schema_class)c)) == 0) {
            *class = (enum schema_class)c;
            return NULL;
        }
    return "is not a class that there is";
}

static const char *
parse_flag(const char *key, const json_t *value, struct schema_field *f)
{
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        if (strcmp(key, flags[i].name) == 0) {
            *(bool *)((char *)f + flags[i].at) = json_is_true(value);
            return json_is_boolean(value) ? NULL : "is neither true nor false";
        }
    return "is not a member that is known here";
}

/* whole: a field of a customer; else an attribute of an event, which has a type and a number only. */
static const char *
parse_member(const char *key, const json_t *value, bool whole, struct schema_field *f)
{
    if (strcmp(key, "type") == 0)
        return parse_type(value, &f->type);
    if (strcmp(key, "num") == 0)
        return schema_fields_num(value, &f->num);
    if (whole && strcmp(key, "class") == 0)
        return parse_class(value, &f->class);
    if (whole)
        return parse_flag(key, value, f);
    return "is not a member that is known here";
}

/* What is wrong with a field as a whole. */
static const char *
check_field(const json_t *object, struct schema_field *f)
{
    const json_t *lookup = json_object_get(object, "lookup");
    bool is_status = strcmp(f->name, "status") == 0;

    if (json_object_get(object, "class") == NULL)
        return "has no class";
    if (f->unique && lookup != NULL && !f->lookup)
        return "is unique, which needs look-up";
    if (f->derived != is_status)
        return is_status ? "must be derived" : "cannot be derived: only status is";
    if (f->derived && (f->type != SCHEMA_CATEGORY || f->required || f->unique || f->lookup))
        return "is derived: a category, neither required, unique nor looked up";
    f->lookup = f->lookup || f->unique;
    return NULL;
}

static enum cofre_err
parse_field(const struct place *at, json_t *object, bool whole, struct schema_field *f)
{
    const char *problem;
    const char *key;
    json_t *value;

    if (!schema_fields_name(at->name))
        return cofre_why_set(at->why, COFRE_EFORMAT, "%s: a name is not [a-z][a-z0-9_]{0,62}",
                             at->parent);
    if (is_reserved(at->name, whole ? reserved_fields : reserved_attributes))
        return refuse(at, NULL, "is a reserved name");
    if (!json_is_object(object))
        return refuse(at, NULL, "is not an object");

    memcpy(f->name, at->name, strlen(at->name) + 1);
    f->class = SCHEMA_ATTRIBUTE;
    json_object_foreach(object, key, value)
    {
        if ((problem = parse_member(key, value, whole, f)) != NULL)
            return refuse(at, schema_fields_name(key) ? key : NULL, problem);
    }
    if (json_object_get(object, "type") == NULL)
        return refuse(at, NULL, "has no type");
    if (whole && (problem = check_field(object, f)) != NULL)
        return refuse(at, NULL, problem);
    return COFRE_OK;
}

static bool
number_taken(const struct schema_field *fields, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (fields[n].num != 0 && fields[i].num == fields[n].num)
            return true;
    return false;
}

enum cofre_err
schema_fields_parse(struct schema_fields_in in, struct schema_field *fields, size_t *n,
                    struct cofre_why *why)
{
    struct place at = {in.attributes ? "/events/attributes" : "/fields", "", why};
    enum cofre_err err;
    const char *key;
    json_t *value;

    *n = 0;
    if (!json_is_object(in.object))
        return cofre_why_set(at.why, COFRE_EFORMAT, "%s: is not an object", at.parent);
    if (json_object_size(in.object) > SCHEMA_FIELDS_MAX)
        return cofre_why_set(at.why, COFRE_EFORMAT, "%s: has more than %d members", at.parent,
                             (int)SCHEMA_FIELDS_MAX);
    json_object_foreach(in.object, key, value)
    {
        at.name = key;
        if ((err = parse_field(&at, value, !in.attributes, &fields[*n])) != COFRE_OK)
            return err;
        if (number_taken(fields, *n))
            return refuse(&at, "num", "is the number of another");
        (*n)++;
    }
    return COFRE_OK;
}
