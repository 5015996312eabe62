#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "cofre/err.h"

static const char *const texts[] = {
#define ERR_TEXT(name, text) [COFRE_##name] = (text),
    COFRE_ERR_LIST(ERR_TEXT)
#undef ERR_TEXT
};

const char *
cofre_err_text(enum cofre_err err)
{
    if ((unsigned)err >= COFRE_ERR_COUNT)
        return "unknown error";
    return texts[err];
}

/* Formats as much as fits; the rest is cut. */
static void COFRE_PRINTF(3, 0) write_text(char *text, size_t size, const char *fmt, va_list args)
{
    if (vsnprintf(text, size, fmt, args) < 0)
        text[0] = '\0';
}

static void
append(struct cofre_why *why, const char *separator, const char *more)
{
    size_t len = strlen(why->text);

    snprintf(why->text + len, sizeof why->text - len, "%s%s", separator, more);
}

enum cofre_err
cofre_why_set(struct cofre_why *why, enum cofre_err err, const char *fmt, ...)
{
    va_list args;

    if (why == NULL || why->text[0] != '\0')
        return err;
    va_start(args, fmt);
    write_text(why->text, sizeof why->text, fmt, args);
    va_end(args);
    return err;
}

enum cofre_err
cofre_why_os(struct cofre_why *why, enum cofre_err err, int os_error, const char *fmt, ...)
{
    char room[128];
    va_list args;

    if (why == NULL || why->text[0] != '\0')
        return err;
    va_start(args, fmt);
    write_text(why->text, sizeof why->text, fmt, args);
    va_end(args);
    append(why, ": ", strerror_r(os_error, room, sizeof room));
    return err;
}

enum cofre_err
cofre_why_add(struct cofre_why *why, enum cofre_err err, const char *fmt, ...)
{
    struct cofre_why cause;
    va_list args;

    if (why == NULL)
        return err;
    cause = *why;
    va_start(args, fmt);
    write_text(why->text, sizeof why->text, fmt, args);
    va_end(args);
    append(why, ": ", cause.text[0] != '\0' ? cause.text : cofre_err_text(err));
    return err;
}
