#ifndef FIXED_RANDOM_H
#define FIXED_RANDOM_H

/*
 * Random bytes that a test knows: while fixed_random.on, they count up from fixed_random.next.
 * A test that includes this says to the build, in a comment:  wrap: randombytes_buf
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void __real_randombytes_buf(void *p, size_t len);
void __wrap_randombytes_buf(void *p, size_t len);

static struct {
    bool on;
    uint8_t next;
} fixed_random;

static inline void
fixed_random_from(uint8_t first)
{
    fixed_random.on = true;
    fixed_random.next = first;
}

static inline void
fixed_random_off(void)
{
    fixed_random.on = false;
}

void
__wrap_randombytes_buf(void *p, size_t len)
{
    uint8_t *to = p;

    if (!fixed_random.on) {
        __real_randombytes_buf(p, len);
        return;
    }
    while (len-- > 0)
        *to++ = fixed_random.next++;
}

#endif
