#include "cofre/oplog.h"
#include "openapi.h"
#include "request.h"
#include "server_internal.h"

#include "on_open.h"

void
on_open_healthz(struct request *req)
{
    req->static_reply = BYTES_LIT("{\"status\":\"ok\"}");
}

/* Why is for the operator, and told once: the reply says only that it is so. */
void
on_open_readyz(struct request *req)
{
    struct cofre_server *server = req->server;
    struct cofre_why why = {{0}};
    bool ready = cofre_vault_ready(server->vault, &why) && !atomic_load(&server->draining);
    bool was_unready = atomic_exchange(&server->unready, !ready);

    if (!ready && !was_unready)
        oplog_line(OPLOG_WARNING, "not ready: %s", why.text[0] != 0 ? why.text : "stopping");
    if (ready && was_unready)
        oplog_line(OPLOG_INFO, "ready again");
    req->status = ready ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
    req->static_reply =
        ready ? BYTES_LIT("{\"status\":\"ready\"}") : BYTES_LIT("{\"status\":\"unavailable\"}");
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
