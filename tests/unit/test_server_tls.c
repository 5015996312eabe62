/*
 * The server over TLS, with certificates made here.  The vault knows one token, "crm":
 *
 * wrap: cofre_submit cofre_vault_authenticate cofre_vault_auth_failed cofre_view_contract
 */
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "cofre/server.h"
#include "cofre/vault.h"
#include "cofre/views.h"
#include "http_client.h"
#include "unit.h"

#define FAKE(name) __wrap_##name

static atomic_uint failures;
static char vault_memory; /* its address stands for a vault */

static void *
finish(void *arg)
{
    struct cofre_call *call = arg;

    call->recorded = true;
    if (!cofre_call_ok(call))
        call->render(call);
    call->done(call);
    return NULL;
}

void FAKE(cofre_submit)(struct cofre_vault *vault, struct cofre_call *call);
void
FAKE(cofre_submit)(struct cofre_vault *vault, struct cofre_call *call)
{
    pthread_t thread;

    (void)vault;
    if (pthread_create(&thread, NULL, finish, call) != 0)
        abort();
    pthread_detach(thread);
}

enum cofre_err FAKE(cofre_vault_authenticate)(struct cofre_vault *vault, struct bytes text,
                                              struct cofre_actor *actor);
enum cofre_err
FAKE(cofre_vault_authenticate)(struct cofre_vault *vault, struct bytes text,
                               struct cofre_actor *actor)
{
    (void)vault;
    if (!bytes_equal(text, BYTES_LIT("crm")))
        return COFRE_EAUTH;
    actor->role = COFRE_ROLE_CRM;
    return COFRE_OK;
}

void FAKE(cofre_vault_auth_failed)(struct cofre_vault *vault, enum cofre_auth_failure kind);
void
FAKE(cofre_vault_auth_failed)(struct cofre_vault *vault, enum cofre_auth_failure kind)
{
    (void)vault;
    (void)kind;
    atomic_fetch_add(&failures, 1);
}

void FAKE(cofre_view_contract)(struct cofre_vault *vault, struct cofre_call *call,
                               struct bytes view);
void
FAKE(cofre_view_contract)(struct cofre_vault *vault, struct cofre_call *call, struct bytes view)
{
    (void)vault;
    (void)view;
    buf_puts(&call->body, "{}");
}

/* ---- certificates ---- */

struct identity {
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t crt;
    gnutls_datum_t key_pem;
    gnutls_datum_t crt_pem;
};

static struct identity ca;
static struct identity stranger; /* another CA */
static struct identity server_id;
static struct identity client_id;
static struct identity false_client;

/* An identity signed by, or by itself. */
static void
identity_make(struct identity *id, const char *name, const struct identity *by)
{
    const char *purpose = id == &server_id ? GNUTLS_KP_TLS_WWW_SERVER : GNUTLS_KP_TLS_WWW_CLIENT;
    uint8_t serial = 1;

    assert_int_equal(gnutls_x509_privkey_init(&id->key), 0);
    assert_int_equal(gnutls_x509_privkey_generate(id->key, GNUTLS_PK_ECDSA,
                                                  GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1),
                                                  0),
                     0);
    assert_int_equal(gnutls_x509_crt_init(&id->crt), 0);
    gnutls_x509_crt_set_version(id->crt, 3);
    gnutls_x509_crt_set_serial(id->crt, &serial, 1);
    gnutls_x509_crt_set_activation_time(id->crt, time(NULL) - 3600);
    gnutls_x509_crt_set_expiration_time(id->crt, time(NULL) + 3600);
    gnutls_x509_crt_set_dn_by_oid(id->crt, GNUTLS_OID_X520_COMMON_NAME, 0, name,
                                  (unsigned)strlen(name));
    gnutls_x509_crt_set_key(id->crt, id->key);
    gnutls_x509_crt_set_basic_constraints(id->crt, by == NULL, -1);
    if (by == NULL)
        gnutls_x509_crt_set_key_usage(id->crt, GNUTLS_KEY_KEY_CERT_SIGN);
    else
        gnutls_x509_crt_set_key_purpose_oid(id->crt, purpose, 0);
    if (by == NULL)
        by = id;
    assert_int_equal(gnutls_x509_crt_sign2(id->crt, by->crt, by->key, GNUTLS_DIG_SHA256, 0), 0);
    assert_int_equal(gnutls_x509_privkey_export2(id->key, GNUTLS_X509_FMT_PEM, &id->key_pem), 0);
    assert_int_equal(gnutls_x509_crt_export2(id->crt, GNUTLS_X509_FMT_PEM, &id->crt_pem), 0);
}

static void
identity_free(struct identity *id)
{
    gnutls_x509_privkey_deinit(id->key);
    gnutls_x509_crt_deinit(id->crt);
    gnutls_free(id->key_pem.data);
    gnutls_free(id->crt_pem.data);
}

static struct bytes
pem(const gnutls_datum_t *d)
{
    return (struct bytes){d->data, d->size};
}

/* ---- a client ---- */

/* The status of a GET with the token crm; 0: no reply. */
static int
get(const char *url, const char *priorities, const struct identity *as)
{
    static const char request[] = "GET /v1/views/v HTTP/1.1\r\nHost: h\r\n"
                                  "Authorization: Bearer crm\r\nConnection: close\r\n\r\n";
    gnutls_certificate_credentials_t credentials;
    gnutls_session_t session;
    char text[4096] = "";
    int status = 0;
    int fd = http_connect(url);

    assert_true(fd >= 0);
    gnutls_certificate_allocate_credentials(&credentials);
    if (as != NULL)
        assert_int_equal(gnutls_certificate_set_x509_key_mem(credentials, &as->crt_pem,
                                                             &as->key_pem, GNUTLS_X509_FMT_PEM),
                         0);
    gnutls_init(&session, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL | GNUTLS_FORCE_CLIENT_CERT);
    assert_int_equal(gnutls_priority_set_direct(session, priorities, NULL), 0);
    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials);
    gnutls_transport_set_int(session, fd);
    gnutls_handshake_set_timeout(session, 5000);
    gnutls_record_set_timeout(session, 5000);
    if (gnutls_handshake(session) == 0) {
        gnutls_record_send(session, request, sizeof request - 1);
        if (gnutls_record_recv(session, text, sizeof text - 1) > 12)
            status = atoi(text + 9);
    }
    gnutls_deinit(session);
    gnutls_certificate_free_credentials(credentials);
    close(fd);
    return status;
}

/* ---- the server ---- */

static struct cofre_server_config
with_tls(void)
{
    return (struct cofre_server_config){.listen = "127.0.0.1:0",
                                        .threads = 2,
                                        .tls_cert = pem(&server_id.crt_pem),
                                        .tls_key = pem(&server_id.key_pem)};
}

static struct cofre_server *
started(const struct cofre_server_config *config)
{
    struct cofre_server *server;
    struct cofre_why why = {{0}};

    if (cofre_server_start((struct cofre_vault *)&vault_memory, config, &server, &why) != COFRE_OK)
        fail_msg("%s", why.text);
    return server;
}

#define TLS12 "NORMAL:-VERS-ALL:+VERS-TLS1.2"
#define TLS13 "NORMAL:-VERS-ALL:+VERS-TLS1.3"
#define TLS11 \
    "NORMAL:-VERS-ALL:+VERS-TLS1.1:+VERS-TLS1.0:+SHA1:+SIGN-ALL:%VERIFY_ALLOW_SIGN_WITH_SHA1"

static void
tls_of_today_is_spoken_and_nothing_older(void **state)
{
    struct cofre_server_config config = with_tls();
    struct cofre_server *server = started(&config);
    struct http_reply *reply = calloc(1, sizeof *reply);
    const char *url = cofre_server_url(server);
    int fd;

    (void)state;
    assert_memory_equal(url, "https://127.0.0.1:", 18);
    assert_int_equal(get(url, TLS12, NULL), 200);
    assert_int_equal(get(url, TLS13, NULL), 200);
    assert_int_equal(get(url, TLS11, NULL), 0);
    fd = http_connect(url);
    http_send(fd, "GET /healthz HTTP/1.0\r\n\r\n", 25);
    http_read(fd, reply);
    assert_int_equal(reply->status, 0);
    close(fd);
    free(reply);
    cofre_server_stop(server);
}

static void
with_tls_any_address_will_do(void **state)
{
    struct cofre_server_config config = with_tls();

    (void)state;
    config.listen = "0.0.0.0:0";
    cofre_server_stop(started(&config));
}

static void
files_that_do_not_fit_are_refused(void **state)
{
    struct cofre_server_config config = with_tls();
    struct cofre_vault *vault = (struct cofre_vault *)&vault_memory;
    struct cofre_server *server;

    (void)state;
    config.tls_key = BYTES_NONE;
    assert_int_equal(cofre_server_start(vault, &config, &server, NULL), COFRE_EINVAL);
    config.tls_key = pem(&client_id.key_pem);
    assert_int_equal(cofre_server_start(vault, &config, &server, NULL), COFRE_EINVAL);
    config = with_tls();
    config.tls_cert = BYTES_LIT("nothing");
    assert_int_equal(cofre_server_start(vault, &config, &server, NULL), COFRE_EINVAL);
    config = (struct cofre_server_config){.listen = "127.0.0.1:0", .client_ca = pem(&ca.crt_pem)};
    assert_int_equal(cofre_server_start(vault, &config, &server, NULL), COFRE_EINVAL);
    assert_null(server);
}

static void
where_certificates_are_wanted_a_token_is_not_enough(void **state)
{
    struct cofre_server_config config = with_tls();
    struct cofre_server *server;
    const char *url;

    (void)state;
    config.client_ca = pem(&ca.crt_pem);
    server = started(&config);
    url = cofre_server_url(server);
    atomic_store(&failures, 0);
    assert_int_equal(get(url, TLS13, NULL), 401);
    assert_int_equal(get(url, TLS12, NULL), 401);
    assert_int_equal(get(url, TLS13, &false_client), 401);
    assert_int_equal(get(url, TLS12, &server_id), 401); /* signed, but no client's */
    assert_int_equal(atomic_load(&failures), 4);
    assert_int_equal(get(url, TLS13, &client_id), 200);
    assert_int_equal(get(url, TLS12, &client_id), 200);
    assert_int_equal(atomic_load(&failures), 4);
    cofre_server_stop(server);
}

static int
setup(void **state)
{
    identity_make(&ca, "test ca", NULL);
    identity_make(&stranger, "another ca", NULL);
    identity_make(&server_id, "localhost", &ca);
    identity_make(&client_id, "crm", &ca);
    identity_make(&false_client, "crm", &stranger);
    return unit_setup(state);
}

static int
teardown(void **state)
{
    (void)state;
    identity_free(&ca);
    identity_free(&stranger);
    identity_free(&server_id);
    identity_free(&client_id);
    identity_free(&false_client);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_of_today_is_spoken_and_nothing_older),
        cmocka_unit_test(with_tls_any_address_will_do),
        cmocka_unit_test(files_that_do_not_fit_are_refused),
        cmocka_unit_test(where_certificates_are_wanted_a_token_is_not_enough),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
