#include <stdio.h>
#include <stdlib.h>

#include "vault/views/view_internal.h"
#include "vault/views/view_walk.h"

static enum cofre_err
read_as(struct view_walk *w, const json_t *value)
{
    if (transform_parse(view_walk_text(value), &w->transform->as) != COFRE_OK)
        return view_walk_fail(w, "no such transform");
    return COFRE_OK;
}

static enum cofre_err
read_width(struct view_walk *w, const json_t *value)
{
    if (w->transform->as != TRANSFORM_AGE_BAND)
        return view_walk_fail(w, "goes with age_band alone");
    if (!view_walk_within(value, 1, VIEW_WIDTH_MAX))
        return view_walk_fail(w, "must be from 1 to 50 years");
    w->transform->width = (unsigned)json_integer_value(value);
    return COFRE_OK;
}

static enum cofre_err
read_chars(struct view_walk *w, const json_t *value)
{
    if (w->transform->as != TRANSFORM_PREFIX)
        return view_walk_fail(w, "goes with prefix alone");
    if (!view_walk_within(value, 1, VIEW_CHARS_MAX))
        return view_walk_fail(w, "must be from 1 to 3 characters");
    w->transform->chars = (unsigned)json_integer_value(value);
    return COFRE_OK;
}

static enum cofre_err
read_edges(struct view_walk *w, const json_t *value)
{
    struct transform *t = w->transform;
    size_t n = json_array_size(value);

    if (t->as != TRANSFORM_BAND)
        return view_walk_fail(w, "goes with band alone");
    if (n < 1 || n > TRANSFORM_EDGES_MAX)
        return view_walk_fail(w, "must be 1 to 32 edges");
    for (size_t i = 0; i < n; i++) {
        const json_t *edge = json_array_get(value, i);
        size_t before = view_walk_enter_index(w, i);

        if (!view_walk_within(edge, -VIEW_EDGE_MAX, VIEW_EDGE_MAX))
            return view_walk_fail(w, "must be an integer of at most 15 digits");
        t->edges[i] = json_integer_value(edge);
        if (i > 0 && t->edges[i] <= t->edges[i - 1])
            return view_walk_fail(w, "must be above the edge before it");
        view_walk_leave(w, before);
    }
    t->n_edges = n;
    return COFRE_OK;
}

static const struct view_member transform_members[] = {{"as", JSON_STRING, true, read_as},
                                                       {"width", JSON_INTEGER, false, read_width},
                                                       {"chars", JSON_INTEGER, false, read_chars},
                                                       {"edges", JSON_ARRAY, false, read_edges}};

static enum cofre_err
read_transform(struct view_walk *w, const json_t *spec, struct transform *t)
{
    enum cofre_err err;

    w->transform = t;
    err = view_walk_members(w, spec, transform_members,
                            sizeof transform_members / sizeof *transform_members);
    if (err != COFRE_OK)
        return err;
    if (t->as == TRANSFORM_AGE_BAND && t->width == 0)
        return view_walk_fail_at(w, "width", "missing");
    if (t->as == TRANSFORM_PREFIX && t->chars == 0)
        return view_walk_fail_at(w, "chars", "missing");
    if (t->as == TRANSFORM_BAND && t->n_edges == 0)
        return view_walk_fail_at(w, "edges", "missing");
    return COFRE_OK;
}

/* ---- fields and attributes ---- */

static enum cofre_err
check_allowed(struct view_walk *w, const struct transform *t, const struct schema_field *field)
{
    struct cofre_why cause = {.text = ""};
    enum cofre_err err = transform_allowed(t, field->type, field->class, &cause);

    if (err == COFRE_OK)
        return COFRE_OK;
    view_walk_enter(w, "as");
    return cofre_why_set(w->why, err == COFRE_EREFUSED ? err : COFRE_EFORMAT, "%s: %s", w->at,
                         cause.text);
}

/* "name": as it is written in front of a value. */
static enum cofre_err
make_json_name(const char *name, struct bytes *out)
{
    size_t len = strlen(name) + sizeof "\"\":" - 1;
    char *text = malloc(len + 1);

    if (text == NULL)
        return COFRE_ENOMEM;
    snprintf(text, len + 1, "\"%s\":", name);
    *out = (struct bytes){(const uint8_t *)text, len};
    return COFRE_OK;
}

static enum cofre_err
read_field(struct view_walk *w, const json_t *spec, const struct schema_field *field,
           struct view_field *out)
{
    enum cofre_err err;

    if (!json_is_object(spec))
        return view_walk_fail(w, "must be an object");
    if ((err = read_transform(w, spec, &out->as)) != COFRE_OK)
        return err;
    if ((err = check_allowed(w, &out->as, field)) != COFRE_OK)
        return err;
    out->num = field->num;
    out->type = field->type;
    out->identifier = field->class == SCHEMA_IDENTIFIER;
    out->sensitive = field->class == SCHEMA_SENSITIVE;
    out->derived = field->derived;
    memcpy(out->name, field->name, sizeof out->name);
    return make_json_name(field->name, &out->json_name);
}

enum cofre_err
view_fields_read(struct view_walk *w, const json_t *object)
{
    struct view *v = w->view;
    const char *name;
    json_t *spec;

    json_object_foreach((json_t *)(uintptr_t)object, name, spec)
    {
        const struct schema_field *field = schema_field(w->schema, bytes_str(name));
        struct view_field *out = &v->fields[v->n_fields];
        size_t before = view_walk_enter(w, name);
        enum cofre_err err;

        if (field == NULL)
            return view_walk_fail(w, "no such field in the schema");
        if ((err = read_field(w, spec, field, out)) != COFRE_OK)
            return err;
        v->n_fields++;
        if (out->as.as != TRANSFORM_DROP) {
            v->needs_identifiers |= out->identifier;
            v->needs_sensitive |= out->sensitive;
        }
        view_walk_leave(w, before);
    }
    return COFRE_OK;
}

enum cofre_err
view_fields_attributes(struct view_walk *w, const json_t *object)
{
    struct view *v = w->view;
    const char *name;
    json_t *spec;

    json_object_foreach((json_t *)(uintptr_t)object, name, spec)
    {
        const struct schema_field *field = schema_attribute(w->schema, bytes_str(name));
        struct view_field *out = &v->attributes[v->n_attributes];
        size_t before = view_walk_enter(w, name);
        enum cofre_err err;

        if (field == NULL)
            return view_walk_fail(w, "no such attribute in the schema");
        if ((err = read_field(w, spec, field, out)) != COFRE_OK)
            return err;
        v->n_attributes++;
        if (out->as.as != TRANSFORM_KEEP && out->as.as != TRANSFORM_DROP &&
            out->as.as != TRANSFORM_BAND)
            return view_walk_fail_at(w, "as", "an attribute can be kept, dropped or banded");
        view_walk_leave(w, before);
    }
    return COFRE_OK;
}
