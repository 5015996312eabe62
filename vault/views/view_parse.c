#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "vault/views/view_internal.h"
#include "vault/views/view_walk.h"
#include "vault/views/view.h"

static enum cofre_err
read_kinds(struct view_walk *w, const json_t *array)
{
    if (json_array_size(array) == 0)
        return view_walk_fail(w, "must name a kind");
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *name = json_array_get(array, i);
        size_t before = view_walk_enter_index(w, i);
        const struct schema_kind *kind;
        uint64_t bit;

        if (!json_is_string(name))
            return view_walk_fail(w, "must be a string");
        if ((kind = schema_kind(w->schema, view_walk_text(name))) == NULL)
            return view_walk_fail(w, "no such kind in the schema");
        bit = UINT64_C(1) << (kind - w->schema->kinds);
        if ((w->view->kinds & bit) != 0)
            return view_walk_fail(w, "stands here twice");
        w->view->kinds |= bit;
        view_walk_leave(w, before);
    }
    return COFRE_OK;
}

static enum cofre_err
read_time(struct view_walk *w, const json_t *value)
{
    if (transform_time_parse(view_walk_text(value), &w->view->time) != COFRE_OK)
        return view_walk_fail(w, "must be day, week or month");
    return COFRE_OK;
}

static const struct view_member event_members[] = {
    {"kinds", JSON_ARRAY, true, read_kinds},
    {"time", JSON_STRING, false, read_time},
    {"fields", JSON_OBJECT, false, view_fields_attributes}};

static enum cofre_err
read_events(struct view_walk *w, const json_t *object)
{
    w->view->has_events = true;
    return view_walk_members(w, object, event_members,
                             sizeof event_members / sizeof *event_members);
}

/* ---- the view ---- */

static bool
is_name(struct bytes text)
{
    if (text.len < 1 || text.len > VIEW_NAME_MAX || text.p[0] < 'a' || text.p[0] > 'z')
        return false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.p[i];

        if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-')
            return false;
    }
    return true;
}

static enum cofre_err
copy_name(struct view_walk *w, const json_t *value, char out[static VIEW_NAME_MAX + 1])
{
    if (!is_name(view_walk_text(value)))
        return view_walk_fail(w, "must be a name: [a-z][a-z0-9_-]{0,62}");
    memcpy(out, json_string_value(value), json_string_length(value));
    return COFRE_OK;
}

static enum cofre_err
read_view(struct view_walk *w, const json_t *value)
{
    return copy_name(w, value, w->view->name);
}

static enum cofre_err
read_purpose(struct view_walk *w, const json_t *value)
{
    return copy_name(w, value, w->view->purpose);
}

static enum cofre_err
read_pseudonym(struct view_walk *w, const json_t *value)
{
    if (!bytes_equal(view_walk_text(value), BYTES_LIT(VIEW_PSEUDONYM)))
        return view_walk_fail(w, "must be \"" VIEW_PSEUDONYM "\"");
    return COFRE_OK;
}

/* They are kept in our order, not in the document's, so that equal views are written alike. */
static enum cofre_err
read_write_back(struct view_walk *w, const json_t *array)
{
    static const char *const known[] = VIEW_WRITE_BACK;
    bool wanted[sizeof known / sizeof *known] = {false};
    const size_t n_known = sizeof known / sizeof *known;

    static_assert(sizeof known / sizeof *known <= VIEW_WRITE_BACK_MAX, "room for each");
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *name = json_array_get(array, i);
        size_t before = view_walk_enter_index(w, i);
        size_t k = 0;

        if (!json_is_string(name))
            return view_walk_fail(w, "must be a string");
        while (k < n_known && !bytes_equal(view_walk_text(name), bytes_str(known[k])))
            k++;
        if (k == n_known)
            return view_walk_fail(w, "must be tier, points or flags");
        if (wanted[k])
            return view_walk_fail(w, "stands here twice");
        wanted[k] = true;
        view_walk_leave(w, before);
    }
    for (size_t k = 0; k < n_known; k++) {
        if (wanted[k])
            snprintf(w->view->write_back[w->view->n_write_back++], SCHEMA_NAME_MAX + 1, "%s",
                     known[k]);
    }
    return COFRE_OK;
}

static enum cofre_err
read_min_k(struct view_walk *w, const json_t *value)
{
    if (!view_walk_within(value, VIEW_MIN_K_LEAST, VIEW_MIN_K_MOST))
        return view_walk_fail(w, "must be from 2 to 1000");
    w->view->min_k = (unsigned)json_integer_value(value);
    return COFRE_OK;
}

static const struct view_member view_members[] = {
    {"view", JSON_STRING, true, read_view},
    {"purpose", JSON_STRING, true, read_purpose},
    {"pseudonym", JSON_STRING, false, read_pseudonym},
    {"fields", JSON_OBJECT, true, view_fields_read},
    {"events", JSON_OBJECT, false, read_events},
    {"write_back", JSON_ARRAY, false, read_write_back},
    {"min_k", JSON_INTEGER, false, read_min_k}};

/* The parser's own message is left out: it quotes the document. */
static enum cofre_err
load(struct bytes json, json_t **out, struct cofre_why *why)
{
    json_error_t error = {.line = 0}; /* the parser leaves the code as it was where memory fails */

    if (json.len > VIEW_DOC_MAX)
        return cofre_why_set(why, COFRE_EFORMAT, "view document: longer than %d bytes",
                             VIEW_DOC_MAX);
    *out = json_loadb(json.len > 0 ? (const char *)json.p : "", json.len, JSON_REJECT_DUPLICATES,
                      &error);
    if (*out != NULL)
        return COFRE_OK;
    /*
     * The parser says why text is bad, but nothing of most allocations that failed.  Of one inside a
     * string it says that the text is bad, and so do we: refused all the same.
     */
    if (json_error_code(&error) == json_error_out_of_memory ||
        json_error_code(&error) == json_error_unknown)
        return COFRE_ENOMEM;
    return cofre_why_set(
        why, COFRE_EFORMAT, "view document: line %d, column %d: %s", error.line, error.column,
        json_error_code(&error) == json_error_duplicate_key ? "a member stands here twice"
                                                            : "is not JSON");
}

enum cofre_err
view_parse(struct bytes json, const struct schema *schema, struct view **out, struct cofre_why *why)
{
    struct view_walk w = {.schema = schema, .why = why};
    json_t *document = NULL;
    enum cofre_err err;

    *out = NULL;
    if ((err = load(json, &document, why)) != COFRE_OK)
        return err;
    if ((w.view = calloc(1, sizeof *w.view)) == NULL) {
        err = COFRE_ENOMEM;
        goto out;
    }
    w.view->min_k = VIEW_MIN_K_DEFAULT;

    err = json_is_object(document) ? view_walk_members(&w, document, view_members,
                                                       sizeof view_members / sizeof *view_members)
                                   : view_walk_fail(&w, "must be an object");
    if (err == COFRE_OK) {
        *out = w.view;
        w.view = NULL; /* moved to *out */
    }
out:
    view_free(w.view);
    json_decref(document);
    return err;
}
