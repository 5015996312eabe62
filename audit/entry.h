#ifndef AUDIT_ENTRY_H
#define AUDIT_ENTRY_H

#include "cofre/bytes.h"
#include "crypto/hash.h"

/*
 * One entry of the log: a line of JSON in one fixed form (design 8).  ASCII, this member order,
 * no white space, integers from 0 to 2^53 - 1 (code: 2^32 - 1), names of [a-z0-9_-]{0,64} (empty:
 * does not apply; in fields none is empty):
 *
 *   {"prev":"<64 hex>","seq":0,"ts":0,"v":1,"act":"","ok":true,"code":0,"actor":"","role":"",
 *    "view":"","purpose":"","fields":["",...],"n":0,"reply":"<64 hex or empty>",
 *    "nonce":"<32 hex>","subj":["<32 hex>",...]}
 *
 * prev is the RFC 6962 leaf hash of the entry before, SHA-256 of nothing for the first; a
 * verifier finds it in bytes [9, 73) without parsing.  The line end is not part of the entry.
 */
enum {
    ENTRY_VERSION = 1,
    ENTRY_MAX = 65535,
    ENTRY_NAME_MAX = 64,
    ENTRY_SUBJECTS_MAX = 1000,
    ENTRY_FIELDS_MAX = 128,
    ENTRY_TAG = 16,
    ENTRY_NONCE = 16,
    ENTRY_PREV_AT = 9
};

struct entry {
    uint8_t prev[HASH_LEN];
    uint64_t seq;
    uint64_t ts; /* ms since 1970, UTC */
    struct bytes act;
    bool ok;
    uint32_t code; /* HTTP status, or exit code */
    struct bytes actor;
    struct bytes role;
    struct bytes view;
    struct bytes purpose;
    const struct bytes *fields; /* n_fields names */
    size_t n_fields;
    uint64_t n; /* people or records concerned */
    bool has_reply;
    uint8_t reply[HASH_LEN]; /* HMAC(salt, body) */
    uint8_t nonce[ENTRY_NONCE];
    const uint8_t *subjects; /* n_subjects * ENTRY_TAG bytes */
    size_t n_subjects;
};

/* True for [a-z0-9_-]{1,64}. */
bool entry_name_valid(struct bytes name);

/*
 * Appends the entry's bytes; every slice is borrowed.  out is unchanged on error.
 *
 * COFRE_EINVAL  a name outside its alphabet, a number over 2^53 - 1
 * COFRE_ERANGE  too many fields or subjects (their limits keep an entry below ENTRY_MAX)
 * COFRE_ENOMEM
 */
COFRE_CHECKED enum cofre_err entry_write(struct buf *out, const struct entry *e);

/* The prev of an entry's bytes, without parsing the rest.  COFRE_EFORMAT: not hex, or cut.
 * prev then holds no meaning. */
COFRE_CHECKED enum cofre_err entry_prev(struct bytes line, uint8_t prev[static HASH_LEN]);

/* An entry taken apart; slices borrow the line, arrays are in the struct. */
struct entry_parsed {
    struct entry e;
    struct bytes fields[ENTRY_FIELDS_MAX];
    uint8_t subjects[ENTRY_SUBJECTS_MAX * ENTRY_TAG];
};

/*
 * Parses exactly the form that entry_write makes: a second encoding of the same entry is refused.
 * COFRE_EFORMAT.  *out then holds no meaning.  (About 18 KB: not for small stacks.)
 */
COFRE_CHECKED enum cofre_err entry_parse(struct bytes line, struct entry_parsed *out);

#endif
