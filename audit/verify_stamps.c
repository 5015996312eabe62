#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/tsa.h"

#include "audit/entry.h"
#include "audit/lines.h"
#include "audit/verify_internal.h"

/* The two files of a pair. */
enum { OF_CHECKPOINT, OF_REPLY, FILES };

static const struct {
    const char *suffix;
    size_t max;
} files[FILES] = {{".checkpoint", CHECKPOINT_MAX}, {".tsr", TSA_REPLY_MAX}};

static void
path_of(const struct verify_stamp *t, int file, char path[static FILES_PATH_MAX])
{
    (void)snprintf(path, FILES_PATH_MAX, "time/%" PRIu64 "%s", t->size, files[file].suffix);
}

/* ---- names ---- */

static struct verify_stamp *
find(struct verify_stamps *s, uint64_t size)
{
    for (size_t i = 0; i < s->n; i++) {
        if (s->stamp[i].size == size)
            return &s->stamp[i];
    }
    return NULL;
}

static struct verify_stamp *
add(struct verify_stamps *s, uint64_t size)
{
    const size_t room = s->room > 0 ? 2 * s->room : 16;
    struct verify_stamp *grown;

    if (s->n == s->room) {
        if ((grown = realloc(s->stamp, room * sizeof *grown)) == NULL)
            return NULL;
        s->stamp = grown;
        s->room = room;
    }
    memset(&s->stamp[s->n], 0, sizeof s->stamp[s->n]);
    s->stamp[s->n].size = size;
    return &s->stamp[s->n++];
}

enum cofre_err
verify_stamps_name(struct verify_stamps *s, const char *path, bool *is_one)
{
    struct bytes left = bytes_str(path);
    uint64_t size;
    int file = -1;

    *is_one = false;
    if (!lines_skip(&left, BYTES_LIT("time/")))
        return COFRE_OK;
    for (int i = 0; i < FILES; i++) {
        const struct bytes suffix = bytes_str(files[i].suffix);

        if (left.len > suffix.len &&
            memcmp(left.p + left.len - suffix.len, suffix.p, suffix.len) == 0)
            file = i;
    }
    if (file < 0)
        return COFRE_OK;
    left.len -= strlen(files[file].suffix);
    if (!lines_number(left, &size))
        return COFRE_OK;
    *is_one = true;
    return find(s, size) != NULL || add(s, size) != NULL ? COFRE_OK : COFRE_ENOMEM;
}

/* ---- contents ---- */

struct loading {
    const struct verify_config *config;
    const struct verify_epochs *epochs;
    struct verify_marks *marks;
    struct buf text;
    struct cofre_why *why;
};

static enum cofre_err
read_one(struct loading *l, struct verify_stamp *t, int file, char path[static FILES_PATH_MAX])
{
    enum cofre_err err;

    path_of(t, file, path);
    err = files_read(l->config->dir, path, files[file].max, &l->text, NULL);
    t->missing[file] = err == COFRE_ENOENT;
    if (err == COFRE_OK)
        hash_of(buf_bytes(&l->text), t->hash[file]);
    if (err == COFRE_OK || t->missing[file])
        return COFRE_OK;
    return verify_file(l->config->dir, path, files[file].max, &l->text, l->why);
}

static enum cofre_err
load_checkpoint(struct loading *l, struct verify_stamp *t)
{
    struct cofre_why found = {""};
    struct verify_signed s;
    char path[FILES_PATH_MAX];
    enum cofre_err err = read_one(l, t, OF_CHECKPOINT, path);

    if (err != COFRE_OK || t->missing[OF_CHECKPOINT])
        return err;
    err = verify_epochs_open(l->epochs, buf_bytes(&l->text), &s, &found);
    if (err == COFRE_ENOMEM)
        return err;
    if (err != COFRE_OK)
        return cofre_why_set(l->why, COFRE_EINTEGRITY, "%s: %s", path, found.text);
    if (s.c.size != t->size)
        return cofre_why_set(l->why, COFRE_EINTEGRITY, "%s: is of %" PRIu64 " entries", path,
                             s.c.size);
    return verify_marks_add(l->marks, s.c.size, s.c.root, "%s", path);
}

static enum cofre_err
check_token(struct loading *l, struct verify_stamp *t, const char *path)
{
    struct cofre_why found = {""};
    enum cofre_err err;

    if (l->config->tsa_ca.len == 0)
        return COFRE_OK;
    err = tsa_verify(buf_bytes(&l->text), t->hash[OF_CHECKPOINT], l->config->tsa_ca, &found);
    t->checked = err == COFRE_OK;
    if (err == COFRE_EAUTH)
        return cofre_why_set(l->why, COFRE_EINTEGRITY, "%s: %s", path, found.text);
    /* Its form was found good: it is the certificates that are none. */
    if (err == COFRE_EFORMAT)
        return cofre_why_set(l->why, COFRE_EIO, "the certificates to check time stamps with: %s",
                             found.text);
    return err;
}

static enum cofre_err
load_reply(struct loading *l, struct verify_stamp *t)
{
    struct cofre_why found = {""};
    struct tsa_token token;
    char path[FILES_PATH_MAX];
    enum cofre_err err = read_one(l, t, OF_REPLY, path);

    if (err != COFRE_OK || t->missing[OF_REPLY])
        return err;
    err = tsa_read(buf_bytes(&l->text), &token, &found);
    if (err == COFRE_ENOMEM)
        return err;
    if (err != COFRE_OK)
        return cofre_why_set(l->why, COFRE_EINTEGRITY, "%s: %s", path, found.text);
    if (t->missing[OF_CHECKPOINT]) /* its entry says whether it is the right one */
        return COFRE_OK;
    if (memcmp(token.digest, t->hash[OF_CHECKPOINT], HASH_LEN) != 0)
        return cofre_why_set(l->why, COFRE_EINTEGRITY,
                             "%s: does not stamp the checkpoint beside it", path);
    t->seconds = token.seconds;
    memcpy(t->authority, token.authority, sizeof t->authority);
    return check_token(l, t, path);
}

enum cofre_err
verify_stamps_load(const struct verify_config *config, const struct verify_epochs *epochs,
                   struct verify_stamps *s, struct verify_marks *marks, struct cofre_why *why)
{
    struct loading l = {config, epochs, marks, BUF_INIT, why};
    enum cofre_err err = COFRE_OK;

    for (size_t i = 0; i < s->n && err == COFRE_OK; i++) {
        err = load_checkpoint(&l, &s->stamp[i]);
        if (err == COFRE_OK)
            err = load_reply(&l, &s->stamp[i]);
    }
    buf_free(&l.text);
    return err;
}

/* ---- entries ---- */

static bool
is_hex_of(struct bytes text, const uint8_t hash[static HASH_LEN])
{
    static const char digits[] = "0123456789abcdef";

    if (text.len != 2 * (size_t)HASH_LEN)
        return false;
    for (size_t i = 0; i < HASH_LEN; i++) {
        if (text.p[2 * i] != digits[hash[i] >> 4] || text.p[2 * i + 1] != digits[hash[i] & 15])
            return false;
    }
    return true;
}

/* It came after the directory was walked: then its files are there now. */
static enum cofre_err
came_since(int dir, uint64_t seq, uint64_t size, struct cofre_why *why)
{
    const struct verify_stamp t = {.size = size};
    struct buf text = BUF_INIT;
    char path[FILES_PATH_MAX];
    enum cofre_err err = COFRE_OK;

    for (int i = 0; i < FILES && err == COFRE_OK; i++) {
        path_of(&t, i, path);
        err = verify_file(dir, path, files[i].max, &text, NULL);
    }
    buf_free(&text);
    return err == COFRE_EINTEGRITY
               ? cofre_why_set(why, err, "%s: missing, and named by entry %" PRIu64, path, seq)
               : err;
}

enum cofre_err
verify_stamps_named(struct verify_stamps *s, int dir, bool may_miss, const struct entry *e,
                    struct cofre_why *why)
{
    struct bytes first = e->n_fields == 3 ? e->fields[0] : BYTES_NONE;
    struct verify_stamp *t;
    char path[FILES_PATH_MAX];
    uint64_t size;

    if (!lines_skip(&first, BYTES_LIT("size-")) || !lines_number(first, &size))
        return cofre_why_set(why, COFRE_EINTEGRITY,
                             "entry %" PRIu64 ": names no time stamp, and says so", e->seq);
    if ((t = find(s, size)) == NULL) {
        s->unfinished |= may_miss;
        return may_miss ? COFRE_OK : came_since(dir, e->seq, size, why);
    }
    s->unfinished |= t->missing[OF_CHECKPOINT] || t->missing[OF_REPLY];
    for (int i = 0; i < FILES; i++) {
        if (t->missing[i] ? may_miss : is_hex_of(e->fields[1 + i], t->hash[i]))
            continue;
        path_of(t, i, path);
        if (t->missing[i])
            return cofre_why_set(why, COFRE_EINTEGRITY, "%s: missing", path);
        return cofre_why_set(why, COFRE_EINTEGRITY, "%s: not the one that entry %" PRIu64 " names",
                             path, e->seq);
    }
    t->seen = true;
    return COFRE_OK;
}

enum cofre_err
verify_stamps_check(const struct verify_stamps *s, struct cofre_why *why)
{
    for (size_t i = 0; i < s->n; i++) {
        if (!s->stamp[i].seen)
            return cofre_why_set(why, COFRE_EINTEGRITY, "time/%" PRIu64 ".tsr: no entry names it",
                                 s->stamp[i].size);
    }
    return COFRE_OK;
}

void
verify_stamps_free(struct verify_stamps *s)
{
    free(s->stamp);
    memset(s, 0, sizeof *s);
}
