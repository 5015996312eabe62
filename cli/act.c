#include <stdio.h>
#include <string.h>

#include "cofre/vault.h"

#include "act.h"

struct bytes
act_arg(const struct cmd *cmd)
{
    return cmd->options->n_args > 0 ? bytes_str(cmd->options->args[0]) : BYTES_NONE;
}

void
act_begin(const struct cmd *cmd, struct cofre_call *call)
{
    cofre_call_init(call);
    snprintf(call->actor.id, sizeof call->actor.id, "%s", cmd->actor);
    call->actor.role = COFRE_ROLE_ADMIN;
    call->act = cmd->options->command->act;
}

enum cofre_err
act_print_members(struct cmd *cmd, const json_t *body)
{
    return table_members(cmd->out, body);
}

static enum cofre_err
put_raw(FILE *out, struct bytes body)
{
    if (body.len == 0)
        return COFRE_OK;
    fwrite(body.p, 1, body.len, out);
    if (body.p[body.len - 1] != '\n')
        fputc('\n', out);
    return COFRE_OK;
}

static enum cofre_err
put_for_people(struct cmd *cmd, struct bytes body, act_print_fn *print)
{
    json_t *json = json_loadb((const char *)body.p, body.len, 0, NULL);
    enum cofre_err err;

    if (json == NULL)
        return COFRE_EFORMAT;
    err = print(cmd, json);
    json_decref(json);
    return err;
}

static int
put_body(struct cmd *cmd, struct bytes body, act_print_fn *print)
{
    struct say say = say_for(cmd);
    enum cofre_err err;

    err = print == NULL ? put_raw(cmd->out, body) : put_for_people(cmd, body, print);
    if (err != COFRE_OK)
        return say_failed(&say, say_exit(err), "the vault's answer cannot be read");
    return EXIT_DONE;
}

static int
finish(struct cmd *cmd, struct cofre_call *call, act_print_fn *print)
{
    struct cofre_why why = {""};
    struct say say = say_for(cmd);
    int exit_code;

    if (cofre_call_ok(call))
        exit_code = put_body(cmd, buf_bytes(&call->body), print);
    else
        exit_code = say_outcome(&say, call, cofre_vault_ready(cmd->vault, &why) ? NULL : why.text);
    cofre_call_free(call);
    return exit_code;
}

int
act_end(struct cmd *cmd, struct cofre_call *call, act_print_fn *print)
{
    return act_end_with(cmd, call, cmd->json ? NULL : print);
}

int
act_end_with(struct cmd *cmd, struct cofre_call *call, act_print_fn *print)
{
    cofre_submit_wait(cmd->vault, call);
    return finish(cmd, call, print);
}

int
act_end_report(struct cmd *cmd, struct cofre_call *call, act_print_fn *print)
{
    struct buf report = BUF_INIT;

    /* What is refused loses its body; this one only says where the log is wrong. */
    buf_putb(&report, buf_bytes(&call->body));
    cofre_submit_wait(cmd->vault, call);
    if (!cofre_call_ok(call) && call->recorded && report.len > 0)
        put_body(cmd, buf_bytes(&report), cmd->json ? NULL : print);
    buf_free(&report);
    fflush(cmd->out);
    return finish(cmd, call, cmd->json ? NULL : print);
}

int
act_end_job(struct cmd *cmd, struct cofre_call *call, act_print_fn *print)
{
    return finish(cmd, call, cmd->json ? NULL : print);
}

int
act_read_file(struct cmd *cmd, struct buf *json)
{
    struct cofre_why why = {""};
    struct say say = say_for(cmd);
    enum cofre_err err = infiles_read(cmd->files.fd[0], json, &why);

    return err == COFRE_OK ? EXIT_DONE : say_why(&say, err, &why);
}
