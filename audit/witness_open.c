#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/witness_key.h"

#include "audit/witness_internal.h"

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

enum cofre_err
cofre_witness_forget(const char *dir, struct bytes logs, struct cofre_why *why)
{
    struct cofre_witness *w = calloc(1, sizeof *w);
    enum cofre_err err;

    if (w == NULL)
        return COFRE_ENOMEM;
    w->lock_fd = -1;
    (void)pthread_mutex_init(&w->lock, NULL);
    if ((err = open_dir(dir, why, &w->dir)) == COFRE_OK && (err = take_lock(w, why)) == COFRE_OK) {
        w->state = (struct witness_state){.dir = w->dir, .mac = &w->mac};
        err = load(w, NULL, why);
    }
    if (err == COFRE_OK && (err = witness_logs_open(w->dir, NULL, 0, &w->logs, why)) == COFRE_OK)
        err = witness_logs_forget(w->dir, &w->logs, logs, why);
    cofre_witness_close(w);
    return err;
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
