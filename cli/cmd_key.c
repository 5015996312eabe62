#include "cofre/admin.h"

#include "act.h"
#include "command.h"
#include "progress.h"

int
cmd_customer_show(struct cmd *cmd)
{
    struct cofre_call call;

    act_begin(cmd, &call);
    cofre_customer_show(cmd->vault, &call, act_arg(cmd));
    return act_end(cmd, &call, act_print_members);
}

static enum cofre_err
print_keys(struct cmd *cmd, const json_t *body)
{
    static const struct table_column columns[] = {
        {"CLASS", "class", false},     {"SCOPE", "scope", false},
        {"VERSION", "version", true},  {"STATE", "state", false},
        {"CREATED", "created", false}, {"ACTIVATED", "activated", false},
        {"OBJECTS", "objects", true},
    };

    return table_rows(cmd->out, json_object_get(body, "classes"), columns,
                      sizeof columns / sizeof *columns, "There are no keys.");
}

int
cmd_key_status(struct cmd *cmd)
{
    struct cofre_call call;

    act_begin(cmd, &call);
    cofre_key_status(cmd->vault, &call);
    return act_end(cmd, &call, print_keys);
}

/* With the signing key's rotation comes something to do for others. */
static enum cofre_err
print_rotated(struct cmd *cmd, const json_t *body)
{
    const char *vkey = json_string_value(json_object_get(body, "vkey"));
    enum cofre_err err = act_print_members(cmd, body);

    if (err == COFRE_OK && vkey != NULL)
        fprintf(cmd->out, "\ntell the witnesses this key; other people's verifiers take the last line of "
                          "keys/vkeys, cofre-verify goes on with the first\n");
    return err;
}

static int
rotate(struct cmd *cmd, bool resume)
{
    struct cofre_rotate_in in = {
        .class = act_arg(cmd), .dry_run = options_has(cmd->options, OPT_DRY_RUN), .resume = resume};
    struct progress progress;
    struct cofre_call call;

    progress_start(&progress, cmd, "objects");
    act_begin(cmd, &call);
    cofre_key_rotate(cmd->vault, &call, &in, &progress.hooks);
    progress_end(&progress);
    return act_end_job(cmd, &call, print_rotated);
}

int
cmd_key_rotate(struct cmd *cmd)
{
    return rotate(cmd, false);
}

int
cmd_key_resume(struct cmd *cmd)
{
    return rotate(cmd, true);
}
