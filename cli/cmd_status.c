#include "cofre/admin.h"
#include "cofre/audit.h"
#include "cofre/secret.h"

#include "act.h"
#include "command.h"

int
cmd_status(struct cmd *cmd)
{
    struct cofre_call call;

    act_begin(cmd, &call);
    cofre_admin_status(cmd->vault, &call);
    return act_end(cmd, &call, act_print_members);
}

static int
selftest(struct cmd *cmd)
{
    struct cofre_why why = {""};
    struct say say = say_for(cmd);
    enum cofre_err err = cofre_selftest(&why);

    return err == COFRE_OK ? EXIT_DONE : say_why(&say, err, &why);
}

int
cmd_selftest(struct cmd *cmd)
{
    struct cofre_why why = {""};
    struct say say = say_for(cmd);
    enum cofre_err err = secret_setup(options_has(cmd->options, OPT_ALLOW_UNLOCKED), &why);
    int exit_code;

    if (err != COFRE_OK)
        return say_why(&say, err, &why);
    if ((exit_code = selftest(cmd)) == EXIT_DONE)
        fputs(cmd->json ? "{\"selftest\":\"passed\"}\n"
                        : "every primitive gives its known answers\n",
              cmd->out);
    return exit_code;
}

/* Every row of the database against its sums. */
static int
check_rows(struct cmd *cmd)
{
    struct cofre_why why = {""};
    struct say say = say_for(cmd);
    uint64_t rows = 0;
    unsigned tables = 0;
    enum cofre_err err = cofre_vault_check_rows(cmd->vault, &rows, &tables, &why);

    if (err != COFRE_OK)
        return say_why(&say, err, &why);
    if (!cmd->json)
        fprintf(cmd->out, "rows: %llu in %u sums, and they add up\n", (unsigned long long)rows, tables);
    return EXIT_DONE;
}

/* What opening checked is checked already: log, database and anchor agree. */
int
cmd_doctor(struct cmd *cmd)
{
    const struct cofre_verify_in log = {.text = !cmd->json};
    struct cofre_call call;
    unsigned verdict = 0; /* 2: a restore was declared, which the report says */
    int rows_exit;
    int exit_code;

    if ((exit_code = selftest(cmd)) != EXIT_DONE)
        return exit_code;
    if (!cmd->json)
        fputs("primitives: each gives its known answers\n"
              "vault: log, database and anchor agree\n",
              cmd->out);
    rows_exit = check_rows(cmd);
    act_begin(cmd, &call);
    cofre_audit_verify(cmd->vault, &call, &log, &verdict);
    exit_code = act_end_report(cmd, &call, act_print_report);
    if (rows_exit != EXIT_DONE)
        return rows_exit;
    return exit_code == EXIT_DONE && verdict != 0 && verdict != 2 ? EXIT_INTEGRITY : exit_code;
}
