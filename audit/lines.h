#ifndef AUDIT_LINES_H
#define AUDIT_LINES_H

#include "cofre/bytes.h"
#include "crypto/hash.h"

/* What C2SP's text formats are made of.  A take returns false where there is no such thing. */

/* Takes a literal off the front. */
bool lines_skip(struct bytes *text, struct bytes literal);
/* Takes a line; its end is taken and not part of it. */
bool lines_take(struct bytes *text, struct bytes *line);
/* A whole line that is a decimal number of 64 bits without a leading zero. */
bool lines_number(struct bytes line, uint64_t *out);
/* A whole line that is a hash in canonical base64.  COFRE_EFORMAT, COFRE_ENOMEM. */
COFRE_CHECKED enum cofre_err lines_hash(struct bytes line, uint8_t out[static HASH_LEN]);

#endif
