#include <stdlib.h>

#include "vault/views/view.h"

static void
free_names(struct view_field *fields, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free((void *)(uintptr_t)fields[i].json_name.p);
}

void
view_free(struct view *v)
{
    if (v == NULL)
        return;
    free_names(v->fields, v->n_fields);
    free_names(v->attributes, v->n_attributes);
    free(v);
}
