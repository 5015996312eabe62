#ifndef VAULT_VIEW_WALK_H
#define VAULT_VIEW_WALK_H

#include <jansson.h>

#include "vault/views/view.h"

/* What the readers of a view document share: where they are in it, and what they read into. */
enum { VIEW_POINTER_MAX = 200 };

struct view_walk {
    const struct schema *schema;
    struct view *view;
    struct transform *transform; /* of the field being read */
    struct cofre_why *why;
    size_t at_len;
    char at[VIEW_POINTER_MAX]; /* JSON pointer (RFC 6901) with NUL, cut where it is too long */
};

/* One member of an object: read is called with the walk standing at it. */
struct view_member {
    const char *name;
    json_type type;
    bool required;
    enum cofre_err (*read)(struct view_walk *w, const json_t *value);
};

/* Steps into a member or an element; returns what view_walk_leave takes to step out. */
size_t view_walk_enter(struct view_walk *w, const char *name);
size_t view_walk_enter_index(struct view_walk *w, size_t i);
void view_walk_leave(struct view_walk *w, size_t before);

/* COFRE_EFORMAT, with the pointer and the reason in w->why. */
enum cofre_err view_walk_fail(struct view_walk *w, const char *reason);
enum cofre_err view_walk_fail_at(struct view_walk *w, const char *name, const char *reason);

/*
 * Reads an object by its table of members, in the table's order and not the document's.
 * COFRE_EFORMAT for a member that is unknown, missing or of another type; or what a read returns.
 * On error the walk stays where the fault is.
 */
COFRE_CHECKED enum cofre_err view_walk_members(struct view_walk *w, const json_t *object,
                                               const struct view_member *members, size_t n);

/* A JSON string's bytes, borrowed. */
struct bytes view_walk_text(const json_t *string);
/* An integer, and within these bounds. */
bool view_walk_within(const json_t *value, int64_t least, int64_t most);

/* Read "fields" of the view, and "fields" of its events (view_fields.c). */
COFRE_CHECKED enum cofre_err view_fields_read(struct view_walk *w, const json_t *object);
COFRE_CHECKED enum cofre_err view_fields_attributes(struct view_walk *w, const json_t *object);

#endif
