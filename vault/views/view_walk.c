#include <stdio.h>

#include "vault/views/view_walk.h"

/* Members' names are the admin's own words: they may be shown, as ASCII. */
size_t
view_walk_enter(struct view_walk *w, const char *name)
{
    size_t before = w->at_len;

    if (w->at_len + 1 < VIEW_POINTER_MAX)
        w->at[w->at_len++] = '/';
    for (; *name != '\0' && w->at_len + 2 < VIEW_POINTER_MAX; name++) {
        if (*name == '~' || *name == '/') {
            w->at[w->at_len++] = '~';
            w->at[w->at_len++] = *name == '~' ? '0' : '1';
        } else {
            w->at[w->at_len++] = *name > 0x20 && *name < 0x7f ? *name : '?';
        }
    }
    w->at[w->at_len] = '\0';
    return before;
}

size_t
view_walk_enter_index(struct view_walk *w, size_t i)
{
    char text[24];

    snprintf(text, sizeof text, "%zu", i);
    return view_walk_enter(w, text);
}

void
view_walk_leave(struct view_walk *w, size_t before)
{
    w->at_len = before;
    w->at[before] = '\0';
}

enum cofre_err
view_walk_fail(struct view_walk *w, const char *reason)
{
    return cofre_why_set(w->why, COFRE_EFORMAT, "%s: %s", w->at_len > 0 ? w->at : "view document",
                         reason);
}

enum cofre_err
view_walk_fail_at(struct view_walk *w, const char *name, const char *reason)
{
    view_walk_enter(w, name);
    return view_walk_fail(w, reason);
}

static const struct view_member *
member_find(const struct view_member *members, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(members[i].name, name) == 0)
            return &members[i];
    }
    return NULL;
}

static const char *
type_reason(json_type type)
{
    switch (type) {
    case JSON_OBJECT:
        return "must be an object";
    case JSON_ARRAY:
        return "must be an array";
    case JSON_STRING:
        return "must be a string";
    default:
        return "must be an integer";
    }
}

enum cofre_err
view_walk_members(struct view_walk *w, const json_t *object, const struct view_member *members,
                  size_t n)
{
    enum cofre_err err = COFRE_OK;
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        if (member_find(members, n, name) == NULL)
            return view_walk_fail_at(w, name, "unknown member");
    }
    for (size_t i = 0; i < n && err == COFRE_OK; i++) {
        const struct view_member *m = &members[i];
        size_t before;

        if ((value = json_object_get(object, m->name)) == NULL) {
            if (m->required)
                return view_walk_fail_at(w, m->name, "missing");
            continue;
        }
        before = view_walk_enter(w, m->name);
        if (json_typeof(value) != m->type)
            return view_walk_fail(w, type_reason(m->type));
        if ((err = m->read(w, value)) == COFRE_OK)
            view_walk_leave(w, before);
    }
    return err;
}

struct bytes
view_walk_text(const json_t *string)
{
    return (struct bytes){(const uint8_t *)json_string_value(string), json_string_length(string)};
}

bool
view_walk_within(const json_t *value, int64_t least, int64_t most)
{
    return json_is_integer(value) && json_integer_value(value) >= least &&
           json_integer_value(value) <= most;
}
