#ifndef VAULT_TRANSFORM_H
#define VAULT_TRANSFORM_H

#include "vault/records/normalise.h"
#include "vault/records/schema.h"

/*
 * What a view shows of a value (design 5): pure functions from a canonical value to JSON.
 *
 *   keep      the value, typed: number and bool bare, the rest a string
 *   drop      nothing: the field is absent
 *   age_band  birth_date -> "50-59" for width 10: the age today (UTC); the top band is open: from the
 *             band that holds 80 on, "80+" (for width 10)
 *   year      date -> "1970";  month: "1997-01"
 *   prefix    the first chars characters (1..3), fewer than the value has; a value that is not
 *             longer than chars gives one character less than it has; one character gives ""
 *   mask      by type, by character, length hidden: phone "+34•••••67", email "g•••@example.org",
 *             person_name "G••• P•••" (each word), others first character and "•••"; one character
 *             alone gives the bullets alone; a bool has no mask
 *   domain    email -> "example.org"
 *   band      money or number by ascending edges [10,20,50]: "<10", "10-20", "20-50", "50+";
 *             lower edge included, upper not
 */
enum transform_as {
    TRANSFORM_KEEP,
    TRANSFORM_DROP,
    TRANSFORM_AGE_BAND,
    TRANSFORM_YEAR,
    TRANSFORM_MONTH,
    TRANSFORM_PREFIX,
    TRANSFORM_MASK,
    TRANSFORM_DOMAIN,
    TRANSFORM_BAND,
    TRANSFORM_COUNT
};

enum { TRANSFORM_EDGES_MAX = 32 };

struct transform {
    enum transform_as as;
    unsigned width;       /* age_band: years, 1..50 */
    unsigned chars;       /* prefix: 1..3 */
    size_t n_edges;       /* band: 1..TRANSFORM_EDGES_MAX */
    int64_t edges[TRANSFORM_EDGES_MAX]; /* in units */
};

const char *transform_text(enum transform_as as);
COFRE_CHECKED enum cofre_err transform_parse(struct bytes name, enum transform_as *as);

/*
 * May this transform be used on a field of this type and class in a view for a crm?  An identifier can
 * only be dropped or masked, an e-mail also cut to its domain; the types person_name, email, phone and
 * postal_address are held to that whatever their class; a birth date cannot be kept, nor free text
 * that is sensitive.
 * COFRE_EREFUSED with the reason in why; COFRE_EINVAL: it makes no sense for the type.
 */
COFRE_CHECKED enum cofre_err transform_allowed(const struct transform *t, enum schema_type type,
                                               enum schema_class class, struct cofre_why *why);

/*
 * Appends the JSON value for a canonical value.  Returns false, and appends nothing, where there is
 * nothing to show (drop, or a stored value that the transform cannot read).  Writes straight into out;
 * allocates nothing else.
 */
bool transform_put(struct buf *out, const struct transform *t, enum schema_type type,
                   struct bytes value, const struct normalise_date *today);

/* How times of events are shown, and so ordered. */
enum transform_time { TRANSFORM_DAY, TRANSFORM_WEEK, TRANSFORM_TIME_MONTH };
COFRE_CHECKED enum cofre_err transform_time_parse(struct bytes name, enum transform_time *out);
const char *transform_time_text(enum transform_time t);
/* First ms of the bucket that holds ms, and of the one after it. */
void transform_time_bucket(enum transform_time t, int64_t ms, int64_t *from, int64_t *to);
/* "1997-01-12", "1997-W02", "1997-01"; appended with quotes.  Years 0 to 9999. */
void transform_time_put(struct buf *out, enum transform_time t, int64_t ms);
/*
 * The first ms of what a client wrote as `since`: a generalised time of this form, or a date or RFC 3339
 * time, which is generalised.  COFRE_EINVAL.
 */
COFRE_CHECKED enum cofre_err transform_since(enum transform_time t, struct bytes text,
                                             int64_t *from);

#endif
