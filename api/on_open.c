#include "openapi.h"
#include "request.h"
#include "server_internal.h"

#include "on_open.h"

void
on_open_healthz(struct request *req)
{
    req->static_reply = BYTES_LIT("{\"status\":\"ok\"}");
}

/* The reply names the kind of cause; the vault tells the operator what, and where. */
void
on_open_readyz(struct request *req)
{
    struct cofre_server *server = req->server;
    const char *cause = "stopping";

    if (!atomic_load(&server->draining))
        cause = cofre_vault_unready(server->vault, NULL);
    if (cause == NULL) {
        req->static_reply = BYTES_LIT("{\"status\":\"ready\"}");
        return;
    }
    req->status = MHD_HTTP_SERVICE_UNAVAILABLE;
    buf_putf(&req->call.body, "{\"status\":\"unavailable\",\"cause\":\"%s\"}", cause);
}

void
on_open_metrics(struct request *req)
{
    struct cofre_server *server = req->server;
    struct cofre_vault_stats stats = {0};

    cofre_vault_stats(server->vault, &stats);
    metrics_write(&server->metrics, &stats, atomic_load(&server->inflight), &req->call.body);
    req->call.content_type = "text/plain; version=0.0.4; charset=utf-8";
}

void
on_open_openapi(struct request *req)
{
    req->static_reply = openapi_document();
}
