#ifndef VAULT_NORMALISE_H
#define VAULT_NORMALISE_H

#include "vault/records/schema.h"

/*
 * One value in, its canonical text out, by type:
 *
 *   text            trimmed, NFC, no control characters but \n; 1..4096 bytes
 *   person_name     trimmed, NFC, inner white space to one blank; 1..512 bytes; no control characters
 *   email           trimmed, NFC, domain lower-cased; one @, local part 1..64, all 3..254 bytes
 *   phone           E.164: +, 7 to 15 digits; blanks, dots, dashes, brackets dropped; "00" is "+";
 *                   without either the country code of default_country is put in front
 *   postal_address  like text, 1..1024 bytes
 *   postal_code     trimmed, upper-cased, 2..16 of letters, digits, blank, dash
 *   country         two letters, upper-cased
 *   date            YYYY-MM-DD, a day that exists, years 1000 to 9999
 *   birth_date      a date, from 1850-01-01 to today
 *   number          a JSON integer, -(2^53-1)..2^53-1, canonical decimal
 *   money           -?\d+(\.\d+)? as text, at most 15 digits before and 6 behind the point; scale kept;
 *                   a JSON number is refused
 *   category        trimmed, NFC, 1..64 bytes, no control characters
 *   bool            true or false
 *
 * Unicode through utf8proc.  Nothing assumes two names, Latin letters or one byte a character.
 */
enum { NORMALISE_MAX = 4096 };

/* How the value came: files give text for everything, JSON tells kinds apart. */
enum normalise_form { NORMALISE_FILE, NORMALISE_STRING, NORMALISE_INTEGER, NORMALISE_BOOL };

struct normalise_in {
    enum schema_type type;
    enum normalise_form form;
    struct bytes text;           /* UTF-8 is checked here */
    const char *default_country; /* for phones; may be empty */
    const char *today;           /* YYYY-MM-DD, UTC, for birth dates */
};

/*
 * Appends the canonical text to out.  COFRE_EINVAL: *reason is a short constant English phrase
 * ("is not a date", "is longer than 254 bytes") that holds nothing of the value; out is unchanged.
 * COFRE_ENOMEM.
 */
COFRE_CHECKED enum cofre_err normalise_value(const struct normalise_in *in, struct buf *out,
                                             const char **reason);

/*
 * Times of events and consents: YYYY-MM-DD (00:00 UTC) or RFC 3339 with seconds and any offset, years
 * 1000 to 9999; ms in *out.  COFRE_EINVAL with a reason as above.
 */
COFRE_CHECKED enum cofre_err normalise_time(struct bytes text, int64_t *out, const char **reason);

/* Civil date of a time in ms (UTC, proleptic Gregorian), and back. month 1..12, day 1..31. */
struct normalise_date {
    int year;
    int month;
    int day;
};
struct normalise_date normalise_date_of(int64_t ms);
int64_t normalise_date_ms(const struct normalise_date *d);
/* ISO 8601 week: its year and number. */
void normalise_week_of(int64_t ms, int *year, int *week);
/* Parses a canonical date (as normalise_value wrote it).  COFRE_EFORMAT. */
COFRE_CHECKED enum cofre_err normalise_date_parse(struct bytes text, struct normalise_date *out);

#endif
