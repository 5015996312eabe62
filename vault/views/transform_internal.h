#ifndef VAULT_TRANSFORM_INTERNAL_H
#define VAULT_TRANSFORM_INTERNAL_H

#include "vault/views/transform.h"

/* What the parts of transform_put share: one value to show, and how. */
struct transform_value {
    const struct transform *t;
    enum schema_type type;
    struct bytes value;                 /* canonical text, borrowed */
    const struct normalise_date *today; /* needed by age_band alone */
};

/* Each appends the JSON value, or returns false and appends nothing: see transform_put. */
typedef bool transform_fn(struct buf *out, const struct transform_value *v);

transform_fn transform_text_keep;
transform_fn transform_text_prefix;
transform_fn transform_text_domain;
transform_fn transform_mask_put;
transform_fn transform_date_age_band;
transform_fn transform_date_year;
transform_fn transform_date_month;
transform_fn transform_number_keep;
transform_fn transform_number_band;

enum {
    /* The longest emoji family has 41 bytes; more is marks upon marks, which could carry a text. */
    TRANSFORM_CHARACTER_MAX = 48
};

/*
 * Takes the first character that a reader would see off *rest: a grapheme cluster, never cut inside
 * a combining sequence.  Characters of format alone (category Cf: direction marks, zero-width
 * joiners) before and behind it are passed over, so that an empty rest means that it was the last.
 * An empty character: there was none left.  False: not UTF-8, as far as this looked.
 */
bool transform_text_next(struct bytes *rest, struct bytes *character);

#endif
