#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <sodium.h>

#include "cofre/oplog.h"

#include "cofre/secret.h"

/* What a server holds in keys, with room to spare; each secret takes a locked page. */
enum { LOCK_PROBE = 64 * 1024 };

struct secret {
    size_t len;
    uint8_t *p; /* from sodium_malloc, of exactly len bytes: the guard page follows the last */
};

/* Set once, by secret_setup. */
static atomic_bool may_be_unlocked;

static enum cofre_err
turn_dumps_off(struct cofre_why *why)
{
    static const struct rlimit none = {0, 0};

    if (setrlimit(RLIMIT_CORE, &none) != 0)
        return cofre_why_os(why, COFRE_EIO, errno, "core files cannot be turned off");
#ifndef COFRE_SANITIZED /* whose leak checker traces the process */
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return cofre_why_os(why, COFRE_EIO, errno, "tracing cannot be turned off");
#endif
    return COFRE_OK;
}

static enum cofre_err
try_lock(struct cofre_why *why)
{
    struct rlimit limit;
    void *p;
    int failed;

    p = mmap(NULL, LOCK_PROBE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return cofre_why_os(why, COFRE_EIO, errno, "no memory to try locking with");
    failed = mlock(p, LOCK_PROBE);
    munmap(p, LOCK_PROBE);
    if (failed == 0)
        return COFRE_OK;

    if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0)
        return cofre_why_os(why, COFRE_EIO, errno, "RLIMIT_MEMLOCK cannot be read");
    return cofre_why_set(why, COFRE_EREFUSED,
                         "memory for keys cannot be locked: RLIMIT_MEMLOCK is %llu bytes, at least "
                         "%d are needed",
                         (unsigned long long)limit.rlim_cur, LOCK_PROBE);
}

enum cofre_err
secret_setup(bool allow_unlocked, struct cofre_why *why)
{
    struct cofre_why reason = {""};
    enum cofre_err err;

    if (sodium_init() < 0)
        return cofre_why_set(why, COFRE_EIO, "libsodium does not start");
    if ((err = turn_dumps_off(why)) != COFRE_OK)
        return err;

    atomic_store(&may_be_unlocked, allow_unlocked);
    err = try_lock(&reason);
    if (err == COFRE_EREFUSED && allow_unlocked) {
        oplog_line(OPLOG_WARNING, "%s; keys may be swapped to disk", reason.text);
        return COFRE_OK;
    }
    if (err != COFRE_OK)
        return cofre_why_set(why, err, "%s", reason.text);
    return COFRE_OK;
}

/*
 * sodium_malloc does not say when it could not lock.  Locking again says so, and costs nothing
 * where the pages are locked already.
 */
static uint8_t *
locked_alloc(size_t len)
{
    uint8_t *p = sodium_malloc(len);

    if (p == NULL)
        return NULL;
    if (len > 0 && mlock(p, len) != 0 && !atomic_load(&may_be_unlocked)) {
        sodium_free(p);
        return NULL;
    }
    return p;
}

enum cofre_err
secret_new(size_t len, struct secret **out)
{
    struct secret *s;

    *out = NULL;
    if ((s = malloc(sizeof *s)) == NULL)
        return COFRE_ENOMEM;
    if ((s->p = locked_alloc(len)) == NULL) {
        free(s);
        return COFRE_ENOMEM;
    }
    sodium_memzero(s->p, len);
    s->len = len;
    *out = s;
    return COFRE_OK;
}

enum cofre_err
secret_copy(struct bytes from, struct secret **out)
{
    enum cofre_err err = secret_new(from.len, out);

    if (err == COFRE_OK && from.len > 0)
        memcpy((*out)->p, from.p, from.len);
    return err;
}

enum cofre_err
secret_random(size_t len, struct secret **out)
{
    enum cofre_err err = secret_new(len, out);

    if (err == COFRE_OK)
        randombytes_buf((*out)->p, len);
    return err;
}

void
secret_free(struct secret *s)
{
    if (s == NULL)
        return;
    sodium_free(s->p);
    free(s);
}

struct bytes
secret_bytes(const struct secret *s)
{
    return (struct bytes){s->p, s->len};
}

uint8_t *
secret_data(struct secret *s)
{
    return s->p;
}

bool
secret_equal(struct bytes a, struct bytes b)
{
    if (a.len != b.len)
        return false;
    return a.len == 0 || sodium_memcmp(a.p, b.p, a.len) == 0;
}

void
secret_wipe(void *p, size_t len)
{
    sodium_memzero(p, len);
}
