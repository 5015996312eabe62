#include <openssl/ts.h>

#include "sample_log.h"
#include "tsa_authority.h"
#include "vectors.h"

#include "crypto/tsa.h"

/* What "_" stands for in the vectors: values have no blanks there. */
static void
blanks(char *text)
{
    for (; *text != 0; text++)
        if (*text == '_')
            *text = ' ';
}

static enum cofre_err
result(const struct vector *v, const char *name)
{
    if (vector_is(v, name, "ok"))
        return COFRE_OK;
    return vector_is(v, name, "auth") ? COFRE_EAUTH : COFRE_EFORMAT;
}

static void
check_read(const struct vector *v)
{
    struct buf reply = BUF_INIT, digest = BUF_INIT;
    struct cofre_why why = {""};
    struct tsa_token token;
    struct bytes exact;
    char authority[128];

    exact = unit_exact(vector_bytes(v, "reply", &reply));
    assert_int_equal(tsa_read(exact, &token, &why), result(v, "read"));
    if (result(v, "read") == COFRE_OK) {
        vector_bytes(v, "digest", &digest);
        assert_memory_equal(token.digest, digest.p, HASH_LEN);
        assert_int_equal(token.seconds, vector_number(v, "seconds"));
        snprintf(authority, sizeof authority, "%.*s",
                 (int)strcspn(vector_text(v, "authority"), " "), vector_text(v, "authority"));
        blanks(authority);
        assert_string_equal(token.authority, authority);
    } else {
        assert_non_null(strstr(why.text, vector_is(v, "name", "rejected") ? "grant" : "SHA-256"));
    }
    unit_exact_free(exact);
    buf_free(&reply);
    buf_free(&digest);
}

static void
replies_of_others_are_read(void **state)
{
    (void)state;
    assert_int_equal(vectors_each("tsa.txt", check_read), 7);
}

static void
check_verify(const struct vector *v)
{
    struct buf reply = BUF_INIT, digest = BUF_INIT, ca = BUF_INIT, other = BUF_INIT;
    const enum cofre_err want = result(v, "verify");
    struct cofre_why why = {""};

    vector_bytes(v, "reply", &reply);
    vector_bytes(v, "digest", &digest);
    vector_bytes(v, "ca", &ca);
    vector_bytes(v, "other", &other);
    assert_int_equal(tsa_verify(buf_bytes(&reply), digest.p, buf_bytes(&ca), &why), want);
    assert_true((want == COFRE_OK) == (why.text[0] == 0));
    /* An authority that nobody trusts; among others that one is found. */
    if (want == COFRE_OK) {
        assert_int_equal(tsa_verify(buf_bytes(&reply), digest.p, buf_bytes(&other), NULL),
                         COFRE_EAUTH);
        buf_putb(&other, buf_bytes(&ca));
        assert_int_equal(tsa_verify(buf_bytes(&reply), digest.p, buf_bytes(&other), NULL),
                         COFRE_OK);
        digest.p[0] ^= 1;
        assert_int_equal(tsa_verify(buf_bytes(&reply), digest.p, buf_bytes(&ca), NULL),
                         COFRE_EAUTH);
    }
    buf_free(&reply);
    buf_free(&digest);
    buf_free(&ca);
    buf_free(&other);
}

static void
a_stamp_is_checked_against_its_authority_as_of_its_time(void **state)
{
    (void)state;
    assert_int_equal(vectors_each("tsa.txt", check_verify), 7);
}

static void
check_flips(const struct vector *v)
{
    struct buf reply = BUF_INIT, digest = BUF_INIT, ca = BUF_INIT;
    size_t accepted = 0;

    if (!vector_is(v, "name", "good"))
        return;
    vector_bytes(v, "reply", &reply);
    vector_bytes(v, "digest", &digest);
    vector_bytes(v, "ca", &ca);
    /* Some few bytes say nothing (versions and tags outside what is signed); but what is stamped,
     * and when, is what was signed. */
    for (size_t i = 0; i < reply.len; i++) {
        struct tsa_token token;

        reply.p[i] ^= 1;
        if (tsa_verify(buf_bytes(&reply), digest.p, buf_bytes(&ca), NULL) == COFRE_OK) {
            assert_int_equal(tsa_read(buf_bytes(&reply), &token, NULL), COFRE_OK);
            assert_memory_equal(token.digest, digest.p, HASH_LEN);
            assert_int_equal(token.seconds, vector_number(v, "seconds"));
            accepted++;
        }
        reply.p[i] ^= 1;
    }
    assert_in_range(accepted, 0, reply.len / 50);
    for (size_t len = 0; len < reply.len; len++) {
        struct bytes cut = unit_exact((struct bytes){reply.p, len});
        struct tsa_token token;

        assert_int_equal(tsa_read(cut, &token, NULL), COFRE_EFORMAT);
        unit_exact_free(cut);
    }
    buf_putc(&reply, 0);
    assert_int_equal(tsa_verify(buf_bytes(&reply), digest.p, buf_bytes(&ca), NULL), COFRE_EFORMAT);
    buf_free(&reply);
    buf_free(&digest);
    buf_free(&ca);
}

static void
an_altered_reply_is_refused(void **state)
{
    (void)state;
    vectors_each("tsa.txt", check_flips);
}

static void
check_ca(const struct vector *v)
{
    struct buf reply = BUF_INIT, digest = BUF_INIT, ca = BUF_INIT;

    if (!vector_is(v, "name", "good"))
        return;
    vector_bytes(v, "reply", &reply);
    vector_bytes(v, "digest", &digest);
    vector_bytes(v, "ca", &ca);
    assert_int_equal(tsa_verify(buf_bytes(&reply), digest.p, BYTES_NONE, NULL), COFRE_EFORMAT);
    assert_int_equal(tsa_verify(buf_bytes(&reply), digest.p, BYTES_LIT("hello\n"), NULL),
                     COFRE_EFORMAT);
    /* A certificate, and one that is broken: not a file to rely on. */
    buf_puts(&ca, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    assert_int_equal(tsa_verify(buf_bytes(&reply), digest.p, buf_bytes(&ca), NULL), COFRE_EFORMAT);
    buf_free(&reply);
    buf_free(&digest);
    buf_free(&ca);
}

static void
a_file_without_certificates_is_refused(void **state)
{
    (void)state;
    vectors_each("tsa.txt", check_ca);
}

static void
a_query_asks_for_the_digest_and_the_certificate(void **state)
{
    uint8_t digest[HASH_LEN];
    struct buf one = BUF_INIT, two = BUF_INIT;
    const unsigned char *at;
    TS_MSG_IMPRINT *imprint;
    TS_REQ *req;

    (void)state;
    memset(digest, 0xa7, sizeof digest);
    assert_int_equal(tsa_query(digest, &one), COFRE_OK);
    assert_int_equal(tsa_query(digest, &two), COFRE_OK);
    assert_false(bytes_equal(buf_bytes(&one), buf_bytes(&two)));

    at = one.p;
    req = d2i_TS_REQ(NULL, &at, (long)one.len);
    assert_non_null(req);
    assert_ptr_equal(at, one.p + one.len);
    assert_int_equal(TS_REQ_get_version(req), 1);
    assert_int_not_equal(TS_REQ_get_cert_req(req), 0);
    assert_non_null(TS_REQ_get_nonce(req));
    imprint = TS_REQ_get_msg_imprint(req);
    assert_int_equal(ASN1_STRING_length(TS_MSG_IMPRINT_get_msg(imprint)), HASH_LEN);
    assert_memory_equal(ASN1_STRING_get0_data(TS_MSG_IMPRINT_get_msg(imprint)), digest, HASH_LEN);
    TS_REQ_free(req);
    buf_free(&one);
    buf_free(&two);
}

static void
a_reply_is_to_the_query_with_its_nonce(void **state)
{
    const uint8_t digest[HASH_LEN] = {7};
    struct buf query = BUF_INIT, other = BUF_INIT, reply = BUF_INIT;
    struct tsa_authority a;
    struct cofre_why why = {""};

    (void)state;
    tsa_authority_open(&a, "Stamps", 1780000000);
    assert_int_equal(tsa_query(digest, &query), COFRE_OK);
    assert_int_equal(tsa_query(digest, &other), COFRE_OK);
    tsa_authority_answer(&a, buf_bytes(&query), &reply);
    assert_int_equal(tsa_answers(buf_bytes(&query), buf_bytes(&reply), &why), COFRE_OK);
    assert_int_equal(tsa_answers(buf_bytes(&other), buf_bytes(&reply), &why), COFRE_EAUTH);
    assert_non_null(strstr(why.text, "another query"));
    assert_int_equal(tsa_answers(BYTES_LIT("no"), buf_bytes(&reply), NULL), COFRE_EFORMAT);
    assert_int_equal(tsa_answers(buf_bytes(&query), BYTES_LIT("no"), NULL), COFRE_EFORMAT);
    assert_int_equal(tsa_answers(buf_bytes(&query), BYTES_NONE, NULL), COFRE_EFORMAT);
    tsa_authority_close(&a);
    buf_free(&query);
    buf_free(&other);
    buf_free(&reply);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_of_others_are_read),
        cmocka_unit_test(a_stamp_is_checked_against_its_authority_as_of_its_time),
        cmocka_unit_test(an_altered_reply_is_refused),
        cmocka_unit_test(a_file_without_certificates_is_refused),
        cmocka_unit_test(a_query_asks_for_the_digest_and_the_certificate),
        cmocka_unit_test(a_reply_is_to_the_query_with_its_nonce),
    };

    return cmocka_run_group_tests(tests, unit_setup, NULL);
}
