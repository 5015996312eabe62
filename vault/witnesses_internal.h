#ifndef VAULT_WITNESSES_INTERNAL_H
#define VAULT_WITNESSES_INTERNAL_H

#include "vault/witnesses.h"
#include "vault/witnesses_ask.h"

/*
 * What the files of witnesses*.c share.  peers and target belong to the thread; what others read is
 * under lock.
 */
struct witnesses_shown {
    uint64_t size; /* of the last checkpoint that it cosigned; 0: none yet */
    uint64_t seconds;
    bool failing;
};

struct witnesses {
    struct witnesses_policy policy;
    char *ca;
    bool required;
    unsigned timeout_ms;
    int64_t grace_ms;

    pthread_t thread;
    struct witnesses_peer peer[WITNESSES_POLICY_MAX];
    struct witnesses_target target;
    bool witnessed_quorum; /* the file `witnessed` holds a quorum */
    uint64_t waiting_size; /* entries that were there at waiting_since, on vault_clock */

    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool running;
    bool stopping;
    bool leaving; /* as witnesses_leave said */
    struct witnesses_shown shown[WITNESSES_POLICY_MAX];
    int64_t waiting_since;
    uint64_t cosignatures;
    uint64_t failures;
};

/* One look at the log: asks whom it is time to ask (all, at the end), and brings what they signed. */
void witnesses_round_run(struct cofre_vault *v, bool last);
/* Takes over what `checkpoint` and `witnessed` hold already. */
void witnesses_round_recall(struct cofre_vault *v);

#endif
