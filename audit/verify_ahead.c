#include <pthread.h>
#include <stdlib.h>

#include "audit/verify_ahead.h"

enum { THREADS_MAX = 8, SLOTS_PER_THREAD = 2 };

/*
 * Whenever the lock is not held:
 *
 * 1. Bundles [taken, begun) are being loaded or are loaded, bundle n in slot n % n_slots;
 *    begun - taken <= n_slots.
 * 2. The slot of a bundle that was begun belongs to the thread that began it while ready is false,
 *    and to the taker from then on.
 * 3. With `out`, bundle `taken` is in the taker's hands; the next take gives its slot back.
 */
struct slot {
    struct verify_bundle bundle;
    bool ready;
};

struct verify_ahead {
    struct verify_bundle_source source;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint64_t begun;
    uint64_t taken;
    bool out;
    bool stop; /* begin no more: the end was met, or nobody takes any more */
    unsigned n_threads;
    unsigned n_slots;
    pthread_t threads[THREADS_MAX];
    struct slot *slots;
};

static void *
load_ahead(void *arg)
{
    struct verify_ahead *a = arg;
    struct slot *slot;
    uint64_t index;
    enum cofre_err err;

    pthread_mutex_lock(&a->lock);
    while (!a->stop) {
        if (a->begun - a->taken == a->n_slots) {
            pthread_cond_wait(&a->changed, &a->lock);
            continue;
        }
        index = a->begun++;
        slot = &a->slots[index % a->n_slots];
        pthread_mutex_unlock(&a->lock);
        err = verify_bundle_load(&a->source, index, &slot->bundle);
        pthread_mutex_lock(&a->lock);
        slot->ready = true;
        a->stop = a->stop || err != COFRE_OK;
        pthread_cond_broadcast(&a->changed);
    }
    pthread_mutex_unlock(&a->lock);
    return NULL;
}

static void
start(struct verify_ahead *a, unsigned threads)
{
    while (a->n_threads < threads &&
           pthread_create(&a->threads[a->n_threads], NULL, load_ahead, a) == 0)
        a->n_threads++;
}

enum cofre_err
verify_ahead_new(const struct verify_bundle_source *source, uint64_t first, unsigned threads,
                 struct verify_ahead **out)
{
    struct verify_ahead *a = calloc(1, sizeof *a);

    *out = NULL;
    if (a == NULL)
        return COFRE_ENOMEM;
    if (threads > THREADS_MAX)
        threads = THREADS_MAX;
    a->source = *source;
    a->begun = a->taken = first;
    a->n_slots = threads > 0 ? threads * SLOTS_PER_THREAD : 1;
    a->slots = calloc(a->n_slots, sizeof *a->slots);
    if (a->slots == NULL) {
        free(a);
        return COFRE_ENOMEM;
    }
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->changed, NULL);
    start(a, threads);
    *out = a;
    return COFRE_OK;
}

void
verify_ahead_free(struct verify_ahead *a)
{
    if (a == NULL)
        return;
    pthread_mutex_lock(&a->lock);
    a->stop = true;
    pthread_cond_broadcast(&a->changed);
    pthread_mutex_unlock(&a->lock);
    for (unsigned i = 0; i < a->n_threads; i++)
        pthread_join(a->threads[i], NULL);
    for (unsigned i = 0; i < a->n_slots; i++)
        verify_bundle_free(&a->slots[i].bundle);
    free(a->slots);
    pthread_cond_destroy(&a->changed);
    pthread_mutex_destroy(&a->lock);
    free(a);
}

/* Gives the last one back. */
static void
give_back(struct verify_ahead *a)
{
    if (!a->out)
        return;
    a->slots[a->taken % a->n_slots].ready = false;
    a->taken++;
    a->out = false;
    pthread_cond_broadcast(&a->changed);
}

const struct verify_bundle *
verify_ahead_take(struct verify_ahead *a)
{
    struct slot *slot;

    pthread_mutex_lock(&a->lock);
    give_back(a);
    slot = &a->slots[a->taken % a->n_slots];
    if (a->n_threads == 0) {
        a->begun = a->taken + 1;
        (void)verify_bundle_load(&a->source, a->taken, &slot->bundle);
    } else {
        while (!slot->ready)
            pthread_cond_wait(&a->changed, &a->lock);
    }
    a->out = true;
    pthread_mutex_unlock(&a->lock);
    return &slot->bundle;
}
