#ifndef WITNESS_SERVER_H
#define WITNESS_SERVER_H

#include <pthread.h>
#include <stdatomic.h>

#include "cofre/witness.h"
#include "witness_answer.h"

/* What the files of the witness's server share. */
struct cofre_witness_server {
    struct cofre_witness *witness;
    struct MHD_Daemon *daemon;
    char url[96];
    atomic_uint inflight;
    struct witness_refusals refusals;
    pthread_t teller;
    bool telling;
    pthread_mutex_t lock; /* guards stopping */
    pthread_cond_t wake;
    bool stopping;
};

#endif
