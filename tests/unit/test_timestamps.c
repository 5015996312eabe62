/*
 * Time stamps: what is kept, what is refused, and what a crash between the entry and its files leaves.
 */
#include "vault_fixture.h"

#include "crypto/tsa.h"
#include "tsa_authority.h"
#include "vault/disk.h"
#include "vault/timestamps.h"

struct made {
    struct buf checkpoint;
    struct buf reply;
};

static void
stamp(struct tsa_authority *a, struct made *m)
{
    uint8_t digest[HASH_LEN];

    hash_of(buf_bytes(&m->checkpoint), digest);
    buf_reset(&m->reply);
    tsa_authority_reply(a, digest, &m->reply);
}

/* A stamp of the newest checkpoint. */
static void
make(struct vf *f, struct tsa_authority *a, struct made *m)
{
    *m = (struct made){BUF_INIT, BUF_INIT};
    OK(log_checkpoint(f->v->log, vf_size(f->v), &m->checkpoint, NULL));
    stamp(a, m);
}

static void
made_free(struct made *m)
{
    buf_free(&m->checkpoint);
    buf_free(&m->reply);
}

static enum cofre_outcome
keep(struct vf *f, const struct made *m)
{
    const struct cofre_timestamp_in in = {.checkpoint = buf_bytes(&m->checkpoint),
                                          .reply = buf_bytes(&m->reply)};
    enum cofre_outcome out;
    struct cofre_call c;

    vf_call(&c, COFRE_ROLE_ADMIN, COFRE_ACT_AUDIT_TIMESTAMP);
    cofre_timestamp_keep(f->v, &c, &in);
    assert_true(c.recorded);
    out = c.outcome;
    cofre_call_free(&c);
    return out;
}

static bool
exists(const struct vf *f, const char *name)
{
    char path[96];

    snprintf(path, sizeof path, "%s/%s", f->dir, name);
    return access(path, F_OK) == 0;
}

static uint64_t
size_of(const struct made *m)
{
    struct checkpoint c;
    struct note n;

    OK(note_parse(buf_bytes(&m->checkpoint), &n));
    OK(checkpoint_parse(n.text, &c));
    return c.size;
}

static bool
is_kept(const struct vf *f, uint64_t size)
{
    char checkpoint[64], reply[64];

    snprintf(checkpoint, sizeof checkpoint, "audit/time/%" PRIu64 ".checkpoint", size);
    snprintf(reply, sizeof reply, "audit/time/%" PRIu64 ".tsr", size);
    assert_int_equal(exists(f, checkpoint), exists(f, reply));
    return exists(f, checkpoint);
}

static void
rotate(struct vf *f)
{
    const struct cofre_rotate_in in = {.class = BYTES_LIT("audit")};
    struct cofre_call c;

    vf_call(&c, COFRE_ROLE_ADMIN, COFRE_ACT_KEY_ROTATE);
    cofre_key_rotate(f->v, &c, &in, NULL);
    assert_int_equal(c.outcome, COFRE_OUT_OK);
    cofre_call_free(&c);
}

static void
checkpoints_of_each_epoch_are_kept(void **state)
{
    struct vf *f = *state;
    struct tsa_authority a;
    struct made m[3];

    tsa_authority_open(&a, "tsa", 1790000000);
    make(f, &a, &m[0]);
    assert_int_equal(keep(f, &m[0]), COFRE_OUT_OK);
    make(f, &a, &m[1]);
    rotate(f);
    make(f, &a, &m[2]);
    assert_int_equal(keep(f, &m[2]), COFRE_OUT_OK);
    assert_int_equal(keep(f, &m[1]), COFRE_OUT_OK);
    assert_int_equal(keep(f, &m[1]), COFRE_OUT_EXISTS);
    for (int i = 0; i < 3; i++) {
        assert_true(is_kept(f, size_of(&m[i])));
        made_free(&m[i]);
    }
    tsa_authority_close(&a);
    vf_close(f);
    vf_verify(f);
}

/* Each is rightly stamped; the checkpoint is what is wrong. */
static void
refused(struct vf *f, struct tsa_authority *a, struct made *m)
{
    const uint64_t size = size_of(m);
    const bool before = is_kept(f, size);

    stamp(a, m);
    assert_int_equal(keep(f, m), COFRE_OUT_REFUSED);
    assert_int_equal(is_kept(f, size), before);
    assert_false(exists(f, "timestamp.checkpoint"));
    made_free(m);
}

static void
what_is_no_checkpoint_of_this_log_is_refused(void **state)
{
    static const uint8_t seed[NOTE_SEED] = {9};
    struct vf *f = *state;
    struct made m = {BUF_INIT, BUF_INIT};
    struct note_signer other, old;
    struct tsa_authority a;
    uint8_t root[HASH_LEN];
    char id[128];

    tsa_authority_open(&a, "tsa", 1790000000);
    OK(note_signer_init(&other, "test.example/vault", seed));
    /* The right name, size and root, by another key. */
    OK(log_root_at(f->v->log, 1, root, NULL));
    checkpoint_sign(&m.checkpoint, &other, 1, root);
    refused(f, &a, &m);
    /* By our key: another root, and a size beyond the end. */
    root[0] ^= 1;
    checkpoint_sign(&m.checkpoint, f->v->signer, 1, root);
    refused(f, &a, &m);
    root[0] ^= 1;
    checkpoint_sign(&m.checkpoint, f->v->signer, vf_size(f->v) + 100, root);
    refused(f, &a, &m);
    /* By the key of the first epoch, over entries of the second; and the other way round. */
    OK(secret_copy(secret_bytes(f->v->signer->key), &old.key));
    old.verifier = f->v->signer->verifier;
    rotate(f);
    vf_customer(f->v, "1", id);
    OK(log_root_at(f->v->log, vf_size(f->v), root, NULL));
    checkpoint_sign(&m.checkpoint, &old, vf_size(f->v), root);
    refused(f, &a, &m);
    OK(log_root_at(f->v->log, 1, root, NULL));
    checkpoint_sign(&m.checkpoint, f->v->signer, 1, root);
    refused(f, &a, &m);
    checkpoint_sign(&m.checkpoint, &old, 1, root);
    stamp(&a, &m);
    assert_int_equal(keep(f, &m), COFRE_OUT_OK);
    made_free(&m);
    note_signer_free(&other);
    note_signer_free(&old);
    tsa_authority_close(&a);
    vf_close(f);
    vf_verify(f);
}

/* ---- crashes ---- */

/* Of a pair that is kept: as it was before its files got their names. */
static void
unname(const struct vf *f, uint64_t size, bool both)
{
    char from[96], to[96];

    snprintf(from, sizeof from, "%s/audit/time/%" PRIu64 ".checkpoint", f->dir, size);
    snprintf(to, sizeof to, "%s/timestamp.checkpoint", f->dir);
    assert_int_equal(rename(from, to), 0);
    snprintf(from, sizeof from, "%s/audit/time/%" PRIu64 ".tsr", f->dir, size);
    snprintf(to, sizeof to, "%s/timestamp.tsr", f->dir);
    if (both)
        assert_int_equal(rename(from, to), 0);
}

static void
what_a_crash_leaves_is_settled(void **state)
{
    struct vf *f = *state;
    struct tsa_authority a;
    struct made m, next;

    tsa_authority_open(&a, "tsa", 1790000000);
    make(f, &a, &m);
    assert_int_equal(keep(f, &m), COFRE_OUT_OK);
    for (int both = 0; both < 2; both++) {
        vf_close(f);
        unname(f, size_of(&m), both != 0);
        vf_open(f);
        assert_true(is_kept(f, size_of(&m)));
        assert_false(exists(f, "timestamp.checkpoint") || exists(f, "timestamp.tsr"));
    }
    /* Staged, and killed before the entry. */
    make(f, &a, &next);
    for (int both = 0; both < 2; both++) {
        OK(disk_replace(f->v->dir_fd, "timestamp.checkpoint", buf_bytes(&next.checkpoint), NULL));
        if (both)
            OK(disk_replace(f->v->dir_fd, "timestamp.tsr", buf_bytes(&next.reply), NULL));
        vf_close(f);
        vf_open(f);
        assert_false(is_kept(f, size_of(&next)));
        assert_false(exists(f, "timestamp.checkpoint") || exists(f, "timestamp.tsr"));
    }
    /* A reply that is not the one of the entry is nothing to go on with. */
    vf_close(f);
    unname(f, size_of(&m), true);
    vf_shell("echo x >> $1/timestamp.tsr", f->dir, "");
    assert_int_equal(vf_try_open(f), COFRE_EINTEGRITY);
    assert_non_null(strstr(f->why.text, "timestamp.tsr"));
    vf_shell("truncate -s -2 $1/timestamp.tsr", f->dir, "");
    vf_open(f);
    assert_true(is_kept(f, size_of(&m)));
    vf_close(f);
    vf_verify(f);
    made_free(&m);
    made_free(&next);
    tsa_authority_close(&a);
}

/* A declaration goes on with the log as a start does: no checkpoint covers an entry without its pair. */
static void
a_declaration_settles_too(void **state)
{
    struct vf *f = *state;
    struct buf out = BUF_INIT;
    struct tsa_authority a;
    struct made m;

    tsa_authority_open(&a, "tsa", 1790000000);
    make(f, &a, &m);
    assert_int_equal(keep(f, &m), COFRE_OUT_OK);
    vf_close(f);
    unname(f, size_of(&m), true);
    vf_shell("rm $1/anchor$2", f->dir, "");
    f->why.text[0] = 0;
    if (cofre_vault_declare(&f->config, "uid-0", false, &out, &f->why) != COFRE_OK)
        fail_msg("%s", f->why.text);
    assert_true(is_kept(f, size_of(&m)));
    assert_false(exists(f, "timestamp.checkpoint") || exists(f, "timestamp.tsr"));
    vf_open(f);
    buf_free(&out);
    made_free(&m);
    tsa_authority_close(&a);
}

/* Those of a pair that could not get its names meanwhile are settled before another is kept. */
static void
the_next_stamp_settles_the_last_one(void **state)
{
    struct vf *f = *state;
    struct tsa_authority a;
    struct made m, next;

    tsa_authority_open(&a, "tsa", 1790000000);
    make(f, &a, &m);
    assert_int_equal(keep(f, &m), COFRE_OUT_OK);
    unname(f, size_of(&m), true);
    make(f, &a, &next);
    assert_int_equal(keep(f, &next), COFRE_OUT_OK);
    assert_true(is_kept(f, size_of(&m)));
    assert_true(is_kept(f, size_of(&next)));
    vf_close(f);
    vf_verify(f);
    made_free(&m);
    made_free(&next);
    tsa_authority_close(&a);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(checkpoints_of_each_epoch_are_kept),
        TEST(what_is_no_checkpoint_of_this_log_is_refused),
        TEST(what_a_crash_leaves_is_settled),
        TEST(a_declaration_settles_too),
        TEST(the_next_stamp_settles_the_last_one),
    };

    return cmocka_run_group_tests(tests, vf_group, NULL);
}
