#ifndef AUDIT_WITNESS_KEY_H
#define AUDIT_WITNESS_KEY_H

#include "crypto/cosign.h"
#include "crypto/hash.h"

/*
 * A witness's private key, as a line of the form that signed notes have for one:
 *
 *     "PRIVATE+KEY+" NAME "+" hex(key id) "+" base64(0x04 || seed) "\n"
 */

/* Makes one.  name NULL: "cofre-witness.invalid/<random>".  COFRE_EINVAL: bad name. */
COFRE_CHECKED enum cofre_err witness_key_create(int dir, const char *name,
                                                struct note_signer *signer, struct cofre_why *why);
/*
 * Reads it; free signer also on error.
 * COFRE_ENOENT: there is none.  COFRE_EREFUSED: others may read it.  COFRE_EINTEGRITY: malformed.
 */
COFRE_CHECKED enum cofre_err witness_key_read(int dir, struct note_signer *signer,
                                              struct cofre_why *why);
/* The key of the MAC over what the witness remembers, derived from its private key. */
void witness_key_mac(const struct note_signer *signer, struct hmac_key *out);

#endif
