#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdio.h>

#include "cofre/vault.h"

#include "infiles.h"
#include "options.h"

/* Exit codes that have no outcome of the vault's behind them. */
enum {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_BUSY = 4,
    EXIT_INTEGRITY = 5,
    EXIT_REFUSED = 6,
    EXIT_VERIFY_USAGE = 64, /* of a verifier, whose 2 says something else */
    EXIT_UNREADABLE = 66,   /* the same */
    EXIT_AGAIN = 75
};

/* One run of one command, in this process or in the server that was asked for it. */
struct cmd {
    const struct options *options;
    struct infiles files;      /* the FILEs of the options and arguments, in that order */
    struct cofre_vault *vault; /* NULL for a command that does not need one open */
    const char *actor;         /* "uid-1000" */
    FILE *out;
    FILE *err;
    int out_fd; /* what out writes to */
    bool json;
    bool err_is_terminal;
    bool (*stop)(void *ctx); /* leave off between two transactions; may be NULL */
    void *stop_ctx;
};

typedef int command_fn(struct cmd *cmd);

enum command_place {
    COMMAND_WITH_VAULT, /* in the server if one runs, else here with the vault opened */
    COMMAND_ALONE       /* in this process, which opens what it needs itself */
};

struct command {
    const char *words; /* one or two */
    const char *usage; /* its arguments and options */
    const char *help;  /* one line */
    enum command_place place;
    enum cofre_act act; /* what the log says was done; COFRE_ACTS: no vault is touched */
    unsigned min_args;
    unsigned max_args;
    bool file_arg;      /* its last argument is a FILE to read */
    const char *beside; /* a file of the FILE's name and this suffix is made; NULL: none */
    uint64_t options;   /* besides the global ones */
    uint64_t required;
    bool stoppable; /* SIGINT and SIGTERM stop it between two transactions */
    bool verifies;  /* exit codes of a verifier: 64 usage, 66 cannot read */
    command_fn *run;
    command_fn *drive; /* runs in the caller's process, and runs `run` where the vault is; or NULL */
};

/* All commands, in the order of help; ends with one whose words are NULL. */
const struct command *commands_all(void);
/* The command called "first second", or "second" where first is NULL; NULL when there is none. */
const struct command *commands_find(const char *first, const char *second);
/* Is this the first of two words of a command? */
bool commands_begins(const char *word);

/* Each run function, cmd_<name>. */
#define COMMAND_RUNS(X)                                                                          \
    X(init)                                                                                      \
    X(serve) X(status) X(doctor) X(selftest) X(restore) X(schema_show) X(schema_apply) X(purpose_list)      \
        X(purpose_add) X(view_list) X(view_show) X(view_apply) X(view_drop) X(token_issue)       \
            X(token_list) X(token_revoke) X(import) X(customer_show) X(customer_accesses) X(key_status) X(key_rotate) \
                X(key_resume) X(audit_verify) X(audit_show) X(audit_export) X(audit_prove) X(audit_recover) X(audit_checkpoint) X(audit_timestamp) X(audit_prune)   \
                    X(witness_serve) X(witness_forget) X(witness_vkey) X(help) X(version)
#define COMMAND_RUN_PROTOTYPE(name) int cmd_##name(struct cmd *cmd);
COMMAND_RUNS(COMMAND_RUN_PROTOTYPE)
#undef COMMAND_RUN_PROTOTYPE

#endif
