#ifndef TSA_AUTHORITY_H
#define TSA_AUTHORITY_H

/* A time stamping authority of a test's own (RFC 3161), by OpenSSL's functions. */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ts.h>
#include <openssl/x509v3.h>

#include "crypto/tsa.h"
#include "sample_log.h"

struct tsa_authority {
    EVP_PKEY *key;
    X509 *certificate; /* signs itself */
    long seconds;      /* the time that it tells */
};

static inline void
tsa_authority_extend(X509 *x, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *e;

    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
    e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    SAMPLE_MUST(e != NULL && X509_add_ext(x, e, -1) == 1);
    X509_EXTENSION_free(e);
}

/* begin: its certificate is valid for ten years from then, since 1970. */
static inline void
tsa_authority_open(struct tsa_authority *a, const char *name, long begin)
{
    X509 *x = X509_new();
    X509_NAME *subject = X509_get_subject_name(x);

    a->seconds = begin + 1000;
    SAMPLE_MUST((a->key = EVP_EC_gen("P-256")) != NULL);
    SAMPLE_MUST(X509_set_version(x, 2) == 1 && ASN1_INTEGER_set(X509_get_serialNumber(x), 1) == 1);
    SAMPLE_MUST(ASN1_TIME_set(X509_getm_notBefore(x), begin) != NULL);
    SAMPLE_MUST(ASN1_TIME_set(X509_getm_notAfter(x), begin + 315360000) != NULL);
    SAMPLE_MUST(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const uint8_t *)name, -1,
                                           -1, 0) == 1);
    SAMPLE_MUST(X509_set_issuer_name(x, subject) == 1 && X509_set_pubkey(x, a->key) == 1);
    tsa_authority_extend(x, NID_key_usage, "critical,digitalSignature");
    tsa_authority_extend(x, NID_ext_key_usage, "critical,timeStamping");
    tsa_authority_extend(x, NID_subject_key_identifier, "hash");
    SAMPLE_MUST(X509_sign(x, a->key, EVP_sha256()) > 0);
    a->certificate = x;
}

static inline void
tsa_authority_close(struct tsa_authority *a)
{
    X509_free(a->certificate);
    EVP_PKEY_free(a->key);
}

static inline ASN1_INTEGER *
tsa_authority_serial(TS_RESP_CTX *ctx, void *data)
{
    ASN1_INTEGER *serial = ASN1_INTEGER_new();

    (void)ctx;
    (void)data;
    SAMPLE_MUST(serial != NULL && ASN1_INTEGER_set(serial, 7) == 1);
    return serial;
}

static inline int
tsa_authority_time(TS_RESP_CTX *ctx, void *data, long *seconds, long *micros)
{
    const struct tsa_authority *a = data;

    (void)ctx;
    *seconds = a->seconds;
    *micros = 0;
    return 1;
}

/* Appends its reply, DER, about what has this SHA-256. */
static inline void
tsa_authority_answer(struct tsa_authority *a, struct bytes query, struct buf *out)
{
    TS_RESP_CTX *ctx = TS_RESP_CTX_new();
    ASN1_OBJECT *policy = OBJ_txt2obj("1.2.3.4.1", 1);
    TS_RESP *response;
    uint8_t *der = NULL;
    BIO *bio;
    int len;

    bio = BIO_new_mem_buf(query.p, (int)query.len);
    SAMPLE_MUST(ctx != NULL && TS_RESP_CTX_set_signer_cert(ctx, a->certificate) == 1);
    SAMPLE_MUST(TS_RESP_CTX_set_signer_key(ctx, a->key) == 1);
    SAMPLE_MUST(TS_RESP_CTX_set_signer_digest(ctx, EVP_sha256()) == 1);
    SAMPLE_MUST(TS_RESP_CTX_set_def_policy(ctx, policy) == 1);
    SAMPLE_MUST(TS_RESP_CTX_add_md(ctx, EVP_sha256()) == 1);
    TS_RESP_CTX_set_serial_cb(ctx, tsa_authority_serial, NULL);
    TS_RESP_CTX_set_time_cb(ctx, tsa_authority_time, a);
    response = TS_RESP_create_response(ctx, bio);
    SAMPLE_MUST(response != NULL && (len = i2d_TS_RESP(response, &der)) > 0);
    buf_put(out, der, (size_t)len);
    OPENSSL_free(der);
    TS_RESP_free(response);
    ASN1_OBJECT_free(policy);
    TS_RESP_CTX_free(ctx);
    BIO_free(bio);
}

static inline void
tsa_authority_reply(struct tsa_authority *a, const uint8_t digest[static HASH_LEN], struct buf *out)
{
    struct buf query = BUF_INIT;

    SAMPLE_MUST(tsa_query(digest, &query) == COFRE_OK);
    tsa_authority_answer(a, buf_bytes(&query), out);
    buf_free(&query);
}

/* Appends its certificate, PEM. */
static inline void
tsa_authority_ca(const struct tsa_authority *a, struct buf *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    long len;

    SAMPLE_MUST(bio != NULL && PEM_write_bio_X509(bio, a->certificate) == 1);
    len = BIO_get_mem_data(bio, &text);
    SAMPLE_MUST(len > 0);
    buf_put(out, text, (size_t)len);
    BIO_free(bio);
}

#endif
