#include <assert.h>

#include "vault/records/schema.h"

/* Fields or attributes as they were, and what to call one of them when it is in the way. */
struct fields {
    const struct schema_field *p;
    size_t n;
    const char *what;
};

/* What about a field cannot change while data lie under its number; NULL: nothing has. */
static const char *
changed(const struct schema_field *a, const struct schema_field *b)
{
    if (a->type != b->type)
        return "type";
    if (a->class != b->class)
        return "class";
    if (a->unique != b->unique)
        return "uniqueness";
    /* Customers stored before have no index value: a look-up would miss them without a word. */
    if (a->lookup != b->lookup)
        return "look-up";
    if (a->derived != b->derived)
        return "derivation";
    return NULL;
}

static struct schema_field *
named(struct schema_field *fields, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(fields[i].name, name) == 0)
            return &fields[i];
    return NULL;
}

/* A number over the highest is fresh: none was ever taken away. */
static enum cofre_err
fresh(uint16_t *last, uint16_t *num, struct cofre_why *why)
{
    if (*last == UINT16_MAX)
        return cofre_why_set(why, COFRE_EREFUSED, "the numbers are used up");
    *num = ++*last;
    return COFRE_OK;
}

static enum cofre_err
merge_fields(const struct fields *old, struct schema_field *next, size_t n, struct cofre_why *why)
{
    enum cofre_err err;
    uint16_t last = 0;

    for (size_t i = 0; i < n; i++)
        next[i].num = 0;
    for (size_t i = 0; i < old->n; i++) {
        const struct schema_field *was = &old->p[i];
        struct schema_field *is = named(next, n, was->name);
        const char *what;

        if (is == NULL)
            return cofre_why_set(why, COFRE_EREFUSED, "%s %s is missing", old->what, was->name);
        if ((what = changed(was, is)) != NULL)
            return cofre_why_set(why, COFRE_EREFUSED, "%s %s: its %s cannot change", old->what,
                                 was->name, what);
        is->num = was->num;
        last = was->num > last ? was->num : last;
    }
    for (size_t i = 0; i < n; i++)
        if (next[i].num == 0 && (err = fresh(&last, &next[i].num, why)) != COFRE_OK)
            return err;
    return COFRE_OK;
}

static struct schema_kind *
kind_named(struct schema *s, const char *name)
{
    for (size_t i = 0; i < s->n_kinds; i++)
        if (strcmp(s->kinds[i].name, name) == 0)
            return &s->kinds[i];
    return NULL;
}

static enum cofre_err
merge_kinds(const struct schema *old, struct schema *next, struct cofre_why *why)
{
    enum cofre_err err;
    uint16_t last = 0;

    for (size_t i = 0; i < next->n_kinds; i++)
        next->kinds[i].num = 0;
    for (size_t i = 0; i < old->n_kinds; i++) {
        const struct schema_kind *was = &old->kinds[i];
        struct schema_kind *is = kind_named(next, was->name);

        if (is == NULL)
            return cofre_why_set(why, COFRE_EREFUSED, "event kind %s is missing", was->name);
        is->num = was->num;
        last = was->num > last ? was->num : last;
    }
    for (size_t i = 0; i < next->n_kinds; i++)
        if (next->kinds[i].num == 0 && (err = fresh(&last, &next->kinds[i].num, why)) != COFRE_OK)
            return err;
    return COFRE_OK;
}

enum cofre_err
schema_merge(const struct schema *old, struct schema *next, struct cofre_why *why)
{
    static const struct schema nothing;
    const struct schema *from = old != NULL ? old : &nothing;
    const struct fields fields = {from->fields, from->n_fields, "field"};
    const struct fields attributes = {from->attributes, from->n_attributes, "attribute"};
    enum cofre_err err;

    assert(next != NULL && old != next);
    if ((err = merge_fields(&fields, next->fields, next->n_fields, why)) != COFRE_OK ||
        (err = merge_fields(&attributes, next->attributes, next->n_attributes, why)) != COFRE_OK)
        return err;
    return merge_kinds(from, next, why);
}
