#include <assert.h>
#include <stdlib.h>

#include "vault/records/schema.h"

static const char *const type_texts[SCHEMA_TYPES] = {
    [SCHEMA_TEXT] = "text",
    [SCHEMA_PERSON_NAME] = "person_name",
    [SCHEMA_EMAIL] = "email",
    [SCHEMA_PHONE] = "phone",
    [SCHEMA_POSTAL_ADDRESS] = "postal_address",
    [SCHEMA_POSTAL_CODE] = "postal_code",
    [SCHEMA_COUNTRY] = "country",
    [SCHEMA_DATE] = "date",
    [SCHEMA_BIRTH_DATE] = "birth_date",
    [SCHEMA_NUMBER] = "number",
    [SCHEMA_MONEY] = "money",
    [SCHEMA_CATEGORY] = "category",
    [SCHEMA_BOOL] = "bool",
};

static const char *const class_texts[SCHEMA_CLASSES] = {
    [SCHEMA_IDENTIFIER] = "identifier",
    [SCHEMA_QUASI] = "quasi",
    [SCHEMA_ATTRIBUTE] = "attribute",
    [SCHEMA_SENSITIVE] = "sensitive",
};

const char *
schema_type_text(enum schema_type t)
{
    assert((unsigned)t < SCHEMA_TYPES);
    return type_texts[t];
}

const char *
schema_class_text(enum schema_class c)
{
    assert((unsigned)c < SCHEMA_CLASSES);
    return class_texts[c];
}

void
schema_free(struct schema *s)
{
    free(s);
}

static bool
is_named(const char *have, struct bytes name)
{
    return bytes_equal(bytes_str(have), name);
}

static const struct schema_field *
find_field(const struct schema_field *fields, size_t n, struct bytes name)
{
    for (size_t i = 0; i < n; i++)
        if (is_named(fields[i].name, name))
            return &fields[i];
    return NULL;
}

const struct schema_field *
schema_field(const struct schema *s, struct bytes name)
{
    return find_field(s->fields, s->n_fields, name);
}

const struct schema_field *
schema_field_num(const struct schema *s, uint16_t num)
{
    for (size_t i = 0; i < s->n_fields; i++)
        if (s->fields[i].num == num)
            return &s->fields[i];
    return NULL;
}

const struct schema_field *
schema_attribute(const struct schema *s, struct bytes name)
{
    return find_field(s->attributes, s->n_attributes, name);
}

const struct schema_kind *
schema_kind(const struct schema *s, struct bytes name)
{
    for (size_t i = 0; i < s->n_kinds; i++)
        if (is_named(s->kinds[i].name, name))
            return &s->kinds[i];
    return NULL;
}

const struct schema_kind *
schema_kind_num(const struct schema *s, uint16_t num)
{
    for (size_t i = 0; i < s->n_kinds; i++)
        if (s->kinds[i].num == num)
            return &s->kinds[i];
    return NULL;
}
