#include "cofre/admin.h"

#include "act.h"
#include "command.h"
#include "progress.h"

#define COLUMNS(array) (array), sizeof(array) / sizeof *(array)

int
cmd_schema_show(struct cmd *cmd)
{
    struct cofre_call call;

    act_begin(cmd, &call);
    cofre_schema_show(cmd->vault, &call);
    return act_end(cmd, &call, NULL);
}

int
cmd_schema_apply(struct cmd *cmd)
{
    struct buf json = BUF_INIT;
    struct cofre_call call;
    int exit_code;

    if ((exit_code = act_read_file(cmd, &json)) != EXIT_DONE)
        return exit_code;
    act_begin(cmd, &call);
    cofre_schema_apply(cmd->vault, &call, buf_bytes(&json), options_has(cmd->options, OPT_DRY_RUN));
    exit_code = act_end(cmd, &call, act_print_members);
    buf_free(&json);
    return exit_code;
}

static enum cofre_err
print_purposes(struct cmd *cmd, const json_t *body)
{
    static const struct table_column columns[] = {{"PURPOSE", "name", false},
                                                  {"LEGAL BASIS", "basis", false}};

    return table_rows(cmd->out, json_object_get(body, "purposes"), COLUMNS(columns),
                      "There are no purposes; make one: cofre purpose add");
}

int
cmd_purpose_list(struct cmd *cmd)
{
    struct cofre_call call;

    act_begin(cmd, &call);
    cofre_purpose_list(cmd->vault, &call);
    return act_end(cmd, &call, print_purposes);
}

int
cmd_purpose_add(struct cmd *cmd)
{
    struct cofre_call call;

    act_begin(cmd, &call);
    cofre_purpose_add(cmd->vault, &call, act_arg(cmd),
                      bytes_str(options_text(cmd->options, OPT_BASIS)));
    return act_end(cmd, &call, act_print_members);
}

static enum cofre_err
print_views(struct cmd *cmd, const json_t *body)
{
    static const struct table_column columns[] = {{"VIEW", "name", false},
                                                  {"VERSION", "version", true},
                                                  {"PURPOSE", "purpose", false},
                                                  {"EPOCH", "epoch", true},
                                                  {"RECORDS", "members", true}};

    return table_rows(cmd->out, json_object_get(body, "views"), COLUMNS(columns),
                      "There are no views; make one: cofre view apply FILE");
}

int
cmd_view_list(struct cmd *cmd)
{
    struct cofre_call call;

    act_begin(cmd, &call);
    cofre_view_list(cmd->vault, &call);
    return act_end(cmd, &call, print_views);
}

int
cmd_view_show(struct cmd *cmd)
{
    struct cofre_call call;

    act_begin(cmd, &call);
    cofre_view_show(cmd->vault, &call, act_arg(cmd));
    return act_end(cmd, &call, NULL);
}

int
cmd_view_apply(struct cmd *cmd)
{
    struct buf json = BUF_INIT;
    struct progress progress;
    struct cofre_call call;
    int exit_code;

    if ((exit_code = act_read_file(cmd, &json)) != EXIT_DONE)
        return exit_code;
    progress_start(&progress, cmd, "records");
    act_begin(cmd, &call);
    cofre_view_apply(cmd->vault, &call, buf_bytes(&json), options_has(cmd->options, OPT_DRY_RUN),
                     &progress.hooks);
    progress_end(&progress);
    exit_code = act_end(cmd, &call, act_print_members);
    buf_free(&json);
    return exit_code;
}

int
cmd_view_drop(struct cmd *cmd)
{
    struct cofre_call call;

    act_begin(cmd, &call);
    cofre_view_drop(cmd->vault, &call, act_arg(cmd));
    return act_end(cmd, &call, act_print_members);
}
