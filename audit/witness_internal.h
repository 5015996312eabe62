#ifndef AUDIT_WITNESS_INTERNAL_H
#define AUDIT_WITNESS_INTERNAL_H

#include <pthread.h>

#include "audit/witness_logs.h"
#include "audit/witness_state.h"
#include "cofre/witness.h"

/*
 * What the files of witness*.c share.  Of them witness_open.c makes and opens one, witness.c answers.
 *
 * `lock` guards state and failed, and is held over the write: what was cosigned last is compared and
 * replaced as one step.  All else is fixed from the opening on.
 */
struct cofre_witness {
    int dir;
    int lock_fd;
    struct note_signer signer;
    struct hmac_key mac;
    struct witness_logs logs;
    pthread_mutex_t lock;
    struct witness_state state;
    bool failed; /* a write ended in a way that left the disk in doubt: nothing more is signed */
};

#endif
