#ifndef VAULT_NORMALISE_INTERNAL_H
#define VAULT_NORMALISE_INTERNAL_H

#include "vault/records/normalise.h"

/* What the files of the normaliser share. */

/* The one way to refuse: reason is constant text. */
static inline enum cofre_err
normalise_refuse(const char **reason, const char *text)
{
    *reason = text;
    return COFRE_EINVAL;
}

/* Without the blanks and tabs at its ends. */
struct bytes normalise_text_trim_ascii(struct bytes in);
/* Unicode White_Space. */
bool normalise_text_blank(int32_t code);

/* A value that is UTF-8, trimmed and NFC: borrowed from the input unless composing it took memory. */
struct normalise_text {
    struct bytes text;
    struct bytes owned;
    bool ascii;
};

/* COFRE_EINVAL (with *reason), COFRE_ENOMEM; nothing is owned then. */
COFRE_CHECKED enum cofre_err normalise_text_open(struct bytes in, struct normalise_text *t,
                                                 const char **reason);
/* Wipes and frees. */
void normalise_text_close(struct normalise_text *t);

struct normalise_text_rules {
    size_t max; /* bytes */
    const char *too_long;
    bool lines;   /* \n may stay, CRLF becomes \n */
    bool squeeze; /* a run of inner white space becomes one blank */
};
/* Appends in under the rules.  Errors as normalise_value. */
COFRE_CHECKED enum cofre_err normalise_text_put(struct bytes in,
                                                const struct normalise_text_rules *rules,
                                                struct buf *out, const char **reason);

/* COFRE_EINVAL, COFRE_ENOMEM as normalise_value. */
COFRE_CHECKED enum cofre_err normalise_email(struct bytes in, struct buf *out, const char **reason);
COFRE_CHECKED enum cofre_err normalise_phone(struct bytes in, const char *default_country,
                                             struct buf *out, const char **reason);

/* How a country is called. */
struct normalise_calling {
    char country[3];
    char code[4];
    char trunk[3]; /* what stands in front of a number inside the country only; may be empty */
};
/* By two capitals; NULL: it has no calling code, or there is no such country. */
const struct normalise_calling *normalise_calling(const char *country);

/* YYYY-MM-DD at the very place: a day that exists, years 1000 to 9999. */
bool normalise_date_read(struct bytes text, struct normalise_date *out);

#endif
