#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "options.h"

static const char usage_text[] =
    "usage: cofre-verify DIR --vkey FILE [--since CHECKPOINT]... [--witness KEY]... [--quorum K]\n"
    "                    [--tsa-ca FILE] [--accept-incarnation HASH]... [--max-age TIME]\n"
    "                    [--subject KEYFILE] [--threads N] [--json] [--quiet]\n"
    "       cofre-verify --proof FILE [--entry FILE] --vkey FILE [--seals DIR [--recovery FILE]]\n"
    "                    [--witness KEY]... [--quorum K] [--receipt TEXT [--reply FILE]] [--json] "
    "[--quiet]\n";

static const char help_text[] =
    "\n"
    "Checks that the audit log in the directory DIR is whole and unchanged, with nothing but the\n"
    "log's first verifier key. It needs no vault, no secret and no network.\n"
    "\n"
    "  --vkey FILE         the log's verifier key, kept outside DIR; the first epoch's first\n"
    "  --since CHECKPOINT  a checkpoint of this log that was kept earlier: the log must be a\n"
    "                      continuation of it; may be repeated\n"
    "  --witness KEY       a witness's verifier key, or a file of them; may be repeated\n"
    "  --quorum K          so many of the witnesses must have signed (all)\n"
    "  --tsa-ca FILE       certificates to check time stamps with, PEM\n"
    "  --accept-incarnation HASH\n"
    "                      accept the restore that the entry of this hash declares; may be "
    "repeated\n"
    "  --max-age TIME      somebody must have vouched for the log so recently: 12h, 7d\n"
    "  --subject KEYFILE   list the entries that concern one person\n"
    "  --threads N         at most so many threads (one for each processor)\n"
    "  --proof FILE        instead of DIR: one proof of inclusion (c2sp.org/tlog-proof)\n"
    "  --entry FILE        the entry that it is about, where the proof does not hold it\n"
    "  --seals DIR         a copy of the log's keys/: after a rotation of its key, they lead from "
    "the\n"
    "                      first one to that which signed the proof\n"
    "  --recovery FILE     the recovery key's verifier key, kept outside DIR: it may have sealed, "
    "too\n"
    "  --receipt TEXT      what Cofre-Audit said in the reply's header: it must be of that entry\n"
    "  --reply FILE        the reply's body: the entry must commit to it\n"
    "  --json              the report as one line of JSON\n"
    "  --quiet             no report, only the exit status\n"
    "  --help, --version\n"
    "\n"
    "Exit status: 0 good, 1 tampered, 2 rolled back, 3 forked, 64 usage, 66 cannot read.\n";

int
options_wrong(const char *what)
{
    fprintf(stderr, "cofre-verify: %s\n%s", what, usage_text);
    return OPTIONS_USAGE;
}

/* ---- values ---- */

/* A decimal and what follows it. */
static bool
take_decimal(const char *text, uint64_t *n, const char **end)
{
    *n = 0;
    for (*end = text; **end >= '0' && **end <= '9'; ++*end) {
        if (*n > (UINT64_MAX - 9) / 10)
            return false;
        *n = *n * 10 + (uint64_t)(**end - '0');
    }
    return *end > text;
}

static bool
take_number(const char *text, uint64_t *n)
{
    const char *end;

    return take_decimal(text, n, &end) && *end == '\0' && *n > 0;
}

static bool
take_duration(const char *text, uint64_t *seconds)
{
    static const struct {
        char unit;
        uint64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}, {'y', 31536000}};
    const char *end;

    if (!take_decimal(text, seconds, &end) || *seconds == 0 || *end == '\0' || end[1] != '\0')
        return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (units[i].unit != *end || *seconds > UINT64_MAX / units[i].seconds)
            continue;
        *seconds *= units[i].seconds;
        return true;
    }
    return false;
}

static int
list_add(struct options_list *list, const char *text)
{
    if (list->n == OPTIONS_MANY)
        return options_wrong("an option is repeated too often");
    list->text[list->n++] = text;
    return -1;
}

/* ---- options ---- */

static int
take_valued(int option, struct options *o)
{
    uint64_t threads;

    switch (option) {
    case 's':
        return list_add(&o->since, optarg);
    case 'w':
        return list_add(&o->witness, optarg);
    case 'a':
        return list_add(&o->accept, optarg);
    case 'k':
        return take_number(optarg, &o->quorum) ? -1 : options_wrong("--quorum is a number");
    case 'm':
        return take_duration(optarg, &o->max_age)
                   ? -1
                   : options_wrong("--max-age is a time such as 12h, 7d or 1y");
    default:
        if (!take_number(optarg, &threads) || threads > 1024)
            return options_wrong("--threads is a number");
        o->threads = (unsigned)threads;
        return -1;
    }
}

static int
take_flag(int option, struct options *o)
{
    switch (option) {
    case 'j':
        o->json = true;
        return -1;
    case 'q':
        o->quiet = true;
        return -1;
    case 'h':
        return printf("%s%s", usage_text, help_text) < 0 || fflush(stdout) != 0;
    case 'V':
        return printf("cofre-verify " COFRE_VERSION "\n") < 0 || fflush(stdout) != 0;
    default:
        fputs(usage_text, stderr);
        return OPTIONS_USAGE;
    }
}

/* Where the text of an option goes that may be given once. */
static const char **
text_of(int option, struct options *o)
{
    switch (option) {
    case 'v':
        return &o->vkey;
    case 't':
        return &o->tsa_ca;
    case 'u':
        return &o->subject;
    case 'p':
        return &o->proof;
    case 'e':
        return &o->entry;
    case 'S':
        return &o->seals;
    case 'R':
        return &o->recovery;
    case 'r':
        return &o->reply;
    case 'c':
        return &o->receipt;
    default:
        return NULL;
    }
}

static int
take_option(int option, struct options *o)
{
    const char **text = text_of(option, o);

    if (text != NULL) {
        *text = optarg;
        return -1;
    }
    return strchr("swakmn", option) != NULL ? take_valued(option, o) : take_flag(option, o);
}

/* ---- what goes together ---- */

static int
check_proof(const struct options *o)
{
    if (o->since.n > 0 || o->accept.n > 0 || o->tsa_ca != NULL || o->max_age > 0 ||
        o->subject != NULL)
        return options_wrong("with --proof: --since, --accept-incarnation, --tsa-ca, --max-age and "
                             "--subject are for a directory");
    if (o->recovery != NULL && o->seals == NULL)
        return options_wrong("--recovery needs --seals");
    if (o->reply != NULL && o->receipt == NULL)
        return options_wrong("--reply needs --receipt, which has the salt");
    return -1;
}

static int
check(const struct options *o)
{
    if (o->vkey == NULL)
        return options_wrong(
            "--vkey FILE is needed: the log's verifier key, from outside the directory");
    if (o->proof == NULL && o->entry != NULL)
        return options_wrong("--entry needs --proof");
    if ((o->proof == NULL) == (o->dir == NULL))
        return options_wrong("either a directory or --proof is needed");
    if (o->quorum > 0 && o->witness.n == 0)
        return options_wrong("--quorum needs --witness");
    if (o->proof != NULL)
        return check_proof(o);
    if (o->reply != NULL || o->receipt != NULL || o->seals != NULL || o->recovery != NULL)
        return options_wrong("--receipt, --reply, --seals and --recovery go with --proof");
    return -1;
}

int
options_take(int argc, char **argv, struct options *o)
{
    static const struct option all[] = {{"vkey", required_argument, NULL, 'v'},
                                        {"since", required_argument, NULL, 's'},
                                        {"witness", required_argument, NULL, 'w'},
                                        {"quorum", required_argument, NULL, 'k'},
                                        {"tsa-ca", required_argument, NULL, 't'},
                                        {"accept-incarnation", required_argument, NULL, 'a'},
                                        {"max-age", required_argument, NULL, 'm'},
                                        {"subject", required_argument, NULL, 'u'},
                                        {"threads", required_argument, NULL, 'n'},
                                        {"proof", required_argument, NULL, 'p'},
                                        {"entry", required_argument, NULL, 'e'},
                                        {"seals", required_argument, NULL, 'S'},
                                        {"recovery", required_argument, NULL, 'R'},
                                        {"reply", required_argument, NULL, 'r'},
                                        {"receipt", required_argument, NULL, 'c'},
                                        {"json", no_argument, NULL, 'j'},
                                        {"quiet", no_argument, NULL, 'q'},
                                        {"help", no_argument, NULL, 'h'},
                                        {"version", no_argument, NULL, 'V'},
                                        {NULL, 0, NULL, 0}};
    int option, status = -1;

    while (status < 0 && (option = getopt_long(argc, argv, "q", all, NULL)) != -1)
        status = take_option(option, o);
    if (status >= 0)
        return status;
    if (argc - optind > 1)
        return options_wrong("more than one directory");
    o->dir = optind < argc ? argv[optind] : NULL;
    return check(o);
}
