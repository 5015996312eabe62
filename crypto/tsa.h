#ifndef CRYPTO_TSA_H
#define CRYPTO_TSA_H

#include "cofre/bytes.h"
#include "cofre/err.h"
#include "crypto/hash.h"

/*
 * Time stamps of an outside authority (RFC 3161), over SHA-256, through OpenSSL's TS functions.
 */
enum { TSA_REPLY_MAX = 65536, TSA_CA_MAX = 1024 * 1024 };

/* Appends a TimeStampReq (DER) for a digest, with a random nonce and certReq set.  COFRE_ENOMEM. */
COFRE_CHECKED enum cofre_err tsa_query(const uint8_t digest[static HASH_LEN], struct buf *out);

struct tsa_token {
    uint8_t digest[HASH_LEN]; /* what it stamps */
    uint64_t seconds;         /* genTime, since 1970 UTC */
    char authority[128];      /* printable ASCII: from the TSTInfo or the signer's subject; may be empty */
};
/*
 * Reads a TimeStampResp (DER) that grants a token over SHA-256; checks its form alone.
 * COFRE_EFORMAT: not such a reply, or not granted (why says which).  COFRE_ENOMEM.
 */
COFRE_CHECKED enum cofre_err tsa_read(struct bytes reply, struct tsa_token *out,
                                      struct cofre_why *why);
/*
 * Whether a reply is to this query (of tsa_query): it repeats the nonce.  COFRE_EAUTH: another nonce, or
 * none.  COFRE_EFORMAT: the query is none, or the reply holds no token (tsa_read says more).
 */
COFRE_CHECKED enum cofre_err tsa_answers(struct bytes query, struct bytes reply,
                                         struct cofre_why *why);
/*
 * Checks a reply's signature and its certificate's chain to one of the certificates in ca (PEM), with
 * the purpose of time stamping, as of the token's time.  COFRE_EAUTH: it does not verify (why).
 * COFRE_EFORMAT: ca holds no certificate, or the reply is none.  COFRE_ENOMEM.
 */
COFRE_CHECKED enum cofre_err tsa_verify(struct bytes reply, const uint8_t digest[static HASH_LEN],
                                        struct bytes ca, struct cofre_why *why);

#endif
