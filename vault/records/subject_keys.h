#ifndef VAULT_SUBJECT_KEYS_H
#define VAULT_SUBJECT_KEYS_H

#include "audit/subject.h"
#include "vault/vault_internal.h"

/* A customer's keys of the log's epochs, with which the entries about the person are found. */
struct subject_keys {
    struct secret *memory; /* n * KEY_LEN bytes */
    uint32_t *epochs;
    size_t n;
};

/*
 * Derives them for the customer cus ("cus_..."), and tags the call's entry with the person; without
 * current, those of closed epochs alone (none: n is 0).  Free with subject_keys_free.
 *
 * COFRE_ENOENT: no such customer.  COFRE_ENOKEY, COFRE_EAUTH, COFRE_ENOMEM, and the store's.
 */
COFRE_CHECKED enum cofre_err subject_keys_open(struct cofre_vault *v, struct cofre_call *call,
                                               struct bytes cus, bool current,
                                               struct subject_keys *out);
void subject_keys_free(struct subject_keys *k);

#endif
