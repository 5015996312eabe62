#include <assert.h>
#include <string.h>

#include "vault/records/seen.h"

static_assert((SEEN_SLOTS & (SEEN_SLOTS - 1)) == 0 && SEEN_SLOTS > SEEN_MAX, "a slot is always free");

void
seen_init(struct seen *s)
{
    memset(s, 0, sizeof *s);
}

bool
seen_add(struct seen *s, int64_t num)
{
    size_t i = (uint64_t)num % SEEN_SLOTS;

    assert(num > 0);
    while (s->slot[i] != 0 && s->slot[i] != num)
        i = (i + 1) % SEEN_SLOTS;
    if (s->slot[i] == num || s->n == SEEN_MAX)
        return false;
    s->slot[i] = num;
    s->n++;
    return true;
}
