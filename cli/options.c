#include <assert.h>
#include <string.h>

#include "command.h"

#include "options.h"

static_assert(OPTIONS <= 64, "a set of options is one uint64_t");

static const struct option_spec specs[OPTIONS] = {
#define OPTION_SPEC(id, name, kind, many, value, help) {name, OPTION_##kind, many, value, help},
    OPTION_LIST(OPTION_SPEC)
#undef OPTION_SPEC
};

struct parse {
    const char *const *words;
    size_t n;
    size_t i;
    struct options *out;
    struct cofre_why *why;
    const char *first; /* of a command of two words */
};

const struct option_spec *
options_spec(enum option option)
{
    assert(option < OPTIONS);
    return &specs[option];
}

bool
options_has(const struct options *o, enum option option)
{
    for (size_t i = 0; i < o->n_values; i++)
        if (o->values[i].option == option)
            return true;
    return false;
}

const char *
options_text(const struct options *o, enum option option)
{
    for (size_t i = 0; i < o->n_values; i++)
        if (o->values[i].option == option)
            return o->values[i].text;
    return NULL;
}

uint64_t
options_number(const struct options *o, enum option option, uint64_t otherwise)
{
    const char *text = options_text(o, option);
    uint64_t n = otherwise;

    /* options_parse has read it once before. */
    if (text == NULL || options_decimal(text, &n) != COFRE_OK)
        return otherwise;
    return n;
}

enum cofre_err
options_decimal(const char *text, uint64_t *n)
{
    uint64_t sum = 0;

    if (*text == 0)
        return COFRE_EINVAL;
    for (; *text != 0; text++) {
        unsigned digit = (unsigned)(unsigned char)*text - '0';

        if (digit > 9 || sum > (UINT64_MAX - digit) / 10)
            return COFRE_EINVAL;
        sum = sum * 10 + digit;
    }
    *n = sum;
    return COFRE_OK;
}

enum cofre_err
options_duration(const char *text, uint64_t *seconds)
{
    static const struct {
        char unit;
        uint64_t seconds;
    } units[] = {{'s', 1},
                 {'m', 60},
                 {'h', 3600},
                 {'d', 24 * 3600},
                 {'w', 7 * 24 * 3600},
                 {'y', 365 * 24 * 3600}};
    char digits[20];
    size_t len = strlen(text);
    uint64_t n;

    if (len < 2 || len > sizeof digits)
        return COFRE_EINVAL;
    memcpy(digits, text, len - 1);
    digits[len - 1] = 0;
    if (options_decimal(digits, &n) != COFRE_OK)
        return COFRE_EINVAL;

    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (units[i].unit != text[len - 1])
            continue;
        if (n > UINT64_MAX / units[i].seconds)
            return COFRE_EINVAL;
        *seconds = n * units[i].seconds;
        return COFRE_OK;
    }
    return COFRE_EINVAL;
}

/* The option that a word without its dashes names, up to '='; OPTIONS when there is none. */
static enum option
find_option(const char *word)
{
    size_t len = strcspn(word, "=");

    for (unsigned i = 0; i < OPTIONS; i++)
        if (strlen(specs[i].name) == len && memcmp(specs[i].name, word, len) == 0)
            return (enum option)i;
    return OPTIONS;
}

/* The value of an option: what follows '=', else the next word. */
static enum cofre_err
take_value(struct parse *p, const struct option_spec *spec, const char *word, const char **value)
{
    const char *equals = strchr(word, '=');

    if (spec->kind == OPTION_FLAG) {
        *value = NULL;
        if (equals != NULL)
            return cofre_why_set(p->why, COFRE_EINVAL, "--%s takes no value", spec->name);
        return COFRE_OK;
    }
    if (equals != NULL)
        *value = equals + 1;
    else if (p->i < p->n)
        *value = p->words[p->i++];
    else
        return cofre_why_set(p->why, COFRE_EINVAL, "--%s needs a value: --%s %s", spec->name,
                             spec->name, spec->value);
    return COFRE_OK;
}

static enum cofre_err
take_option(struct parse *p, const char *word)
{
    enum option option = strcmp(word, "-h") == 0 ? OPT_HELP : find_option(word + 2);
    const struct option_spec *spec;
    const char *value = NULL;
    uint64_t number;
    enum cofre_err err;

    /* Not echoed: what looks like an option may be a slip that holds something else. */
    if ((word[1] != '-' && option != OPT_HELP) || option == OPTIONS)
        return cofre_why_set(p->why, COFRE_EINVAL, "word %zu is not an option of cofre", p->i);
    spec = &specs[option];
    if ((err = take_value(p, spec, word, &value)) != COFRE_OK)
        return err;
    if (spec->kind == OPTION_NUMBER && options_decimal(value, &number) != COFRE_OK)
        return cofre_why_set(p->why, COFRE_EINVAL, "--%s takes a number", spec->name);
    if (!spec->many && options_has(p->out, option))
        return cofre_why_set(p->why, COFRE_EINVAL, "--%s was given twice", spec->name);
    if (p->out->n_values == OPTIONS_MAX)
        return cofre_why_set(p->why, COFRE_EINVAL, "too many options");
    p->out->values[p->out->n_values++] = (struct option_value){option, value};
    return COFRE_OK;
}

/* A word that is no option: of the command's name, else an argument. */
static enum cofre_err
take_word(struct parse *p, const char *word)
{
    struct options *out = p->out;

    if (out->command == NULL) {
        out->command = commands_find(p->first, word);
        if (out->command != NULL)
            return COFRE_OK;
        if (p->first != NULL || !commands_begins(word))
            return cofre_why_set(p->why, COFRE_EINVAL, "unknown command; see: cofre help");
        p->first = word;
        return COFRE_OK;
    }
    if (out->n_args == out->command->max_args)
        return cofre_why_set(p->why, COFRE_EINVAL, "too many arguments; usage: cofre %s %s",
                             out->command->words, out->command->usage);
    out->args[out->n_args++] = word;
    return COFRE_OK;
}

/* What was given belongs to the command, and what it needs was given. */
static enum cofre_err
check_against_command(const struct options *o, struct cofre_why *why)
{
    const struct command *c = o->command;

    for (size_t i = 0; i < o->n_values; i++) {
        enum option option = o->values[i].option;

        if (((c->options | OPTIONS_GLOBAL) >> option & 1) == 0)
            return cofre_why_set(why, COFRE_EINVAL, "--%s is no option of this command",
                                 specs[option].name);
    }
    for (unsigned i = 0; i < OPTIONS; i++)
        if ((c->required >> i & 1) != 0 && !options_has(o, (enum option)i))
            return cofre_why_set(why, COFRE_EINVAL, "--%s %s is missing", specs[i].name,
                                 specs[i].value);
    if (o->n_args < c->min_args)
        return cofre_why_set(why, COFRE_EINVAL, "something is missing; usage: cofre %s %s",
                             c->words, c->usage);
    return COFRE_OK;
}

enum cofre_err
options_parse(const char *const *words, size_t n, struct options *out, struct cofre_why *why)
{
    struct parse p = {.words = words, .n = n, .out = out, .why = why};
    bool ended = false;
    enum cofre_err err;

    *out = (struct options){.command = NULL};
    while (p.i < p.n) {
        const char *word = p.words[p.i++];

        if (!ended && strcmp(word, "--") == 0) {
            ended = true;
            continue;
        }
        /* A dash alone is a file: standard input. */
        err =
            !ended && word[0] == '-' && word[1] != 0 ? take_option(&p, word) : take_word(&p, word);
        if (err != COFRE_OK)
            return err;
    }

    out->group = out->command == NULL ? p.first : NULL;
    if (options_has(out, OPT_HELP) || options_has(out, OPT_VERSION))
        return COFRE_OK;
    if (out->command == NULL && p.first != NULL)
        return cofre_why_set(why, COFRE_EINVAL, "%s needs a second word; see: cofre help %s",
                             p.first, p.first);
    if (out->command == NULL)
        return cofre_why_set(why, COFRE_EINVAL, "no command; see: cofre help");
    return check_against_command(out, why);
}
