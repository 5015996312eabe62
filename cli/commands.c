#include <assert.h>
#include <string.h>

#include "export.h"

#include "command.h"

#define O(id) OPTIONS_BIT(id)

/* A command of the vault cannot be written without the act that the log keeps of it. */
#define VAULT(name) .place = COMMAND_WITH_VAULT, .act = COFRE_ACT_##name
#define ALONE(name) .place = COMMAND_ALONE, .act = COFRE_ACT_##name
#define NO_VAULT .place = COMMAND_ALONE, .act = COFRE_ACTS
#define ARGS(n) .min_args = (n), .max_args = (n)

static const struct command commands[] = {
    {.words = "init",
     .usage = "[--origin NAME] [--key-file FILE | --passphrase-file FILE] [--recovery-key FILE]",
     .help = "make a vault, and print the log's public key",
     ALONE(INIT),
     .options = O(ORIGIN) | O(RECOVERY_KEY),
     .run = cmd_init},
    {.words = "serve",
     .usage = "[--listen ADDR:PORT] [--tls-cert FILE --tls-key FILE] [--client-ca FILE]",
     .help = "serve the HTTP API until SIGTERM",
     ALONE(START),
     .options = O(LISTEN) | O(TLS_CERT) | O(TLS_KEY) | O(CLIENT_CA),
     .run = cmd_serve},
    {.words = "status",
     .usage = "",
     .help = "what the vault holds, and how far the log is",
     VAULT(STATUS),
     .run = cmd_status},
    {.words = "doctor",
     .usage = "",
     .help = "check primitives, vault and log",
     VAULT(DOCTOR),
     .run = cmd_doctor},
    {.words = "selftest",
     .usage = "",
     .help = "known answers of every primitive; needs no vault",
     NO_VAULT,
     .run = cmd_selftest},
    {.words = "restore",
     .usage = "--declare [--dry-run]",
     .help = "take a vault whose start is refused as it is, and say so in its log",
     ALONE(RESTORE),
     .options = O(DECLARE) | O(DRY_RUN),
     .run = cmd_restore},

    {.words = "schema show",
     .usage = "",
     .help = "the fields of a customer, as JSON",
     VAULT(SCHEMA_SHOW),
     .run = cmd_schema_show},
    {.words = "schema apply",
     .usage = "[--dry-run] FILE",
     .help = "put another schema in force",
     VAULT(SCHEMA_APPLY),
     ARGS(1),
     .file_arg = true,
     .options = O(DRY_RUN),
     .run = cmd_schema_apply},
    {.words = "purpose list",
     .usage = "",
     .help = "purposes, and their legal basis",
     VAULT(PURPOSE_LIST),
     .run = cmd_purpose_list},
    {.words = "purpose add",
     .usage = "--basis BASIS NAME",
     .help = "declare a purpose",
     VAULT(PURPOSE_ADD),
     ARGS(1),
     .options = O(BASIS),
     .required = O(BASIS),
     .run = cmd_purpose_add},
    {.words = "view list",
     .usage = "",
     .help = "what services may see",
     VAULT(VIEW_LIST),
     .run = cmd_view_list},
    {.words = "view show",
     .usage = "NAME",
     .help = "a view's document, as JSON",
     VAULT(VIEW_SHOW),
     ARGS(1),
     .run = cmd_view_show},
    {.words = "view apply",
     .usage = "[--dry-run] FILE",
     .help = "make a view, or a new version of one",
     VAULT(VIEW_APPLY),
     ARGS(1),
     .file_arg = true,
     .options = O(DRY_RUN),
     .stoppable = true,
     .run = cmd_view_apply},
    {.words = "view drop",
     .usage = "NAME",
     .help = "serve a view no longer",
     VAULT(VIEW_DROP),
     ARGS(1),
     .run = cmd_view_drop},

    {.words = "token issue",
     .usage = "--role ROLE --name NAME [--view VIEW] [--purpose PURPOSE]... [--may erase]"
              " [--ttl TIME]",
     .help = "make an access token, and print it: the only time that it can be seen",
     VAULT(TOKEN_ISSUE),
     .options = O(ROLE) | O(NAME) | O(VIEW) | O(PURPOSE) | O(MAY) | O(TTL),
     .required = O(ROLE) | O(NAME),
     .run = cmd_token_issue},
    {.words = "token list",
     .usage = "",
     .help = "tokens, and until when they are valid",
     VAULT(TOKEN_LIST),
     .run = cmd_token_list},
    {.words = "token revoke",
     .usage = "ID",
     .help = "refuse a token from now on",
     VAULT(TOKEN_REVOKE),
     ARGS(1),
     .run = cmd_token_revoke},

    {.words = "import customers",
     .usage = "[--dry-run] [--format csv|jsonl] FILE",
     .help = "take in customers; lines refused go to FILE.rejected",
     VAULT(IMPORT_START),
     ARGS(1),
     .file_arg = true,
     .beside = ".rejected",
     .options = O(DRY_RUN) | O(FORMAT),
     .stoppable = true,
     .run = cmd_import},
    {.words = "import events",
     .usage = "[--dry-run] [--format csv|jsonl] FILE",
     .help = "take in events; lines refused go to FILE.rejected",
     VAULT(IMPORT_START),
     ARGS(1),
     .file_arg = true,
     .beside = ".rejected",
     .options = O(DRY_RUN) | O(FORMAT),
     .stoppable = true,
     .run = cmd_import},
    {.words = "customer show",
     .usage = "ID",
     .help = "which fields, consents and how many events a customer has; no values",
     VAULT(CUSTOMER_SHOW),
     ARGS(1),
     .run = cmd_customer_show},
    {.words = "customer accesses",
     .usage = "[--from SEQ] [--limit N] | --subject-key FILE [--current]  ID",
     .help = "who saw this customer: every entry of the log about the person",
     VAULT(CUSTOMER_ACCESSES),
     ARGS(1),
     .options = O(FROM) | O(LIMIT) | O(SUBJECT_KEY) | O(CURRENT),
     .stoppable = true,
     .run = cmd_customer_accesses},

    {.words = "key status",
     .usage = "",
     .help = "classes of keys, their versions and states",
     VAULT(KEY_STATUS),
     .run = cmd_key_status},
    {.words = "key rotate",
     .usage = "[--dry-run] CLASS",
     .help = "put a new key in force and move what is under the old one",
     VAULT(KEY_ROTATE),
     ARGS(1),
     .options = O(DRY_RUN),
     .stoppable = true,
     .run = cmd_key_rotate},
    {.words = "key resume",
     .usage = "[CLASS]",
     .help = "go on with a rotation that was cut off",
     VAULT(KEY_ROTATE),
     .max_args = 1,
     .stoppable = true,
     .run = cmd_key_resume},

    {.words = "audit verify",
     .usage = "[--since FILE]... [--witness FILE]... [--quorum K] [--tsa-ca FILE] "
              "[--accept-incarnation HASH]... [--max-age TIME]",
     .help = "check the whole log",
     VAULT(AUDIT_VERIFY),
     .options = O(SINCE) | O(WITNESS) | O(QUORUM) | O(TSA_CA) | O(ACCEPT) | O(MAX_AGE),
     .verifies = true,
     .run = cmd_audit_verify},
    {.words = "audit show",
     .usage = "[--from SEQ] [--limit N]",
     .help = "entries of the log, the newest last",
     VAULT(AUDIT_ENTRIES),
     .options = O(FROM) | O(LIMIT),
     .run = cmd_audit_show},
    {.words = "audit export",
     .usage = "[--format jsonl|cef|ocsf] [--from SEQ] [--limit N] [--follow] [--cursor FILE]"
              " [--syslog SOCKET]",
     .help = "entries for a collector, each at least once and in order",
     VAULT(AUDIT_EXPORT),
     .options = O(FORMAT) | O(FROM) | O(LIMIT) | O(FOLLOW) | O(CURSOR) | O(SYSLOG),
     .stoppable = true,
     .run = cmd_audit_export,
     .drive = export_drive},
    {.words = "audit prove",
     .usage = "[--with-entry] SEQ",
     .help = "a proof that an entry is in the log",
     VAULT(AUDIT_PROOF),
     ARGS(1),
     .options = O(WITH_ENTRY),
     .run = cmd_audit_prove},
    {.words = "audit recover",
     .usage = "--recovery-key FILE",
     .help = "put a new signing key in force when the present one is lost",
     ALONE(AUDIT_RECOVER),
     .options = O(RECOVERY_KEY),
     .required = O(RECOVERY_KEY),
     .run = cmd_audit_recover},
    {.words = "audit checkpoint",
     .usage = "",
     .help = "the log's signed head; keep it elsewhere",
     VAULT(AUDIT_CHECKPOINT),
     .run = cmd_audit_checkpoint},
    {.words = "audit timestamp",
     .usage = "--tsa URL | --query FILE | --reply FILE [--checkpoint FILE]  [--tsa-ca FILE]",
     .help = "have an outside authority date the log",
     VAULT(AUDIT_TIMESTAMP),
     .options = O(TSA) | O(TSA_CA) | O(QUERY) | O(REPLY) | O(CHECKPOINT),
     .run = cmd_audit_timestamp},
    {.words = "audit prune",
     .usage = "[--dry-run] --below SEQ | --keep TIME",
     .help = "give up the oldest entries of the log",
     VAULT(AUDIT_PRUNE),
     .options = O(BELOW) | O(KEEP) | O(DRY_RUN),
     .run = cmd_audit_prune},

    {.words = "witness serve",
     .usage = "--state DIR [--name NAME] [--log FILE]... [--listen ADDR:PORT]"
              " [--tls-cert FILE --tls-key FILE]",
     .help = "cosign checkpoints of other logs until SIGTERM; needs no vault",
     NO_VAULT,
     .options = O(STATE) | O(NAME) | O(LOG) | O(LISTEN) | O(TLS_CERT) | O(TLS_KEY),
     .required = O(STATE),
     .run = cmd_witness_serve},
    {.words = "witness forget",
     .usage = "--state DIR --log FILE...",
     .help = "trust a log's former key no longer, after it was rotated",
     NO_VAULT,
     .options = O(STATE) | O(LOG),
     .required = O(STATE) | O(LOG),
     .run = cmd_witness_forget},
    {.words = "witness vkey",
     .usage = "--state DIR",
     .help = "a witness's public key",
     NO_VAULT,
     .options = O(STATE),
     .required = O(STATE),
     .run = cmd_witness_vkey},

    {.words = "help",
     .usage = "[COMMAND]",
     .help = "this help, or a command's",
     NO_VAULT,
     .max_args = 2,
     .run = cmd_help},
    {.words = "version", .usage = "", .help = "cofre's version", NO_VAULT, .run = cmd_version},
    {.words = NULL},
};

const struct command *
commands_all(void)
{
    return commands;
}

const struct command *
commands_find(const char *first, const char *second)
{
    char words[64];
    int len;

    len = snprintf(words, sizeof words, "%s%s%s", first != NULL ? first : "",
                   first != NULL ? " " : "", second);
    if (len < 0 || (size_t)len >= sizeof words)
        return NULL;
    for (const struct command *c = commands; c->words != NULL; c++)
        if (strcmp(c->words, words) == 0)
            return c;
    return NULL;
}

bool
commands_begins(const char *word)
{
    size_t len = strlen(word);

    for (const struct command *c = commands; c->words != NULL; c++)
        if (strncmp(c->words, word, len) == 0 && c->words[len] == ' ')
            return true;
    return false;
}
