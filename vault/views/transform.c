#include <assert.h>

#include "vault/views/transform_internal.h"
#include "vault/views/transform.h"

#define TYPE(name) (1U << SCHEMA_##name)
#define ALL_TYPES ((1U << SCHEMA_TYPES) - 1)
#define DATES (TYPE(DATE) | TYPE(BIRTH_DATE))
/* They name a person whatever class a schema gives them. */
#define IDENTIFYING (TYPE(PERSON_NAME) | TYPE(EMAIL) | TYPE(PHONE) | TYPE(POSTAL_ADDRESS))

static bool
nothing(struct buf *out, const struct transform_value *v)
{
    (void)out;
    (void)v;
    return false;
}

/* The first letter of a bool is all of it: it cannot be masked. */
static const struct {
    const char *name;
    unsigned types; /* that it makes sense for */
    transform_fn *put;
} transforms[TRANSFORM_COUNT] = {
    [TRANSFORM_KEEP] = {"keep", ALL_TYPES, transform_text_keep},
    [TRANSFORM_DROP] = {"drop", ALL_TYPES, nothing},
    [TRANSFORM_AGE_BAND] = {"age_band", TYPE(BIRTH_DATE), transform_date_age_band},
    [TRANSFORM_YEAR] = {"year", DATES, transform_date_year},
    [TRANSFORM_MONTH] = {"month", DATES, transform_date_month},
    [TRANSFORM_PREFIX] = {"prefix", TYPE(TEXT) | TYPE(POSTAL_CODE) | TYPE(COUNTRY) | TYPE(CATEGORY),
                          transform_text_prefix},
    [TRANSFORM_MASK] = {"mask", ALL_TYPES & ~TYPE(BOOL), transform_mask_put},
    [TRANSFORM_DOMAIN] = {"domain", TYPE(EMAIL), transform_text_domain},
    [TRANSFORM_BAND] = {"band", TYPE(NUMBER) | TYPE(MONEY), transform_number_band},
};

const char *
transform_text(enum transform_as as)
{
    assert(as < TRANSFORM_COUNT);
    return transforms[as].name;
}

enum cofre_err
transform_parse(struct bytes name, enum transform_as *as)
{
    for (unsigned i = 0; i < TRANSFORM_COUNT; i++) {
        if (bytes_equal(name, bytes_str(transforms[i].name))) {
            *as = (enum transform_as)i;
            return COFRE_OK;
        }
    }
    return COFRE_EINVAL;
}

/* Why this would show what no view may, or NULL. */
static const char *
refusal(enum transform_as as, enum schema_type type, enum schema_class class)
{
    bool hidden = as == TRANSFORM_DROP || as == TRANSFORM_MASK;

    if (hidden)
        return NULL;
    if (type == SCHEMA_EMAIL)
        return as == TRANSFORM_DOMAIN
                   ? NULL
                   : "an e-mail address can only be masked, cut to its domain or dropped";
    if (class == SCHEMA_IDENTIFIER)
        return "an identifier can only be masked or dropped";
    if ((IDENTIFYING & (1U << type)) != 0)
        return "this type names a person, whatever its class: it can only be masked or dropped";
    if (as == TRANSFORM_KEEP && type == SCHEMA_BIRTH_DATE)
        return "a birth date cannot be kept";
    if (as == TRANSFORM_KEEP && type == SCHEMA_TEXT && class == SCHEMA_SENSITIVE)
        return "sensitive free text cannot be kept";
    return NULL;
}

enum cofre_err
transform_allowed(const struct transform *t, enum schema_type type, enum schema_class class,
                  struct cofre_why *why)
{
    const char *reason;

    assert(t->as < TRANSFORM_COUNT && type < SCHEMA_TYPES && class < SCHEMA_CLASSES);
    if ((reason = refusal(t->as, type, class)) != NULL)
        return cofre_why_set(why, COFRE_EREFUSED, "%s: %s", transforms[t->as].name, reason);
    if ((transforms[t->as].types & (1U << type)) == 0)
        return cofre_why_set(why, COFRE_EINVAL, "%s: makes no sense for the type %s",
                             transforms[t->as].name, schema_type_text(type));
    return COFRE_OK;
}

bool
transform_put(struct buf *out, const struct transform *t, enum schema_type type, struct bytes value,
              const struct normalise_date *today)
{
    struct transform_value v = {t, type, value, today};

    assert(t->as < TRANSFORM_COUNT && type < SCHEMA_TYPES);
    if ((transforms[t->as].types & (1U << type)) == 0 || value.len == 0)
        return false;
    return transforms[t->as].put(out, &v);
}
