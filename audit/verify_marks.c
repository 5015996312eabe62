#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/verify_internal.h"

static enum cofre_err
make_room(struct verify_marks *m)
{
    const size_t room = m->room > 0 ? 2 * m->room : 16;
    struct verify_mark *grown;

    if (m->n < m->room)
        return COFRE_OK;
    if ((grown = realloc(m->mark, room * sizeof *grown)) == NULL)
        return COFRE_ENOMEM;
    m->mark = grown;
    m->room = room;
    return COFRE_OK;
}

enum cofre_err
verify_marks_add(struct verify_marks *m, uint64_t size, const uint8_t root[static HASH_LEN],
                 const char *fmt, ...)
{
    struct verify_mark *mark;
    va_list args;

    if (make_room(m) != COFRE_OK)
        return COFRE_ENOMEM;
    mark = &m->mark[m->n++];
    memset(mark, 0, sizeof *mark);
    mark->size = size;
    memcpy(mark->root, root, HASH_LEN);
    va_start(args, fmt);
    (void)vsnprintf(mark->name, sizeof mark->name, fmt, args);
    va_end(args);
    return COFRE_OK;
}

enum cofre_err
verify_marks_check(const struct verify_marks *m, const struct verify_report *r,
                   struct cofre_why *why)
{
    for (size_t i = 0; i < m->n; i++) {
        const struct verify_mark *mark = &m->mark[i];
        /* Seals and the like are made before the next checkpoint is. */
        const bool early = strncmp(mark->name, "keys/", 5) == 0;

        if (mark->kept)
            continue;
        if (mark->size > (early ? r->size : r->signed_size))
            return cofre_why_set(why, COFRE_EINTEGRITY,
                                 "%s: covers %" PRIu64 " entries, the checkpoint %" PRIu64,
                                 mark->name, mark->size, r->signed_size);
        if (!mark->same)
            return cofre_why_set(why, COFRE_EINTEGRITY, "%s: its root is not that of the entries",
                                 mark->name);
    }
    return COFRE_OK;
}

void
verify_marks_free(struct verify_marks *m)
{
    free(m->mark);
    *m = (struct verify_marks){NULL, 0, 0};
}
