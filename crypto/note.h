#ifndef CRYPTO_NOTE_H
#define CRYPTO_NOTE_H

#include "cofre/bytes.h"
#include "cofre/secret.h"

/*
 * C2SP signed-note v1.0.0 with Ed25519 (RFC 8032) keys, algorithm byte 0x01.
 *
 *     vkey:       NAME "+" hex(key id) "+" base64(0x01 || public key)
 *     key id:     SHA-256(NAME || "\n" || 0x01 || public key)[0..4)
 *     signature:  "— " NAME " " base64(key id || Ed25519 signature of the text)  "\n"
 *     note:       text (ends with "\n")  "\n"  signature lines
 */
enum {
    NOTE_SEED = 32,
    NOTE_PUBLIC = 32,
    NOTE_KEY_ID = 4,
    NOTE_SIGNATURE = 64,
    NOTE_NAME_MAX = 255,
    NOTE_VKEY_MAX = NOTE_NAME_MAX + 1 + 8 + 1 + 44 + 1,
    NOTE_MAX = 65536,      /* bytes of a note that is read */
    NOTE_SIGNATURES_MAX = 16
};

/* The algorithm byte of a key. */
enum { NOTE_ED25519 = 0x01, NOTE_COSIGNATURE = 0x04 };

struct note_verifier {
    char name[NOTE_NAME_MAX + 1];
    uint8_t id[NOTE_KEY_ID];
    uint8_t algorithm; /* NOTE_COSIGNATURE is parsed, and verifies nothing here (crypto/cosign.h) */
    uint8_t public_key[NOTE_PUBLIC];
};

struct note_signer {
    struct note_verifier verifier;
    struct secret *key; /* 64 bytes, libsodium's form: seed and public key */
};

/* Names: not empty, no white space, no "+", valid UTF-8, at most NOTE_NAME_MAX bytes. */
bool note_name_valid(struct bytes name);

/* COFRE_EFORMAT: not a vkey, or its key id does not belong to its name and key. */
COFRE_CHECKED enum cofre_err note_vkey_parse(struct bytes text, struct note_verifier *out);
/* Appends the vkey, without a line end. */
void note_vkey_put(struct buf *out, const struct note_verifier *v);

/* A signer from a seed.  COFRE_EINVAL: bad name.  COFRE_ENOMEM.  Free with note_signer_free. */
COFRE_CHECKED enum cofre_err note_signer_init(struct note_signer *s, const char *name,
                                              const uint8_t seed[static NOTE_SEED]);
void note_signer_free(struct note_signer *s);

/* Appends text, the empty line and one signature line.  text ends with a line end (assert). */
void note_sign(struct buf *out, const struct note_signer *s, struct bytes text);
/* Appends one more signature line to a note whose text this is. */
void note_sign_add(struct buf *out, const struct note_signer *s, struct bytes text);

struct note_signature {
    struct bytes name;
    uint8_t id[NOTE_KEY_ID];
    struct bytes raw; /* what follows the key id, decoded into note.storage */
};

/* A note taken apart; borrows the bytes that were parsed. */
struct note {
    struct bytes text; /* with its last line end */
    struct note_signature signatures[NOTE_SIGNATURES_MAX];
    size_t count;
    uint8_t storage[4096];
};

/* COFRE_EFORMAT: not a note (no text, control characters, a bad line, too many or no signatures). */
COFRE_CHECKED enum cofre_err note_parse(struct bytes bytes, struct note *out);
/*
 * True when the note carries a valid signature of v.  A signature by v's name and key id that
 * does not verify makes it false, whatever other lines say.
 */
bool note_verify(const struct note *n, const struct note_verifier *v);

#endif
