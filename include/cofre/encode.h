#ifndef COFRE_ENCODE_H
#define COFRE_ENCODE_H

#include "cofre/bytes.h"
#include "cofre/err.h"

/*
 * Text forms of bytes.  Encoders append to a buffer; decoders accept exactly the canonical form
 * (no white space, no missing or wrong padding, no unused bits set, one letter case) and append
 * to out, which is unchanged on error.
 *
 * COFRE_EFORMAT for anything else; COFRE_ENOMEM when out cannot grow.
 */

/* Lower-case hexadecimal. */
void encode_hex(struct buf *out, struct bytes in);
COFRE_CHECKED enum cofre_err encode_hex_decode(struct buf *out, struct bytes text);
/* RFC 4648 section 4, with padding. */
void encode_base64(struct buf *out, struct bytes in);
COFRE_CHECKED enum cofre_err encode_base64_decode(struct buf *out, struct bytes text);
/* The same into room bytes at out, *len of them; COFRE_EFORMAT also when they are too few. */
COFRE_CHECKED enum cofre_err encode_base64_read(uint8_t *out, size_t room, size_t *len,
                                                struct bytes text);
/* RFC 4648 section 5, without padding. */
void encode_base64url(struct buf *out, struct bytes in);
COFRE_CHECKED enum cofre_err encode_base64url_decode(struct buf *out, struct bytes text);
/* RFC 4648 section 6 alphabet in lower case, without padding. */
void encode_base32(struct buf *out, struct bytes in);
COFRE_CHECKED enum cofre_err encode_base32_decode(struct buf *out, struct bytes text);

/*
 * Public identifiers: a prefix of four characters ("cus_", "ps_" is three) and the 26 characters
 * of base32 of 16 bytes.  ENCODE_ID_MAX is room for the longest, NUL included.
 */
enum { ENCODE_ID_LEN = 16, ENCODE_ID_CHARS = 26, ENCODE_ID_MAX = 32 };
void encode_id(char out[static ENCODE_ID_MAX], const char *prefix,
               const uint8_t id[static ENCODE_ID_LEN]);
/* COFRE_EFORMAT: another prefix, another length, or not canonical.  id is then unchanged. */
COFRE_CHECKED enum cofre_err encode_id_parse(struct bytes text, const char *prefix,
                                             uint8_t id[static ENCODE_ID_LEN]);

/*
 * Text and bytes of an id sort differently: ASCII has 2..7 before a..z, base32 behind it.  These turn an
 * id into the 16 bytes of which memcmp gives the order of the texts (of one prefix), and back.  out may
 * be id.
 */
void encode_id_order(const uint8_t id[static ENCODE_ID_LEN], uint8_t out[static ENCODE_ID_LEN]);
void encode_id_unorder(const uint8_t order[static ENCODE_ID_LEN],
                       uint8_t out[static ENCODE_ID_LEN]);

/* A JSON string with its quotes (RFC 8259); in must be valid UTF-8.  Escapes the minimum and U+007F. */
void encode_json_string(struct buf *out, struct bytes in);

/* RFC 3629: no surrogates, nothing over-long, at most U+10FFFF; NUL is valid UTF-8. */
bool encode_utf8_valid(struct bytes in);

#endif
