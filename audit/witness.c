#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "audit/witness_key.h"
#include "audit/witness_logs.h"
#include "audit/witness_request.h"
#include "audit/witness_state.h"
#include "cofre/encode.h"
#include "cofre/witness.h"

/*
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

/* ---- the directory ---- */

static enum cofre_err
open_dir(const char *path, struct cofre_why *why, int *dir)
{
    struct stat st;

    *dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*dir < 0 || fstat(*dir, &st) != 0)
        return cofre_why_os(why, errno == ENOENT ? COFRE_ENOENT : COFRE_EIO, errno,
                            "the witness's directory");
    if ((st.st_mode & 077) != 0 || (st.st_uid != geteuid() && geteuid() != 0))
        return cofre_why_set(why, COFRE_EREFUSED,
                             "the witness's directory is somebody else's, or open to others "
                             "(chmod 700 it)");
    return COFRE_OK;
}

static enum cofre_err
take_lock(struct cofre_witness *w, struct cofre_why *why)
{
    w->lock_fd = openat(w->dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (w->lock_fd < 0)
        return cofre_why_os(why, COFRE_EIO, errno, "lock");
    if (flock(w->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return cofre_why_set(why, COFRE_EBUSY, "another process has this witness open");
    return COFRE_OK;
}

/* Nothing in it, but perhaps the lock. */
static bool
is_empty(int dir)
{
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *names = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *e;
    bool empty = names != NULL;

    if (names == NULL) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    while (empty && (e = readdir(names)) != NULL)
        empty = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
                strcmp(e->d_name, "lock") == 0;
    closedir(names);
    return empty;
}

static enum cofre_err
create(struct cofre_witness *w, const char *name, struct cofre_why *why)
{
    enum cofre_err err;

    if ((err = witness_key_create(w->dir, name, &w->signer, why)) != COFRE_OK)
        return err;
    witness_key_mac(&w->signer, &w->mac);
    return witness_state_create(&w->state, why);
}

static enum cofre_err
load(struct cofre_witness *w, const char *name, struct cofre_why *why)
{
    enum cofre_err err = witness_key_read(w->dir, &w->signer, why);

    if (err == COFRE_ENOENT)
        return cofre_why_add(why, COFRE_EEXIST,
                             "the directory holds something, but no witness's key");
    if (err != COFRE_OK)
        return err;
    if (name != NULL && strcmp(name, w->signer.verifier.name) != 0)
        return cofre_why_set(why, COFRE_EINVAL, "this witness has another name already");
    witness_key_mac(&w->signer, &w->mac);
    return witness_state_read(&w->state, why);
}

static enum cofre_err
open_parts(struct cofre_witness *w, const struct cofre_witness_config *config,
           struct cofre_why *why)
{
    enum cofre_err err;

    if (mkdir(config->dir, 0700) != 0 && errno != EEXIST)
        return cofre_why_os(why, errno == ENOSPC ? COFRE_ENOSPC : COFRE_EIO, errno,
                            "the witness's directory");
    if ((err = open_dir(config->dir, why, &w->dir)) != COFRE_OK ||
        (err = take_lock(w, why)) != COFRE_OK)
        return err;
    w->state.dir = w->dir;
    w->state.mac = &w->mac;
    err = is_empty(w->dir) ? create(w, config->name, why) : load(w, config->name, why);
    if (err != COFRE_OK)
        return err;
    return witness_logs_open(w->dir, config->logs, config->n_logs, &w->logs, why);
}

enum cofre_err
cofre_witness_open(const struct cofre_witness_config *config, struct cofre_witness **out,
                   struct cofre_why *why)
{
    struct cofre_witness *w = calloc(1, sizeof *w);
    enum cofre_err err;

    *out = NULL;
    if (w == NULL)
        return COFRE_ENOMEM;
    w->dir = w->lock_fd = -1;
    (void)pthread_mutex_init(&w->lock, NULL);
    if ((err = open_parts(w, config, why)) != COFRE_OK)
        cofre_witness_close(w);
    else
        *out = w;
    return err;
}

void
cofre_witness_close(struct cofre_witness *w)
{
    if (w == NULL)
        return;
    witness_state_free(&w->state);
    note_signer_free(&w->signer);
    secret_wipe(&w->mac, sizeof w->mac);
    (void)pthread_mutex_destroy(&w->lock);
    if (w->lock_fd >= 0)
        close(w->lock_fd);
    if (w->dir >= 0)
        close(w->dir);
    free(w);
}

void
cofre_witness_vkey(const struct cofre_witness *w, struct buf *out)
{
    note_vkey_put(out, &w->signer.verifier);
}

enum cofre_err
cofre_witness_read_vkey(const char *dir, struct buf *out, struct cofre_why *why)
{
    struct note_signer signer = {.key = NULL};
    enum cofre_err err;
    int fd;

    err = open_dir(dir, why, &fd);
    if (err == COFRE_OK && (err = witness_key_read(fd, &signer, why)) == COFRE_OK)
        note_vkey_put(out, &signer.verifier);
    if (fd >= 0)
        close(fd);
    note_signer_free(&signer);
    return err == COFRE_OK ? buf_error(out) : err;
}

size_t
cofre_witness_logs(const struct cofre_witness *w)
{
    return w->logs.n;
}

/* ---- add-checkpoint ---- */

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
