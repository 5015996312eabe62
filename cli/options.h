#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "cofre/bytes.h"

/*
 * The words of a command line, held against the tables of options and commands.  Nothing is opened
 * or run here; a server reads a client's words again with the same function.
 */

enum option_kind {
    OPTION_FLAG,
    OPTION_TEXT,
    OPTION_NUMBER, /* unsigned decimal */
    OPTION_PATH,   /* used by this process alone: a server ignores it */
    OPTION_FILE,   /* opened for reading by this process, and handed on (infiles.h) */
    OPTION_MAKE    /* made by this process (mode 0600; not there before), and handed on to be written */
};

/* name, kind, may it be repeated, what stands for its value in help, help */
/* clang-format off */
#define OPTION_LIST(X)                                                                             \
    X(VAULT,           "vault",           PATH,   false, "DIR",   "the vault's directory ($COFRE_VAULT, else ./cofre-vault)") \
    X(KEY_FILE,        "key-file",        PATH,   false, "FILE",  "32 random bytes that open the vault") \
    X(PASSPHRASE_FILE, "passphrase-file", PATH,   false, "FILE",  "the passphrase, on one line")   \
    X(PASSPHRASE_FD,   "passphrase-fd",   NUMBER, false, "N",     "read the passphrase from this descriptor") \
    X(ANCHOR,          "anchor",          PATH,   false, "FILE",  "the anchor, when it lies on another volume") \
    X(ALLOW_UNLOCKED,  "allow-unlocked",  FLAG,   false, NULL,    "go on where memory cannot be locked: keys may be swapped out") \
    X(JSON,            "json",            FLAG,   false, NULL,    "print JSON")                    \
    X(HELP,            "help",            FLAG,   false, NULL,    "print help")                    \
    X(VERSION,         "version",         FLAG,   false, NULL,    "print the version")             \
    X(ORIGIN,          "origin",          TEXT,   false, "NAME",  "the log's name, such as shop.example/cofre") \
    X(LISTEN,          "listen",          TEXT,   false, "ADDR:PORT", "where to listen; port 0: any") \
    X(TLS_CERT,        "tls-cert",        PATH,   false, "FILE",  "certificate chain, PEM")        \
    X(TLS_KEY,         "tls-key",         PATH,   false, "FILE",  "its private key, PEM")          \
    X(CLIENT_CA,       "client-ca",       PATH,   false, "FILE",  "ask clients for a certificate of this authority, PEM") \
    X(DRY_RUN,         "dry-run",         FLAG,   false, NULL,    "check everything, change nothing") \
    X(BASIS,           "basis",           TEXT,   false, "BASIS", "consent, contract, legitimate-interest or legal-obligation") \
    X(ROLE,            "role",            TEXT,   false, "ROLE",  "ingest, crm, support or compliance") \
    X(NAME,            "name",            TEXT,   false, "NAME",  "the service or person it is for") \
    X(VIEW,            "view",            TEXT,   false, "VIEW",  "the view it reads (crm)")       \
    X(PURPOSE,         "purpose",         TEXT,   true,  "PURPOSE", "a purpose it may name (support); may be repeated") \
    X(MAY,             "may",             TEXT,   true,  "erase", "a further right (ingest)")      \
    X(TTL,             "ttl",             TEXT,   false, "TIME",  "how long it is valid: 12h, 90d, 1y (90d)") \
    X(FORMAT,          "format",          TEXT,   false, "FORMAT", "the format") \
    X(SINCE,           "since",           FILE,   true,  "FILE",  "a checkpoint that was kept; may be repeated") \
    X(FROM,            "from",            NUMBER, false, "SEQ",   "the first entry (so that the newest is the last)") \
    X(LIMIT,           "limit",           NUMBER, false, "N",     "at most so many entries") \
    X(RECOVERY_KEY,    "recovery-key",    PATH,   false, "FILE",  "the offline key that certifies the next signing key after a loss") \
    X(BELOW,           "below",           NUMBER, false, "SEQ",   "entries below this one")        \
    X(KEEP,            "keep",            TEXT,   false, "TIME",  "keep the entries of so long: 400d, 2y") \
    X(DECLARE,         "declare",         FLAG,   false, NULL,    "accept what is older than it should be, and say so in the log") \
    X(STATE,           "state",           PATH,   false, "DIR",   "the witness's directory")       \
    X(LOG,             "log",             PATH,   true,  "FILE",  "a log's verifier key, to be witnessed; may be repeated") \
    X(WITNESS,         "witness",         FILE,   true,  "FILE",  "a witness's verifier key; may be repeated") \
    X(QUORUM,          "quorum",          NUMBER, false, "K",     "so many of the witnesses must have signed (all)") \
    X(TSA,             "tsa",             TEXT,   false, "URL",   "a time stamping authority, RFC 3161") \
    X(TSA_CA,          "tsa-ca",          FILE,   false, "FILE",  "certificates to check time stamps with, PEM") \
    X(REPLY,           "reply",           FILE,   false, "FILE",  "a time stamping authority's reply") \
    X(QUERY,           "query",           MAKE,   false, "FILE",  "write the query for a time stamping authority, and ask nobody") \
    X(CHECKPOINT,      "checkpoint",      FILE,   false, "FILE",  "the checkpoint that the reply is about (the newest)") \
    X(FOLLOW,          "follow",          FLAG,   false, NULL,    "go on with entries as they come") \
    X(CURSOR,          "cursor",          PATH,   false, "FILE",  "where to go on, kept in this file") \
    X(SYSLOG,          "syslog",          PATH,   false, "SOCKET", "send RFC 5424 messages to this local socket") \
    X(SUBJECT_KEY,     "subject-key",     MAKE,   false, "FILE",  "write the key with which cofre-verify finds this person") \
    X(CURRENT,         "current",         FLAG,   false, NULL,    "with the current log epoch too, which opens what is to come") \
    X(ACCEPT,          "accept-incarnation", TEXT, true, "HASH",  "accept this restore, which the log declares; may be repeated") \
    X(WITH_ENTRY,      "with-entry",      FLAG,   false, NULL,    "put the entry into the proof: one file then is the evidence") \
    X(MAX_AGE,         "max-age",         TEXT,   false, "TIME",  "somebody must have vouched for the log so recently")
/* clang-format on */

enum option {
#define OPTION_ENUM(id, name, kind, many, value, help) OPT_##id,
    OPTION_LIST(OPTION_ENUM)
#undef OPTION_ENUM
        OPTIONS
};

struct option_spec {
    const char *name;
    enum option_kind kind;
    bool many;
    const char *value; /* NULL for a flag */
    const char *help;
};
const struct option_spec *options_spec(enum option option);

/* A set of options. */
#define OPTIONS_BIT(id) ((uint64_t)1 << (OPT_##id))
#define OPTIONS_GLOBAL                                                                \
    (OPTIONS_BIT(VAULT) | OPTIONS_BIT(KEY_FILE) | OPTIONS_BIT(PASSPHRASE_FILE) |      \
     OPTIONS_BIT(PASSPHRASE_FD) | OPTIONS_BIT(ANCHOR) | OPTIONS_BIT(ALLOW_UNLOCKED) | \
     OPTIONS_BIT(JSON) | OPTIONS_BIT(HELP) | OPTIONS_BIT(VERSION))

struct command;

enum { OPTIONS_MAX = 64, OPTIONS_ARGS_MAX = 2 };

struct option_value {
    enum option option;
    const char *text; /* NULL for a flag */
};

struct options {
    const struct command *command; /* NULL: --help or --version stands alone */
    const char *group;             /* the first of two words, where the second is missing */
    const char *args[OPTIONS_ARGS_MAX];
    size_t n_args;
    struct option_value values[OPTIONS_MAX];
    size_t n_values;
};

/*
 * Reads the words (without the program's name), which must outlive *out.  With --help or --version
 * nothing is held to be missing.
 *
 * COFRE_EINVAL  a usage error, which why says in a sentence; out->command is set when it was known
 */
COFRE_CHECKED enum cofre_err options_parse(const char *const *words, size_t n, struct options *out,
                                           struct cofre_why *why);

bool options_has(const struct options *o, enum option option);
/* The value of an option, NULL where it is not given. */
const char *options_text(const struct options *o, enum option option);
/* The value of a NUMBER option, otherwise where it is not given. */
uint64_t options_number(const struct options *o, enum option option, uint64_t otherwise);

/* Unsigned decimal without sign or blanks.  COFRE_EINVAL, *n is unchanged. */
COFRE_CHECKED enum cofre_err options_decimal(const char *text, uint64_t *n);
/* A decimal and a unit (s, m, h, d, w, y of 365 days).  COFRE_EINVAL, *seconds is unchanged. */
COFRE_CHECKED enum cofre_err options_duration(const char *text, uint64_t *seconds);

#endif
