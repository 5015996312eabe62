#include <stdlib.h>
#include <string.h>

#include "vault/records/normalise.h"
#include "vault/store/store.h"

#include "vault/records/fields.h"

void
fields_init(struct fields *f)
{
    f->n = 0;
    f->text = BUF_INIT;
}

void
fields_free(struct fields *f)
{
    buf_free(&f->text);
    f->n = 0;
}

unsigned
fields_part(const struct schema_field *field)
{
    if (field->class == SCHEMA_IDENTIFIER)
        return STORE_IDENTIFIERS;
    return field->class == SCHEMA_SENSITIVE ? STORE_SENSITIVE : STORE_REST;
}

static bool
form_of(enum cofre_form in, enum normalise_form *out)
{
    switch (in) {
    case COFRE_FORM_FILE:
        *out = NORMALISE_FILE;
        return true;
    case COFRE_FORM_STRING:
        *out = NORMALISE_STRING;
        return true;
    case COFRE_FORM_INTEGER:
        *out = NORMALISE_INTEGER;
        return true;
    case COFRE_FORM_BOOL:
        *out = NORMALISE_BOOL;
        return true;
    default:
        return false;
    }
}

static enum cofre_err
add_value(struct fields *f, const struct fields_context *ctx, const struct schema_field *field,
          const struct cofre_field *in, const char **reason)
{
    struct normalise_in value = {.type = field->type,
                                 .text = in->text,
                                 .default_country = ctx->schema->default_country,
                                 .today = ctx->today};
    size_t at = f->text.len;
    enum cofre_err err;

    if (!form_of(in->form, &value.form)) {
        *reason = "has a JSON type that this field does not take";
        return COFRE_EINVAL;
    }
    if ((err = normalise_value(&value, &f->text, reason)) != COFRE_OK)
        return err;
    f->item[f->n++] =
        (struct fields_item){.field = field, .at = at, .len = f->text.len - at};
    return COFRE_OK;
}

enum cofre_err
fields_add(struct fields *f, const struct fields_context *ctx, const struct cofre_field *in,
           const char **reason)
{
    const struct schema_field *field = ctx->attributes ? schema_attribute(ctx->schema, in->name)
                                                       : schema_field(ctx->schema, in->name);

    if (field == NULL) {
        *reason = "is not in the schema";
        return COFRE_EINVAL;
    }
    if (field->derived) {
        *reason = "is derived by the vault and cannot be set";
        return COFRE_EINVAL;
    }
    if (fields_find(f, field->num) != NULL || f->n == SCHEMA_FIELDS_MAX) {
        *reason = "is given twice";
        return COFRE_EINVAL;
    }
    if (in->form != COFRE_FORM_NULL)
        return add_value(f, ctx, field, in, reason);
    if (!ctx->may_remove || field->required) {
        *reason = field->required ? "is required" : "may not be null";
        return COFRE_EINVAL;
    }
    f->item[f->n++] = (struct fields_item){.field = field, .remove = true};
    return COFRE_OK;
}

static int
by_number(const void *a, const void *b)
{
    const struct fields_item *x = a;
    const struct fields_item *y = b;

    return (x->field->num > y->field->num) - (x->field->num < y->field->num);
}

void
fields_sort(struct fields *f)
{
    if (f->n > 1)
        qsort(f->item, f->n, sizeof *f->item, by_number);
}

struct bytes
fields_value(const struct fields *f, size_t i)
{
    return (struct bytes){f->text.p + f->item[i].at, f->item[i].len};
}

const struct fields_item *
fields_find(const struct fields *f, uint16_t num)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->item[i].field->num == num)
            return &f->item[i];
    return NULL;
}
