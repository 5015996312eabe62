#include "cofre/audit.h"

#include "act.h"
#include "command.h"

enum { PIECE_MAX = 10001 };

/* One piece: what export.c asks for, in the server or with the vault opened. */
int
cmd_audit_export(struct cmd *cmd)
{
    const struct cofre_export piece = {.from = options_number(cmd->options, OPT_FROM, 0),
                                       .limit = options_number(cmd->options, OPT_LIMIT, PIECE_MAX),
                                       .follow = options_has(cmd->options, OPT_FOLLOW)};
    struct cofre_call call;

    act_begin(cmd, &call);
    if (cofre_audit_export(cmd->vault, &call, &piece))
        return act_end(cmd, &call, NULL);
    return act_end_job(cmd, &call, NULL);
}
