#include <stdlib.h>
#include <time.h>

#include "audit/witness_key.h"
#include "audit/witness_request.h"

#include "audit/witness_internal.h"

/* A request that a trusted key has signed. */
struct asked {
    struct witness_request request;
    struct checkpoint checkpoint;
    struct note note;
};

static enum cofre_witness_answer
read_request(const struct cofre_witness *w, struct bytes body, struct asked *a,
             struct cofre_why *why)
{
    enum cofre_err err;

    if (body.len > COFRE_WITNESS_BODY_MAX)
        return COFRE_WITNESS_MALFORMED;
    if ((err = witness_request_parse(body, &a->request)) == COFRE_OK)
        err = a->request.checkpoint.len > CHECKPOINT_MAX
                  ? COFRE_EFORMAT
                  : note_parse(a->request.checkpoint, &a->note);
    if (err == COFRE_OK)
        err = checkpoint_parse(a->note.text, &a->checkpoint);
    if (err == COFRE_ENOMEM) {
        cofre_why_set(why, err, "out of memory");
        return COFRE_WITNESS_FAILED;
    }
    if (err != COFRE_OK)
        return COFRE_WITNESS_MALFORMED;
    switch (witness_logs_judge(&w->logs, &a->note, a->checkpoint.origin)) {
    case WITNESS_LOGS_UNKNOWN:
        return COFRE_WITNESS_UNKNOWN;
    case WITNESS_LOGS_UNSIGNED:
        return COFRE_WITNESS_UNTRUSTED;
    case WITNESS_LOGS_SIGNED:
        break;
    }
    return a->request.old_size > a->checkpoint.size ? COFRE_WITNESS_MALFORMED
                                                    : COFRE_WITNESS_COSIGNED;
}

/* With lock held: does it continue what was cosigned last?  With nothing seen, that is the empty tree. */
static enum cofre_witness_answer
check(const struct asked *a, const struct witness_seen *seen, struct buf *out)
{
    uint8_t empty[HASH_LEN];
    uint64_t size = seen != NULL ? seen->size : 0;
    const uint8_t *root = seen != NULL ? seen->root : empty;

    tree_empty(empty);
    if (a->request.old_size != size || (size > 0 && a->checkpoint.size == size &&
                                        memcmp(a->checkpoint.root, root, HASH_LEN) != 0)) {
        buf_put_u64_dec(out, size);
        buf_putc(out, '\n');
        return COFRE_WITNESS_CONFLICT;
    }
    if (a->checkpoint.size == 0 && memcmp(a->checkpoint.root, empty, HASH_LEN) != 0)
        return COFRE_WITNESS_UNPROVEN;
    if (tree_consistency_verify(size, a->checkpoint.size, root, a->checkpoint.root,
                                &a->request.proof) != COFRE_OK)
        return COFRE_WITNESS_UNPROVEN;
    return COFRE_WITNESS_COSIGNED;
}

/* Never 0, which a cosignature may not say. */
static uint64_t
seconds_now(void)
{
    struct timespec t = {0, 0};

    (void)clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec > 0 ? (uint64_t)t.tv_sec : 1;
}

/* With lock held. */
static enum cofre_err
cosign(struct cofre_witness *w, const struct asked *a, struct buf *out, struct cofre_why *why)
{
    struct buf line = BUF_INIT;
    struct buf note = BUF_INIT;
    enum cofre_err err;

    cosign_put(&line, &w->signer, a->note.text, seconds_now());
    witness_logs_put(&w->logs, &a->note, &note);
    buf_putb(&note, buf_bytes(&line));
    if ((err = buf_error(&line)) == COFRE_OK && (err = buf_error(&note)) == COFRE_OK)
        err = witness_state_put(&w->state, buf_bytes(&note), why);
    if (err == COFRE_EIO)
        w->failed = true;
    if (err == COFRE_OK) {
        buf_putb(out, buf_bytes(&line));
        err = buf_error(out);
    }
    buf_free(&line);
    buf_free(&note);
    return err;
}

enum cofre_witness_answer
cofre_witness_add(struct cofre_witness *w, struct bytes body, struct buf *out,
                  struct cofre_why *why)
{
    struct asked *a = malloc(sizeof *a);
    enum cofre_witness_answer answer = COFRE_WITNESS_FAILED;
    enum cofre_err err = COFRE_OK;

    if (a == NULL)
        return COFRE_WITNESS_FAILED;
    if ((answer = read_request(w, body, a, why)) != COFRE_WITNESS_COSIGNED)
        goto out;
    pthread_mutex_lock(&w->lock);
    answer = check(a, witness_state_find(&w->state, a->checkpoint.origin), out);
    if (w->failed)
        err =
            cofre_why_set(why, COFRE_ESTOPPED, "an earlier write failed; start the witness again");
    else if (answer == COFRE_WITNESS_COSIGNED)
        err = cosign(w, a, out, why);
    pthread_mutex_unlock(&w->lock);
    if (err != COFRE_OK || buf_error(out) != COFRE_OK) {
        (void)cofre_why_set(why, err, "%s", cofre_err_text(err));
        buf_reset(out);
        answer = COFRE_WITNESS_FAILED;
    }
out:
    free(a);
    return answer;
}

bool
cofre_witness_newest(struct cofre_witness *w, struct bytes origin_hash, struct buf *out)
{
    uint8_t digest[HASH_LEN];
    bool found = false;

    pthread_mutex_lock(&w->lock);
    for (size_t i = 0; i < w->state.n && !found; i++) {
        struct buf hex = BUF_INIT;

        hash_of(w->state.seen[i].origin, digest);
        buf_put_hex(&hex, BYTES_OF(digest));
        found = bytes_equal(buf_bytes(&hex), origin_hash);
        if (found)
            buf_putb(out, buf_bytes(&w->state.seen[i].note));
        buf_free(&hex);
    }
    pthread_mutex_unlock(&w->lock);
    return found && buf_error(out) == COFRE_OK;
}
