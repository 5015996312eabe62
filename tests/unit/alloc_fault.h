#ifndef ALLOC_FAULT_H
#define ALLOC_FAULT_H

/*
 * Makes the n-th allocation fail.  A test that includes this says so to the build in a comment:
 *
 *     wrap: malloc calloc realloc sodium_malloc
 *
 * and tries its operation with each allocation in turn:
 *
 *     ALLOC_FAULT_EACH {
 *         err = operation();
 *         if (!alloc_fault_hit())
 *             break;                    all of them were tried, and this time it succeeded
 *         assert_int_equal(err, COFRE_ENOMEM);
 *     }
 *
 * Only what the test and Cofre allocate counts; other libraries are linked dynamically.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include <sodium.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_sodium_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_sodium_malloc(size_t size);

static struct {
    bool armed;
    bool hit;
    unsigned left; /* allocations that still succeed */
} alloc_fault;

/* The allocation after n more fails, and those after it succeed. */
static inline void
alloc_fault_arm(unsigned n)
{
    alloc_fault.armed = true;
    alloc_fault.hit = false;
    alloc_fault.left = n;
}

/* Whether one was made to fail since arming; ends it. */
static inline bool
alloc_fault_hit(void)
{
    alloc_fault.armed = false;
    return alloc_fault.hit;
}

#define ALLOC_FAULT_EACH for (unsigned fault_n = 0; alloc_fault_arm(fault_n), 1; fault_n++)

static inline bool
alloc_fault_now(void)
{
    if (!alloc_fault.armed || alloc_fault.hit)
        return false;
    if (alloc_fault.left-- > 0)
        return false;
    alloc_fault.hit = true;
    return true;
}

void *
__wrap_malloc(size_t size)
{
    return alloc_fault_now() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t n, size_t size)
{
    return alloc_fault_now() ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *p, size_t size)
{
    return alloc_fault_now() ? NULL : __real_realloc(p, size);
}

void *
__wrap_sodium_malloc(size_t size)
{
    return alloc_fault_now() ? NULL : __real_sodium_malloc(size);
}

#endif
