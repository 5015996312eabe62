#include "cofre/audit.h"

#include "act.h"
#include "command.h"

/* Outside time: a query to take to an authority, its reply to keep, or both at once. */

/* A FILE of an option, empty (with p NULL) where it is not given; false: it has said what is wrong. */
static bool
read_option(struct cmd *cmd, enum option option, struct buf *out, struct bytes *b)
{
    struct cofre_why why = {""};
    struct say say = say_for(cmd);
    enum cofre_err err = COFRE_OK;

    *b = BYTES_NONE;
    if (!options_has(cmd->options, option))
        return true;
    err = infiles_read(infiles_of(cmd->options, &cmd->files, option), out, &why);
    if (err == COFRE_OK) {
        *b = out->p != NULL ? buf_bytes(out) : BYTES_LIT("");
        return true;
    }
    say_why(&say, err, &why);
    return false;
}

/* The checkpoint goes to stdout: whoever takes the query away keeps it for the reply. */
static int
query(struct cmd *cmd)
{
    struct cofre_why why = {""};
    struct say say = say_for(cmd);
    struct buf der = BUF_INIT;
    struct cofre_call call;
    enum cofre_err err;
    int exit_code;

    act_begin(cmd, &call);
    call.act = COFRE_ACT_AUDIT_CHECKPOINT;
    cofre_timestamp_query(cmd->vault, &call, &der);
    exit_code = act_end(cmd, &call, NULL);
    if (exit_code == EXIT_DONE &&
        (err = infiles_write(infiles_of(cmd->options, &cmd->files, OPT_QUERY), buf_bytes(&der),
                             &why)) != COFRE_OK)
        exit_code = say_why(&say, err, &why);
    buf_free(&der);
    return exit_code;
}

static int
keep(struct cmd *cmd)
{
    struct buf checkpoint = BUF_INIT, reply = BUF_INIT, ca = BUF_INIT;
    struct cofre_timestamp_in in;
    struct cofre_call call;
    int exit_code = EXIT_FAILED;

    if (!read_option(cmd, OPT_CHECKPOINT, &checkpoint, &in.checkpoint) ||
        !read_option(cmd, OPT_REPLY, &reply, &in.reply) ||
        !read_option(cmd, OPT_TSA_CA, &ca, &in.ca))
        goto out;
    act_begin(cmd, &call);
    if (options_has(cmd->options, OPT_REPLY))
        cofre_timestamp_keep(cmd->vault, &call, &in);
    else
        cofre_timestamp_ask(cmd->vault, &call, options_text(cmd->options, OPT_TSA), in.ca);
    exit_code = act_end_job(cmd, &call, cmd->json ? NULL : act_print_members);
out:
    buf_free(&checkpoint);
    buf_free(&reply);
    buf_free(&ca);
    return exit_code;
}

int
cmd_audit_timestamp(struct cmd *cmd)
{
    const struct options *o = cmd->options;
    const int ways =
        options_has(o, OPT_TSA) + options_has(o, OPT_QUERY) + options_has(o, OPT_REPLY);
    struct say say = say_for(cmd);

    if (ways != 1)
        return say_failed(&say, EXIT_USAGE, "one of --tsa, --query and --reply says what to do");
    if (options_has(o, OPT_CHECKPOINT) && !options_has(o, OPT_REPLY))
        return say_failed(&say, EXIT_USAGE, "--checkpoint belongs to --reply");
    if (options_has(o, OPT_TSA_CA) && options_has(o, OPT_QUERY))
        return say_failed(&say, EXIT_USAGE, "--tsa-ca belongs to --tsa and --reply");
    return options_has(o, OPT_QUERY) ? query(cmd) : keep(cmd);
}
