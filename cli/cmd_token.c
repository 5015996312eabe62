#include <string.h>
#include <sys/stat.h>

#include "cofre/admin.h"

#include "act.h"
#include "command.h"

static const uint64_t default_ttl_s = UINT64_C(90) * 24 * 3600;

/* The token's secret is in the output: who else will be able to read that? */
static void
warn_of_readers(const struct cmd *cmd)
{
    struct say say = say_for(cmd);
    struct stat st;

    if (fstat(cmd->out_fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & S_IROTH) != 0)
        say_warning(&say, "the token goes to a file that everyone on this machine can read; "
                          "chmod 600 it, or revoke the token");
}

static enum cofre_err
print_token(struct cmd *cmd, const json_t *body)
{
    const char *token = json_string_value(json_object_get(body, "token"));

    if (token == NULL)
        return COFRE_EFORMAT;
    fprintf(cmd->out, "%s\n", token);
    return COFRE_OK;
}

/* What the vault cannot see: EXIT_DONE, or it has said what is wrong. */
static int
read_options(struct cmd *cmd, struct cofre_token_in *in, struct bytes purposes[static OPTIONS_MAX])
{
    const struct options *o = cmd->options;
    const char *view = options_text(o, OPT_VIEW);
    const char *ttl = options_text(o, OPT_TTL);
    struct say say = say_for(cmd);

    *in = (struct cofre_token_in){.role = bytes_str(options_text(o, OPT_ROLE)),
                                  .name = bytes_str(options_text(o, OPT_NAME)),
                                  .view = view != NULL ? bytes_str(view) : BYTES_NONE,
                                  .purposes = purposes,
                                  .ttl_s = default_ttl_s};
    if (ttl != NULL && options_duration(ttl, &in->ttl_s) != COFRE_OK)
        return say_failed(&say, EXIT_USAGE, "--ttl takes a number and s, m, h, d, w or y: 90d");
    for (size_t i = 0; i < o->n_values; i++) {
        const struct option_value *v = &o->values[i];

        if (v->option == OPT_PURPOSE)
            purposes[in->n_purposes++] = bytes_str(v->text);
        if (v->option == OPT_MAY && strcmp(v->text, "erase") != 0)
            return say_failed(&say, EXIT_USAGE, "--may takes: erase");
        in->may_erase |= v->option == OPT_MAY;
    }
    return EXIT_DONE;
}

int
cmd_token_issue(struct cmd *cmd)
{
    struct bytes purposes[OPTIONS_MAX];
    struct cofre_token_in in;
    struct cofre_call call;
    int exit_code;

    if ((exit_code = read_options(cmd, &in, purposes)) != EXIT_DONE)
        return exit_code;
    act_begin(cmd, &call);
    cofre_token_issue(cmd->vault, &call, &in);
    exit_code = act_end(cmd, &call, print_token);
    if (exit_code == EXIT_DONE)
        warn_of_readers(cmd);
    return exit_code;
}

static enum cofre_err
print_tokens(struct cmd *cmd, const json_t *body)
{
    static const struct table_column columns[] = {
        {"ID", "id", false},           {"NAME", "name", false},         {"ROLE", "role", false},
        {"VIEW", "view", false},       {"PURPOSES", "purposes", false}, {"ISSUED", "issued", false},
        {"EXPIRES", "expires", false}, {"STATE", "state", false},
    };

    return table_rows(cmd->out, json_object_get(body, "tokens"), columns,
                      sizeof columns / sizeof *columns,
                      "There are no tokens; make one: cofre token issue");
}

int
cmd_token_list(struct cmd *cmd)
{
    struct cofre_call call;

    act_begin(cmd, &call);
    cofre_token_list(cmd->vault, &call);
    return act_end(cmd, &call, print_tokens);
}

int
cmd_token_revoke(struct cmd *cmd)
{
    struct cofre_call call;

    act_begin(cmd, &call);
    cofre_token_revoke(cmd->vault, &call, act_arg(cmd));
    return act_end(cmd, &call, act_print_members);
}
