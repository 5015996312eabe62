#ifndef COFRE_SECRET_H
#define COFRE_SECRET_H

#include "cofre/bytes.h"
#include "cofre/err.h"

/*
 * Memory for keys: guard pages, locked, kept out of core files, wiped when freed (libsodium's
 * sodium_malloc).  secret_setup must have succeeded before the first secret_new.
 */
struct secret;

/*
 * Prepares the process: initialises libsodium, turns core files and tracing off, and checks that
 * memory can be locked.
 *
 * COFRE_EREFUSED  RLIMIT_MEMLOCK does not let it, and allow_unlocked is false
 * COFRE_EIO       libsodium or the kernel refused
 */
COFRE_CHECKED enum cofre_err secret_setup(bool allow_unlocked, struct cofre_why *why);

/* A zeroed secret of len bytes in *out, which the caller frees.  COFRE_ENOMEM: *out is NULL. */
COFRE_CHECKED enum cofre_err secret_new(size_t len, struct secret **out);
/* A secret with a copy of from.  The caller still owns from, and wipes it.  COFRE_ENOMEM. */
COFRE_CHECKED enum cofre_err secret_copy(struct bytes from, struct secret **out);
/* A secret of len random bytes.  COFRE_ENOMEM. */
COFRE_CHECKED enum cofre_err secret_random(size_t len, struct secret **out);
/* Wipes and frees; NULL does nothing. */
void secret_free(struct secret *s);

/* The bytes, valid until secret_free. */
struct bytes secret_bytes(const struct secret *s);
uint8_t *secret_data(struct secret *s);

/* Constant time for equal lengths; false at once when the lengths differ. */
bool secret_equal(struct bytes a, struct bytes b);
/* Wipes in a way that the compiler keeps. */
void secret_wipe(void *p, size_t len);

#endif
