#include "cofre/audit.h"
#include "cofre/vault.h"

#include "act.h"
#include "command.h"

enum { SHOW_DEFAULT = 50 };

int
cmd_audit_checkpoint(struct cmd *cmd)
{
    struct cofre_call call;

    act_begin(cmd, &call);
    cofre_audit_checkpoint(cmd->vault, &call);
    return act_end(cmd, &call, NULL);
}

int
cmd_audit_prove(struct cmd *cmd)
{
    struct say say = say_for(cmd);
    struct cofre_call call;
    uint64_t seq;

    if (options_decimal(cmd->options->args[0], &seq) != COFRE_OK)
        return say_failed(&say, EXIT_USAGE, "SEQ is the number of an entry; see: cofre audit show");
    act_begin(cmd, &call);
    cofre_audit_proof(cmd->vault, &call, seq, options_has(cmd->options, OPT_WITH_ENTRY));
    return act_end(cmd, &call, NULL);
}

/* The entries' lines as JSON objects; NULL when one is none. */
static json_t *
parse_entries(const json_t *lines)
{
    json_t *rows = json_array();
    size_t i;
    json_t *line;

    json_array_foreach((json_t *)lines, i, line)
    {
        json_t *row = json_loadb(json_string_value(line), json_string_length(line), 0, NULL);

        if (row == NULL || json_array_append_new(rows, row) != 0) {
            json_decref(rows);
            return NULL;
        }
    }
    return rows;
}

static enum cofre_err
print_table(FILE *out, const json_t *lines)
{
    static const struct table_column columns[] = {
        {"SEQ", "seq", true},    {"TIME", "ts", false},         {"ACT", "act", false},
        {"OK", "ok", false},     {"CODE", "code", true},        {"ACTOR", "actor", false},
        {"VIEW", "view", false}, {"PURPOSE", "purpose", false}, {"N", "n", true},
    };
    json_t *rows = parse_entries(lines);
    enum cofre_err err = COFRE_EFORMAT;

    if (rows != NULL)
        err = table_rows(out, rows, columns, sizeof columns / sizeof *columns,
                         "There are no entries from there on.");
    json_decref(rows);
    return err;
}

static void
print_lines(FILE *out, const json_t *lines)
{
    size_t i;
    json_t *line;

    json_array_foreach((json_t *)lines, i, line)
    {
        if (json_is_string(line))
            fwrite(json_string_value(line), 1, json_string_length(line), out);
        fputc('\n', out);
    }
}

static enum cofre_err
print_entries(struct cmd *cmd, const json_t *body)
{
    const json_t *lines = json_object_get(body, "entries");
    const json_t *next = json_object_get(body, "next");
    enum cofre_err err = COFRE_OK;

    if (cmd->json)
        print_lines(cmd->out, lines);
    else
        err = print_table(cmd->out, lines);
    if (err == COFRE_OK && json_is_integer(next))
        fprintf(cmd->err,
                cmd->json ? "{\"next\":%lld}\n" : "cofre: audit show: more: --from %lld\n",
                (long long)json_integer_value(next));
    return err;
}

/* The newest entries where it is not said which. */
static uint64_t
first_to_show(struct cmd *cmd, uint64_t limit)
{
    struct cofre_vault_stats stats;

    cofre_vault_stats(cmd->vault, &stats);
    return stats.log_size > limit ? stats.log_size - limit : 0;
}

int
cmd_audit_show(struct cmd *cmd)
{
    uint64_t limit = options_number(cmd->options, OPT_LIMIT, SHOW_DEFAULT);
    uint64_t from = options_number(cmd->options, OPT_FROM, first_to_show(cmd, limit));
    struct cofre_call call;

    act_begin(cmd, &call);
    cofre_audit_entries(cmd->vault, &call, from, limit);
    return act_end_with(cmd, &call, print_entries);
}
