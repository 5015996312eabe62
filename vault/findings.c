#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "vault/findings.h"

static const char *const words[FINDINGS] = {
#define FINDINGS_WORD(name, word) [FOUND_##name] = word,
    FINDINGS_LIST(FINDINGS_WORD)
#undef FINDINGS_WORD
};

enum cofre_err
findings_add(struct findings *f, enum finding what, struct cofre_why *why, const char *fmt, ...)
{
    struct cofre_why text = {{0}};
    va_list args;

    va_start(args, fmt);
    vsnprintf(text.text, sizeof text.text, fmt, args);
    va_end(args);
    if (!f->collect)
        return cofre_why_set(why, COFRE_EINTEGRITY, "%s", text.text);
    if (!f->found[what])
        f->text[what] = text;
    f->found[what] = true;
    return COFRE_OK;
}

bool
findings_any(const struct findings *f)
{
    for (unsigned i = 0; i < FINDINGS; i++)
        if (f->found[i])
            return true;
    return false;
}

const char *
findings_word(enum finding what)
{
    return words[what];
}

void
findings_log(struct findings *f, uint64_t size, const uint8_t root[static HASH_LEN])
{
    if (size < f->log_size)
        return;
    f->log_size = size;
    memcpy(f->log_root, root, HASH_LEN);
}

void
findings_database(struct findings *f, uint64_t generation, uint32_t incarnation)
{
    if (generation > f->generation)
        f->generation = generation;
    if (incarnation > f->incarnation)
        f->incarnation = incarnation;
}
