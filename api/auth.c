#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <strings.h>

#include "request.h"
#include "server_internal.h"

#include "auth.h"

/* The library asks clients for a certificate, and leaves the judgement to us. */
static bool
certificate_valid(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    gnutls_typed_vdata_st usage = {.type = GNUTLS_DT_KEY_PURPOSE_OID,
                                   .data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT};
    unsigned status = ~0U;

    if (info == NULL || info->tls_session == NULL)
        return false;
    if (gnutls_certificate_verify_peers(info->tls_session, &usage, 1, &status) != GNUTLS_E_SUCCESS)
        return false;
    return status == 0;
}

/* What follows "Bearer"; empty for any other scheme. */
static struct bytes
bearer(struct bytes header)
{
    enum { SCHEME = 7 };

    if (header.len <= SCHEME || strncasecmp((const char *)header.p, "Bearer ", SCHEME) != 0)
        return BYTES_NONE;
    header = (struct bytes){header.p + SCHEME, header.len - SCHEME};
    while (header.len > 0 && *header.p == ' ')
        header = (struct bytes){header.p + 1, header.len - 1};
    return header;
}

static void
fail(struct request *req, enum cofre_auth_failure kind)
{
    cofre_vault_auth_failed(req->server->vault, kind);
    cofre_call_fail(&req->call, COFRE_OUT_TOKEN, NULL, "");
}

void
auth_check(struct request *req)
{
    struct bytes token = bearer(req->headers.authorization);

    if (req->server->client_ca && !certificate_valid(req->connection)) {
        fail(req, COFRE_AUTH_BAD);
        return;
    }
    if (req->headers.authorization.p == NULL) {
        fail(req, COFRE_AUTH_MISSING);
        return;
    }
    if (token.len == 0 ||
        cofre_vault_authenticate(req->server->vault, token, &req->call.actor) != COFRE_OK) {
        fail(req, COFRE_AUTH_BAD);
        return;
    }
    req->authenticated = true;
}
