#include <stdio.h>
#include <unistd.h>

#include "act.h"
#include "command.h"
#include "place.h"
#include "recovery.h"
#include "secretin.h"

/* Makes the vault with the secret that is there by now. */
static enum cofre_err
make(struct cmd *cmd, struct buf *vkey, struct cofre_why *why)
{
    const struct options *o = cmd->options;
    struct cofre_vault_config config = {.dir = secretin_vault(o),
                                        .anchor = options_text(o, OPT_ANCHOR)};
    struct secretin in = {COFRE_SECRET_PASSPHRASE, NULL};
    struct recovery_file recovery = recovery_of(o);
    enum cofre_err err;

    if ((err = secretin_read(o, true, &in, why)) != COFRE_OK)
        return err;
    config.secret_kind = in.kind;
    config.secret = secret_bytes(in.secret);
    if (recovery.path != NULL) {
        config.keep_recovery = recovery_keep;
        config.keep_ctx = &recovery;
    }
    err = cofre_vault_create(&config, options_text(o, OPT_ORIGIN), cmd->actor, vkey, why);
    if (err != COFRE_OK)
        recovery_undo(&recovery);
    secret_free(in.secret);
    return err;
}

static enum cofre_err
init(struct cmd *cmd, struct buf *vkey, struct cofre_why *why)
{
    const struct options *o = cmd->options;
    const char *dir = secretin_vault(o);
    bool made_key = false;
    enum cofre_err err;

    if (cofre_vault_exists(dir))
        return cofre_why_set(why, COFRE_EEXIST, "%s holds a vault already", dir);
    if ((err = secret_setup(options_has(o, OPT_ALLOW_UNLOCKED), why)) != COFRE_OK)
        return err;
    if ((err = secretin_make_key(o, &made_key, why)) != COFRE_OK)
        return err;
    err = make(cmd, vkey, why);
    if (err != COFRE_OK && made_key)
        unlink(options_text(o, OPT_KEY_FILE));
    return err;
}

static void
warn_of_recovery(const struct cmd *cmd)
{
    const char *path = options_text(cmd->options, OPT_RECOVERY_KEY);
    struct say say = say_for(cmd);

    if (path == NULL)
        say_warning(&say,
                    "there is no recovery key, and none can be added: if the file signing is lost, nobody "
                    "can go on with this log (cofre init --recovery-key FILE makes one)");
    else
        say_warning(&say,
                    "%s is the recovery key: move it offline, away from this machine; who has it can "
                    "sign the log from any point on",
                    path);
}

static void
warn_of_place(const struct cmd *cmd)
{
    const char *key_file = options_text(cmd->options, OPT_KEY_FILE);
    struct say say = say_for(cmd);

    if (key_file != NULL && place_same_volume(key_file, secretin_vault(cmd->options)))
        say_warning(&say,
                    "%s is on the vault's volume: a stolen disk or backup would hold both; "
                    "keep it elsewhere, and a copy of it safe",
                    key_file);
}

int
cmd_init(struct cmd *cmd)
{
    struct cofre_why why = {""};
    struct say say = say_for(cmd);
    struct buf vkey = BUF_INIT;
    enum cofre_err err;

    if ((err = init(cmd, &vkey, &why)) != COFRE_OK) {
        buf_free(&vkey);
        return say_why(&say, err, &why);
    }
    while (vkey.len > 0 && vkey.p[vkey.len - 1] == '\n')
        vkey.len--;
    fprintf(cmd->out, cmd->json ? "{\"vkey\":\"%.*s\"}\n" : "%.*s\n", (int)vkey.len,
            (char *)vkey.p);
    buf_free(&vkey);
    warn_of_place(cmd);
    warn_of_recovery(cmd);
    return EXIT_DONE;
}
