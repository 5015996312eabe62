#include <signal.h>

#include "cofre/encode.h"
#include "cofre/oplog.h"
#include "cofre/secret.h"
#include "cofre/witness.h"

#include "command.h"
#include "pem.h"
#include "say.h"

/* What a witness's server is made of, in the order in which it is put together. */
struct witnessing {
    struct cmd *cmd;
    struct buf tls_cert;
    struct buf tls_key;
    struct buf logs;
    sigset_t signals;
    struct cofre_witness *witness;
    struct cofre_witness_server *server;
};

/* The keys of all --log files, one a line. */
static enum cofre_err
read_logs(struct witnessing *s, struct cofre_why *why)
{
    const struct options *o = s->cmd->options;
    struct buf file = BUF_INIT;
    enum cofre_err err = COFRE_OK;

    for (size_t i = 0; i < o->n_values && err == COFRE_OK; i++) {
        if (o->values[i].option != OPT_LOG)
            continue;
        buf_reset(&file);
        err = pem_read(o->values[i].text, false, &file, why);
        buf_putb(&s->logs, buf_bytes(&file));
        if (file.len > 0 && file.p[file.len - 1] != '\n')
            buf_putc(&s->logs, '\n');
    }
    buf_free(&file);
    return err == COFRE_OK ? buf_error(&s->logs) : err;
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
open_witness(struct witnessing *s, struct cofre_why *why)
{
    const struct options *o = s->cmd->options;
    const struct bytes logs = buf_bytes(&s->logs);
    const struct cofre_witness_config config = {.dir = options_text(o, OPT_STATE),
                                                .name = options_text(o, OPT_NAME),
                                                .logs = &logs,
                                                .n_logs = logs.len > 0};

    return cofre_witness_open(&config, &s->witness, why);
}

static enum cofre_err
begin(struct witnessing *s, struct cofre_why *why)
{
    const struct options *o = s->cmd->options;
    const char *cert = options_text(o, OPT_TLS_CERT);
    const char *key = options_text(o, OPT_TLS_KEY);
    const char *listen = options_text(o, OPT_LISTEN);
    struct cofre_witness_listen config = {.listen = listen != NULL ? listen : "127.0.0.1:8421"};
    enum cofre_err err;

    if ((err = pem_read(cert != NULL ? cert : "", false, &s->tls_cert, why)) != COFRE_OK ||
        (err = pem_read(key != NULL ? key : "", true, &s->tls_key, why)) != COFRE_OK ||
        (err = read_logs(s, why)) != COFRE_OK)
        return err;
    if ((err = secret_setup(options_has(o, OPT_ALLOW_UNLOCKED), why)) != COFRE_OK)
        return err;
    block_signals(&s->signals);
    if ((err = open_witness(s, why)) != COFRE_OK)
        return err;
    config.tls_cert = buf_bytes(&s->tls_cert);
    config.tls_key = buf_bytes(&s->tls_key);
    err = cofre_witness_serve(s->witness, &config, &s->server, why);
    buf_free(&s->tls_key);
    return err;
}

/* Prints the key, and where it listens (NULL: nowhere). */
static enum cofre_err
print_vkey(const struct cmd *cmd, struct bytes vkey, const char *url)
{
    struct buf text = BUF_INIT;
    enum cofre_err err;

    if (cmd->json) {
        buf_puts(&text, "{\"vkey\":");
        encode_json_string(&text, vkey);
        if (url != NULL)
            buf_putf(&text, ",\"listening\":\"%s\"", url);
        buf_puts(&text, "}\n");
    } else {
        buf_putb(&text, vkey);
        buf_putf(&text, "\n%s%s%s", url != NULL ? "listening on " : "", url != NULL ? url : "",
                 url != NULL ? "\n" : "");
    }
    if ((err = buf_error(&text)) == COFRE_OK) {
        fwrite(text.p, 1, text.len, cmd->out);
        fflush(cmd->out);
    }
    buf_free(&text);
    return err;
}

static enum cofre_err
announce(const struct witnessing *s)
{
    struct buf vkey = BUF_INIT;
    enum cofre_err err;

    cofre_witness_vkey(s->witness, &vkey);
    if ((err = buf_error(&vkey)) == COFRE_OK)
        err = print_vkey(s->cmd, buf_bytes(&vkey), cofre_witness_url(s->server));
    buf_free(&vkey);
    if (cofre_witness_logs(s->witness) == 0)
        oplog_line(OPLOG_WARNING, "witness: it trusts no log yet; name one with --log");
    return err;
}

int
cmd_witness_serve(struct cmd *cmd)
{
    struct witnessing s = {.cmd = cmd, .tls_cert = BUF_INIT, .tls_key = BUF_INIT, .logs = BUF_INIT};
    struct cofre_why why = {""};
    struct say say = say_for(cmd);
    enum cofre_err err;
    int signal;

    if ((err = begin(&s, &why)) == COFRE_OK && (err = announce(&s)) == COFRE_OK) {
        while (sigwait(&s.signals, &signal) != 0)
            ;
        oplog_line(OPLOG_INFO, "stopping: answering what is under way");
    }
    cofre_witness_stop(s.server);
    cofre_witness_close(s.witness);
    buf_free(&s.tls_cert);
    buf_free(&s.tls_key);
    buf_free(&s.logs);
    return err == COFRE_OK ? EXIT_DONE : say_why(&say, err, &why);
}

int
cmd_witness_vkey(struct cmd *cmd)
{
    struct cofre_why why = {""};
    struct say say = say_for(cmd);
    struct buf vkey = BUF_INIT;
    enum cofre_err err = secret_setup(options_has(cmd->options, OPT_ALLOW_UNLOCKED), &why);

    if (err == COFRE_OK)
        err = cofre_witness_read_vkey(options_text(cmd->options, OPT_STATE), &vkey, &why);
    if (err == COFRE_OK)
        err = print_vkey(cmd, buf_bytes(&vkey), NULL);
    buf_free(&vkey);
    return err == COFRE_OK ? EXIT_DONE : say_why(&say, err, &why);
}

int
cmd_witness_forget(struct cmd *cmd)
{
    struct witnessing s = {.cmd = cmd, .logs = BUF_INIT};
    struct cofre_why why = {""};
    struct say say = say_for(cmd);
    enum cofre_err err = secret_setup(options_has(cmd->options, OPT_ALLOW_UNLOCKED), &why);

    if (err == COFRE_OK && (err = read_logs(&s, &why)) == COFRE_OK)
        err = cofre_witness_forget(options_text(cmd->options, OPT_STATE), buf_bytes(&s.logs), &why);
    buf_free(&s.logs);
    return err == COFRE_OK ? EXIT_DONE : say_why(&say, err, &why);
}
