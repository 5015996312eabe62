#include <jansson.h>

#include "act.h"
#include "command.h"
#include "open.h"
#include "secretin.h"

static long long
number(const json_t *body, const char *name)
{
    return (long long)json_integer_value(json_object_get(body, name));
}

static enum cofre_err
print_report(struct cmd *cmd, const json_t *body)
{
    static const struct table_column columns[] = {{"FOUND", "what", false},
                                                  {"IN WORDS", "detail", false}};
    const char *hash = json_string_value(json_object_get(body, "hash"));
    enum cofre_err err;

    err = table_rows(cmd->out, json_object_get(body, "found"), columns, 2, "nothing");
    fprintf(cmd->out, "\nhighest known: %lld entries, generation %lld of vault.db\n",
            number(body, "size"), number(body, "generation"));
    if (hash == NULL)
        fprintf(cmd->out, "incarnation %lld would begin; nothing was written\n",
                number(body, "incarnation"));
    else
        fprintf(cmd->out,
                "incarnation %lld begins with entry %lld\n"
                "whoever verifies the log accepts it with --accept-incarnation %s\n",
                number(body, "incarnation"), number(body, "entry"), hash);
    return err;
}

static enum cofre_err
print(struct cmd *cmd, const struct buf *report)
{
    json_t *json;
    enum cofre_err err;

    if (cmd->json) {
        fprintf(cmd->out, "%.*s\n", (int)report->len, (const char *)report->p);
        return COFRE_OK;
    }
    if ((json = json_loadb((const char *)report->p, report->len, 0, NULL)) == NULL)
        return COFRE_EFORMAT;
    err = print_report(cmd, json);
    json_decref(json);
    return err;
}

int
cmd_restore(struct cmd *cmd)
{
    struct cofre_why why = {""};
    struct say say = say_for(cmd);
    struct buf report = BUF_INIT;
    struct config config;
    enum cofre_err err;

    if (!options_has(cmd->options, OPT_DECLARE))
        return say_failed(&say, EXIT_USAGE,
                          "--declare is missing: put back what you can first; this takes what is there");
    if ((err = config_read(secretin_vault(cmd->options), &config, &why)) == COFRE_OK &&
        (err = open_declare(cmd->options, &config, cmd->actor, &report, &why)) == COFRE_OK)
        err = print(cmd, &report);
    buf_free(&report);
    return err == COFRE_OK ? EXIT_DONE : say_why(&say, err, &why);
}
