#include <jansson.h>

#include "command.h"
#include "open.h"
#include "recovery.h"
#include "say.h"
#include "secretin.h"

static long long
number(const json_t *body, const char *name)
{
    return (long long)json_integer_value(json_object_get(body, name));
}

static enum cofre_err
print(struct cmd *cmd, const struct buf *report)
{
    json_t *body;

    if (cmd->json) {
        fprintf(cmd->out, "%.*s\n", (int)report->len, (const char *)report->p);
        return COFRE_OK;
    }
    if ((body = json_loadb((const char *)report->p, report->len, 0, NULL)) == NULL)
        return COFRE_EFORMAT;
    fprintf(cmd->out,
            "%s\n"
            "epoch %lld of the signing key begins behind entry %lld\n"
            "entries from %lld on were not under a checkpoint of the lost key: the recovery key alone vouches for them\n"
            "tell the witnesses the key above; other people's verifiers take the last line of keys/vkeys, "
            "cofre-verify goes on with the first\n",
            json_string_value(json_object_get(body, "vkey")), number(body, "epoch"),
            number(body, "entry"), number(body, "last_size"));
    json_decref(body);
    return COFRE_OK;
}

int
cmd_audit_recover(struct cmd *cmd)
{
    const struct recovery_file file = recovery_of(cmd->options);
    struct cofre_why why = {""};
    struct say say = say_for(cmd);
    struct buf key = BUF_INIT;
    struct buf report = BUF_INIT;
    struct config config;
    enum cofre_err err;

    if ((err = config_read(secretin_vault(cmd->options), &config, &why)) == COFRE_OK &&
        (err = recovery_read(&file, &key, &why)) == COFRE_OK &&
        (err = open_recover(cmd->options, &config, buf_bytes(&key), cmd->actor, &report, &why)) ==
            COFRE_OK)
        err = print(cmd, &report);
    buf_free(&key);
    buf_free(&report);
    return err == COFRE_OK ? EXIT_DONE : say_why(&say, err, &why);
}
