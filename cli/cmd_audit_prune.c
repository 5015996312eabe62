#include "cofre/audit.h"
#include "cofre/vault.h"

#include "act.h"
#include "command.h"

static enum cofre_err
print_pruned(struct cmd *cmd, const json_t *body)
{
    const json_t *dry_run = json_object_get(body, "dry_run");
    json_int_t entries = json_integer_value(json_object_get(body, "entries"));
    json_int_t bundles = json_integer_value(json_object_get(body, "bundles"));
    json_int_t first = json_integer_value(json_object_get(body, "first"));
    const json_t *journal = json_object_get(body, "journal");

    fprintf(cmd->out, "%lld entries (%lld bundles) %s; entry %lld is the first one left.\n",
            (long long)entries, (long long)bundles, json_is_true(dry_run) ? "would go" : "are given up",
            (long long)first);
    if (journal != NULL)
        fprintf(cmd->out,
                "Those from %lld on are still in the journal, which nobody reads for them: its file goes "
                "once the log has %lld entries.\n",
                (long long)json_integer_value(json_object_get(journal, "from")),
                (long long)json_integer_value(json_object_get(journal, "until")));
    return COFRE_OK;
}

int
cmd_audit_prune(struct cmd *cmd)
{
    const char *keep = options_text(cmd->options, OPT_KEEP);
    struct cofre_prune_in in = {.below = options_number(cmd->options, OPT_BELOW, 0),
                                .by_age = keep != NULL,
                                .dry_run = options_has(cmd->options, OPT_DRY_RUN)};
    struct say say = say_for(cmd);
    struct cofre_call call;

    if (options_has(cmd->options, OPT_BELOW) == in.by_age)
        return say_failed(&say, EXIT_USAGE, "either --below SEQ or --keep TIME");
    if (in.by_age && options_duration(keep, &in.keep_s) != COFRE_OK)
        return say_failed(&say, EXIT_USAGE, "--keep takes a number and s, m, h, d, w or y: 400d");
    act_begin(cmd, &call);
    cofre_audit_prune(cmd->vault, &call, &in);
    return act_end_job(cmd, &call, print_pruned);
}
