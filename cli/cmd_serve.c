#include <signal.h>

#include "cofre/admin.h"
#include "cofre/oplog.h"
#include "cofre/secret.h"
#include "cofre/server.h"

#include "act.h"
#include "command.h"
#include "control.h"
#include "open.h"
#include "pem.h"
#include "secretin.h"

/* What a server is made of, in the order in which it is put together. */
struct serving {
    struct cmd *cmd;
    struct config config;
    struct buf tls_cert;
    struct buf tls_key;
    struct buf client_ca;
    sigset_t signals;
    struct cofre_vault *vault;
    bool marked;
    struct control_server *control;
    struct cofre_server *server;
};

static const char *
setting(const struct options *o, enum option option, const char *configured)
{
    const char *given = options_text(o, option);

    return given != NULL ? given : configured;
}

static enum cofre_err
read_settings(struct serving *s, struct cofre_why *why)
{
    const struct options *o = s->cmd->options;
    struct config *c = &s->config;
    enum cofre_err err;

    if ((err = config_read(secretin_vault(o), c, why)) != COFRE_OK ||
        (err = pem_read(setting(o, OPT_TLS_CERT, c->tls_cert), false, &s->tls_cert, why)) !=
            COFRE_OK ||
        (err = pem_read(setting(o, OPT_TLS_KEY, c->tls_key), true, &s->tls_key, why)) != COFRE_OK)
        return err;
    return pem_read(setting(o, OPT_CLIENT_CA, c->client_ca), false, &s->client_ca, why);
}

/* Before the first thread begins, so that they reach none of them but sigwait. */
static void
block_signals(sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, signals, NULL);
}

static enum cofre_err
start_server(struct serving *s, struct cofre_why *why)
{
    const struct cofre_server_config config = {
        .listen = setting(s->cmd->options, OPT_LISTEN, s->config.listen),
        .tls_cert = buf_bytes(&s->tls_cert),
        .tls_key = buf_bytes(&s->tls_key),
        .client_ca = buf_bytes(&s->client_ca),
        .threads = s->config.threads,
        .max_connections = s->config.max_connections,
    };
    enum cofre_err err = cofre_server_start(s->vault, &config, &s->server, why);

    buf_free(&s->tls_key);
    return err;
}

static enum cofre_err
begin(struct serving *s, struct cofre_why *why)
{
    const struct options *o = s->cmd->options;
    enum cofre_err err;

    if ((err = read_settings(s, why)) != COFRE_OK)
        return err;
    if ((err = secret_setup(options_has(o, OPT_ALLOW_UNLOCKED), why)) != COFRE_OK)
        return err;
    if ((err = cofre_selftest(why)) != COFRE_OK)
        return cofre_why_add(why, COFRE_EINTEGRITY, "selftest");
    block_signals(&s->signals);
    if ((err = open_vault(o, &s->config, &s->vault, why)) != COFRE_OK)
        return err;
    if ((err = cofre_vault_mark(s->vault, COFRE_ACT_START, why)) != COFRE_OK)
        return err;
    s->marked = true;
    if ((err = control_server_start(secretin_vault(o), s->vault, &s->control, why)) != COFRE_OK)
        return err;
    return start_server(s, why);
}

static void
wait_for_signal(struct serving *s)
{
    int signal;

    fprintf(s->cmd->out, s->cmd->json ? "{\"listening\":\"%s\"}\n" : "listening on %s\n",
            cofre_server_url(s->server));
    fflush(s->cmd->out);
    while (sigwait(&s->signals, &signal) != 0)
        ;
    oplog_line(OPLOG_INFO, "stopping: answering what is under way");
}

/* In the reverse order; err is what went wrong before, which stays. */
static enum cofre_err
end(struct serving *s, enum cofre_err err, struct cofre_why *why)
{
    enum cofre_err last;

    cofre_server_stop(s->server);
    control_server_stop(s->control);
    if (s->marked) {
        last = cofre_vault_mark(s->vault, COFRE_ACT_STOP, why);
        err = err != COFRE_OK ? err : last;
    }
    last = cofre_vault_close(s->vault, why);
    err = err != COFRE_OK ? err : last;
    buf_free(&s->tls_cert);
    buf_free(&s->tls_key);
    buf_free(&s->client_ca);
    return err;
}

int
cmd_serve(struct cmd *cmd)
{
    struct serving s = {
        .cmd = cmd, .tls_cert = BUF_INIT, .tls_key = BUF_INIT, .client_ca = BUF_INIT};
    struct cofre_why why = {""};
    struct say say = say_for(cmd);
    enum cofre_err err;

    if ((err = begin(&s, &why)) == COFRE_OK)
        wait_for_signal(&s);
    err = end(&s, err, &why);
    return err == COFRE_OK ? EXIT_DONE : say_why(&say, err, &why);
}
