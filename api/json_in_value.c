#include <stdio.h>

#include "json_in.h"

static struct bytes
text_of(const json_t *value)
{
    return (struct bytes){(const uint8_t *)json_string_value(value), json_string_length(value)};
}

static const char *
wants(json_type type)
{
    switch (type) {
    case JSON_OBJECT:
        return "must be an object";
    case JSON_ARRAY:
        return "must be an array";
    default:
        return "must be a string";
    }
}

static const struct json_member *
member_find(const struct json_member *members, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(members[i].name, name) == 0)
            return &members[i];
    return NULL;
}

static bool
member_read(struct json_in *in, const struct json_at *at, const struct json_member *m,
            json_t *value)
{
    json_type type = m->text != NULL ? JSON_STRING : m->type;

    /* JSON_NULL stands for any type. */
    if (json_typeof(value) != type && type != JSON_NULL) {
        json_in_fault_member(in, at, m->name, wants(type));
        return false;
    }
    if (m->text != NULL)
        *m->text = text_of(value);
    else
        *m->value = value;
    return true;
}

bool
json_in_object(struct json_in *in, const struct json_at *at, const json_t *value,
               const struct json_member *members, size_t n)
{
    bool ok = true;
    json_t *object = (json_t *)(uintptr_t)value; /* iterating does not change it */

    if (!json_is_object(value)) {
        json_in_fault(in, at, wants(JSON_OBJECT));
        return false;
    }
    for (void *it = json_object_iter(object); it != NULL; it = json_object_iter_next(object, it)) {
        const char *name = json_object_iter_key(it);
        const struct json_member *m = member_find(members, n, name);
        if (m == NULL)
            json_in_fault_member(in, at, name, "a member that is not known here");
        ok = m != NULL && member_read(in, at, m, json_object_iter_value(it)) && ok;
    }
    for (size_t i = 0; i < n; i++) {
        if (members[i].required && json_object_get(value, members[i].name) == NULL) {
            json_in_fault_member(in, at, members[i].name, "is missing");
            ok = false;
        }
    }
    return ok;
}

size_t
json_in_array(struct json_in *in, const struct json_at *at, const json_t *value, size_t min,
              size_t max)
{
    char reason[64];
    size_t n = json_array_size(value);

    if (!json_is_array(value)) {
        json_in_fault(in, at, wants(JSON_ARRAY));
        return 0;
    }
    if (n < min || n > max) {
        snprintf(reason, sizeof reason, "must hold %zu to %zu items", min, max);
        json_in_fault(in, at, reason);
        return 0;
    }
    return n;
}

bool
json_in_strings(struct json_in *in, const struct json_at *at, const json_t *value, size_t min,
                size_t max, struct bytes **out, size_t *n)
{
    size_t count = json_in_array(in, at, value, min, max);
    bool ok = true;

    *n = 0;
    if (count == 0 || (*out = json_in_alloc(in, count, sizeof **out)) == NULL)
        return count == 0 && min == 0 && cofre_call_ok(in->call);
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(value, i);
        struct json_at place = {at, NULL, i};
        if (!json_is_string(item)) {
            json_in_fault(in, &place, wants(JSON_STRING));
            ok = false;
        }
        (*out)[i] = text_of(item);
    }
    *n = count;
    return ok;
}

/* ---- field values ---- */

static bool
integer_text(struct json_in *in, json_int_t n, struct bytes *text)
{
    enum { INTEGER_CHARS = 24 };
    char *p = json_in_alloc(in, 1, INTEGER_CHARS);

    if (p == NULL)
        return false;
    text->p = (const uint8_t *)p;
    text->len = (size_t)snprintf(p, INTEGER_CHARS, "%" JSON_INTEGER_FORMAT, n);
    return true;
}

bool
json_in_field(struct json_in *in, const char *name, const json_t *value, struct cofre_field *out)
{
    *out = (struct cofre_field){.name = bytes_str(name)};
    switch (json_typeof(value)) {
    case JSON_STRING:
        out->form = COFRE_FORM_STRING;
        out->text = text_of(value);
        return true;
    case JSON_INTEGER:
        out->form = COFRE_FORM_INTEGER;
        return integer_text(in, json_integer_value(value), &out->text);
    case JSON_REAL:
        out->form = COFRE_FORM_NUMBER;
        return true;
    case JSON_TRUE:
    case JSON_FALSE:
        out->form = COFRE_FORM_BOOL;
        out->text = json_is_true(value) ? BYTES_LIT("true") : BYTES_LIT("false");
        return true;
    case JSON_NULL:
        out->form = COFRE_FORM_NULL;
        return true;
    default:
        out->form = COFRE_FORM_OTHER;
        return true;
    }
}

bool
json_in_fields(struct json_in *in, const struct json_at *at, const json_t *value,
               struct cofre_field **out, size_t *n)
{
    json_t *object = (json_t *)(uintptr_t)value; /* iterating does not change it */
    size_t count = json_object_size(value);
    size_t i = 0;

    *n = 0;
    if (count > JSON_IN_FIELDS) {
        json_in_fault(in, at, "too many members: at most 256");
        return false;
    }
    if (count == 0)
        return true;
    if ((*out = json_in_alloc(in, count, sizeof **out)) == NULL)
        return false;
    for (void *it = json_object_iter(object); it != NULL; it = json_object_iter_next(object, it))
        if (!json_in_field(in, json_object_iter_key(it), json_object_iter_value(it), &(*out)[i++]))
            return false;
    *n = count;
    return true;
}
