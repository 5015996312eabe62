/* Newer releases rename what sets up a verification; the old names do the same. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include <limits.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ts.h>
#include <openssl/x509v3.h>
#include <sodium.h>

#include "cofre/secret.h"

#include "crypto/tsa.h"

enum { TSA_NONCE = 16 };

/* ---- asking ---- */

static TS_MSG_IMPRINT *
imprint_new(const uint8_t digest[static HASH_LEN])
{
    TS_MSG_IMPRINT *imprint = TS_MSG_IMPRINT_new();
    X509_ALGOR *algorithm = X509_ALGOR_new();
    uint8_t copy[HASH_LEN];

    memcpy(copy, digest, sizeof copy);
    if (imprint == NULL || algorithm == NULL ||
        !X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_sha256), V_ASN1_NULL, NULL) ||
        !TS_MSG_IMPRINT_set_algo(imprint, algorithm) ||
        !TS_MSG_IMPRINT_set_msg(imprint, copy, HASH_LEN)) {
        TS_MSG_IMPRINT_free(imprint);
        imprint = NULL;
    }
    X509_ALGOR_free(algorithm);
    return imprint;
}

/* A random positive number: the reply repeats it. */
static ASN1_INTEGER *
nonce_new(void)
{
    uint8_t random[TSA_NONCE];
    ASN1_INTEGER *nonce = NULL;
    BIGNUM *number;

    randombytes_buf(random, sizeof random);
    number = BN_bin2bn(random, sizeof random, NULL);
    if (number != NULL)
        nonce = BN_to_ASN1_INTEGER(number, NULL);
    BN_free(number);
    return nonce;
}

enum cofre_err
tsa_query(const uint8_t digest[static HASH_LEN], struct buf *out)
{
    TS_MSG_IMPRINT *imprint = imprint_new(digest);
    ASN1_INTEGER *nonce = nonce_new();
    TS_REQ *req = TS_REQ_new();
    unsigned char *der = NULL;
    int len = -1;

    if (imprint != NULL && nonce != NULL && req != NULL && TS_REQ_set_version(req, 1) &&
        TS_REQ_set_msg_imprint(req, imprint) && TS_REQ_set_nonce(req, nonce) &&
        TS_REQ_set_cert_req(req, 1))
        len = i2d_TS_REQ(req, &der);
    if (len > 0)
        buf_put(out, der, (size_t)len);
    OPENSSL_free(der);
    TS_REQ_free(req);
    ASN1_INTEGER_free(nonce);
    TS_MSG_IMPRINT_free(imprint);
    ERR_clear_error();
    return len > 0 ? buf_error(out) : COFRE_ENOMEM;
}

/* ---- reading ---- */

/* COFRE_EFORMAT: not a response, or one with more behind it. */
static TS_RESP *
response_of(struct bytes reply)
{
    const unsigned char *at = reply.p;
    TS_RESP *resp;

    if (reply.len == 0 || reply.len > TSA_REPLY_MAX)
        return NULL;
    resp = d2i_TS_RESP(NULL, &at, (long)reply.len);
    if (resp != NULL && at != reply.p + reply.len) {
        TS_RESP_free(resp);
        resp = NULL;
    }
    return resp;
}

static bool
granted(TS_RESP *resp)
{
    long status = ASN1_INTEGER_get(TS_STATUS_INFO_get0_status(TS_RESP_get_status_info(resp)));

    return status == TS_STATUS_GRANTED || status == TS_STATUS_GRANTED_WITH_MODS;
}

/* The digest that is stamped; false when it is not over SHA-256. */
static bool
take_digest(TS_TST_INFO *info, uint8_t digest[static HASH_LEN])
{
    TS_MSG_IMPRINT *imprint = TS_TST_INFO_get_msg_imprint(info);
    ASN1_OCTET_STRING *text = TS_MSG_IMPRINT_get_msg(imprint);
    const ASN1_OBJECT *algorithm;

    X509_ALGOR_get0(&algorithm, NULL, NULL, TS_MSG_IMPRINT_get_algo(imprint));
    if (OBJ_obj2nid(algorithm) != NID_sha256 || ASN1_STRING_length(text) != HASH_LEN)
        return false;
    memcpy(digest, ASN1_STRING_get0_data(text), HASH_LEN);
    return true;
}

static bool
take_time(TS_TST_INFO *info, uint64_t *seconds)
{
    const ASN1_GENERALIZEDTIME *when = TS_TST_INFO_get_time(info);
    struct tm tm;
    time_t t;

    if (when == NULL || !ASN1_TIME_to_tm(when, &tm) || (t = timegm(&tm)) < 0)
        return false;
    *seconds = (uint64_t)t;
    return true;
}

/* The name's parts, most general first, as "C=ES, O=Example"; what is not printable ASCII becomes "?". */
static void
put_name(X509_NAME *name, struct tsa_token *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    int len = 0;

    if (bio != NULL && X509_NAME_print_ex(bio, name, 0, XN_FLAG_ONELINE & ~XN_FLAG_SPC_EQ) > 0)
        len = BIO_read(bio, out->authority, sizeof out->authority - 1);
    BIO_free(bio);
    for (int i = 0; i < len; i++)
        if (out->authority[i] < ' ' || out->authority[i] > '~')
            out->authority[i] = '?';
    out->authority[len > 0 ? len : 0] = 0;
}

/* Who stamped: as the token says, else the subject of the signer's certificate in it. */
static void
take_authority(TS_RESP *resp, TS_TST_INFO *info, struct tsa_token *out)
{
    const GENERAL_NAME *tsa = TS_TST_INFO_get_tsa(info);
    STACK_OF(X509) * signers;

    if (tsa != NULL && tsa->type == GEN_DIRNAME) {
        put_name(tsa->d.directoryName, out);
        return;
    }
    signers = PKCS7_get0_signers(TS_RESP_get_token(resp), NULL, 0);
    if (signers != NULL && sk_X509_num(signers) > 0)
        put_name(X509_get_subject_name(sk_X509_value(signers, 0)), out);
    sk_X509_free(signers);
}

static enum cofre_err
read_response(TS_RESP *resp, struct tsa_token *out, struct cofre_why *why)
{
    TS_TST_INFO *info;

    if (resp == NULL)
        return cofre_why_set(why, COFRE_EFORMAT, "not a reply of a time stamping authority");
    if (!granted(resp))
        return cofre_why_set(why, COFRE_EFORMAT, "the authority did not grant a time stamp");
    if (TS_RESP_get_token(resp) == NULL || (info = TS_RESP_get_tst_info(resp)) == NULL)
        return cofre_why_set(why, COFRE_EFORMAT, "the authority's reply holds no time stamp");
    if (!take_digest(info, out->digest))
        return cofre_why_set(why, COFRE_EFORMAT, "the time stamp is not over a SHA-256 digest");
    if (!take_time(info, &out->seconds))
        return cofre_why_set(why, COFRE_EFORMAT, "the time stamp holds no time");
    take_authority(resp, info, out);
    return COFRE_OK;
}

enum cofre_err
tsa_read(struct bytes reply, struct tsa_token *out, struct cofre_why *why)
{
    TS_RESP *resp = response_of(reply);
    enum cofre_err err;

    *out = (struct tsa_token){.seconds = 0};
    err = read_response(resp, out, why);
    TS_RESP_free(resp);
    ERR_clear_error();
    return err;
}

enum cofre_err
tsa_answers(struct bytes query, struct bytes reply, struct cofre_why *why)
{
    const unsigned char *at = query.p;
    TS_REQ *req = query.len > 0 ? d2i_TS_REQ(NULL, &at, (long)query.len) : NULL;
    TS_RESP *resp = response_of(reply);
    TS_TST_INFO *info = resp != NULL ? TS_RESP_get_tst_info(resp) : NULL;
    const ASN1_INTEGER *asked = req != NULL ? TS_REQ_get_nonce(req) : NULL;
    const ASN1_INTEGER *got = info != NULL ? TS_TST_INFO_get_nonce(info) : NULL;
    enum cofre_err err = COFRE_OK;

    if (asked == NULL || info == NULL)
        err = cofre_why_set(why, COFRE_EFORMAT, "not a query and a time stamp");
    else if (got == NULL || ASN1_INTEGER_cmp(asked, got) != 0)
        err = cofre_why_set(why, COFRE_EAUTH,
                            "the time stamp is a reply to another query (its nonce)");
    TS_REQ_free(req);
    TS_RESP_free(resp);
    ERR_clear_error();
    return err;
}
