/* Newer releases rename what sets up a verification; the old names do the same. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ts.h>

#include "crypto/tsa.h"

/* Every certificate of ca, trusted, at that time.  NULL: there is none, or one that cannot be read. */
static X509_STORE *
trusted(struct bytes ca, uint64_t seconds)
{
    BIO *pem = ca.len <= TSA_CA_MAX ? BIO_new_mem_buf(ca.p, (int)ca.len) : NULL;
    X509_STORE *store = X509_STORE_new();
    size_t n = 0;
    X509 *cert;

    while (pem != NULL && store != NULL &&
           (cert = PEM_read_bio_X509(pem, NULL, NULL, NULL)) != NULL) {
        n += X509_STORE_add_cert(store, cert) ? 1 : 0;
        X509_free(cert);
    }
    /* The loop ends well only where no further block begins. */
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        n = 0;
    ERR_clear_error();
    BIO_free(pem);
    if (store != NULL && n > 0) {
        X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), (time_t)seconds);
        return store;
    }
    X509_STORE_free(store);
    return NULL;
}

/* Takes store.  NULL: no memory. */
static TS_VERIFY_CTX *
verification(const uint8_t digest[static HASH_LEN], X509_STORE *store)
{
    TS_VERIFY_CTX *ctx = TS_VERIFY_CTX_new();
    unsigned char *imprint = OPENSSL_memdup(digest, HASH_LEN);

    if (ctx == NULL || imprint == NULL) {
        X509_STORE_free(store);
        OPENSSL_free(imprint);
        TS_VERIFY_CTX_free(ctx);
        return NULL;
    }
    TS_VERIFY_CTX_set_flags(ctx, TS_VFY_VERSION | TS_VFY_IMPRINT | TS_VFY_SIGNATURE);
    TS_VERIFY_CTX_set_imprint(ctx, imprint, HASH_LEN);
    TS_VERIFY_CTX_set_store(ctx, store);
    return ctx;
}

/* What OpenSSL found, in its words: they are fixed texts. */
static enum cofre_err
refused(struct cofre_why *why)
{
    const char *data = NULL;
    int flags = 0;
    unsigned long code = ERR_peek_last_error_data(&data, &flags);
    const char *reason = ERR_reason_error_string(code);
    const bool text = (flags & ERR_TXT_STRING) != 0 && data != NULL && *data != 0;

    return cofre_why_set(why, COFRE_EAUTH, "the time stamp does not verify: %s%s%s",
                         reason != NULL ? reason : "no reason given", text ? ": " : "",
                         text ? data : "");
}

enum cofre_err
tsa_verify(struct bytes reply, const uint8_t digest[static HASH_LEN], struct bytes ca,
           struct cofre_why *why)
{
    const unsigned char *at = reply.p;
    struct tsa_token token;
    TS_VERIFY_CTX *ctx = NULL;
    TS_RESP *resp = NULL;
    X509_STORE *store;
    enum cofre_err err;

    if ((err = tsa_read(reply, &token, why)) != COFRE_OK)
        return err;
    if ((store = trusted(ca, token.seconds)) == NULL)
        return cofre_why_set(why, COFRE_EFORMAT,
                             "the authority's file holds no certificates in PEM");
    resp = d2i_TS_RESP(NULL, &at, (long)reply.len);
    ctx = verification(digest, store);
    if (resp == NULL || ctx == NULL)
        err = COFRE_ENOMEM;
    else if (TS_RESP_verify_response(ctx, resp) != 1)
        err = refused(why);
    TS_VERIFY_CTX_free(ctx);
    TS_RESP_free(resp);
    ERR_clear_error();
    return err;
}
