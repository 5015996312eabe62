#ifndef VAULT_CACHE_H
#define VAULT_CACHE_H

#include "cofre/bytes.h"
#include "cofre/err.h"
#include "crypto/bundle.h"

/*
 * Persons' secrets that were unwrapped lately, so that a read does not derive the same keys again: a fixed
 * table in locked memory, one slot for each hash of a customer id, overwritten by the next person
 * that falls into it, wiped at the end.  An entry serves only as long as the stored bundle begins with the
 * same commitment and salt (64 bytes): a rewrapped bundle is another one, and is unwrapped anew.
 *
 * Any thread.
 */
struct cache;
struct person;

enum { CACHE_SLOTS = 4096 };

/* COFRE_ENOMEM: *out is NULL. */
COFRE_CHECKED enum cofre_err cache_new(struct cache **out);
/* Wipes and frees; NULL does nothing. */
void cache_free(struct cache *c);
/* False: not there, or under another bundle; *p is unchanged. */
bool cache_get(struct cache *c, const uint8_t id[static BUNDLE_ID], struct bytes sealed,
               struct person *p);
/* A bundle that was just opened: sealed is what authenticated, p what it held. */
void cache_put(struct cache *c, const uint8_t id[static BUNDLE_ID], struct bytes sealed,
               const struct person *p);

#endif
