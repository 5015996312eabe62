/* The log's signing key: at rest, rotated while the vault serves, lost and replaced. */
#include <pthread.h>

#include "vault_fixture.h"

#include "cofre/encode.h"
#include "crypto/box.h"
#include "crypto/note_key.h"
#include "crypto/pae.h"
#include "vault/records/person.h"
#include "vault/signing.h"

/* ---- helpers ---- */

static enum cofre_outcome
rotate(struct cofre_vault *v, bool dry_run, struct cofre_call *c)
{
    const struct cofre_rotate_in in = {.class = BYTES_LIT("audit"), .dry_run = dry_run};

    vf_call(c, COFRE_ROLE_ADMIN, COFRE_ACT_KEY_ROTATE);
    cofre_key_rotate(v, c, &in, NULL);
    buf_putc(&c->body, 0);
    c->body.len--;
    return c->outcome;
}

static void
rotated(struct cofre_vault *v)
{
    struct cofre_call c;

    assert_int_equal(rotate(v, false, &c), COFRE_OUT_OK);
    cofre_call_free(&c);
}

static int
open_in(const struct vf *f, const char *name)
{
    char path[128];

    snprintf(path, sizeof path, "%s/%s", f->dir, name);
    return open(path, O_RDONLY | O_CLOEXEC);
}

static struct buf
read_fd(int fd)
{
    struct buf b = BUF_INIT;
    ssize_t n = pread(fd, buf_reserve(&b, 4096), 4096, 0);

    assert_true(n >= 0);
    b.len = (size_t)n;
    return b;
}

static void
assert_no_leftovers(const struct vf *f)
{
    assert_int_equal(open_in(f, "signing.old"), -1);
    assert_int_equal(open_in(f, "signing.new"), -1);
}

static void
refused(struct vf *f, const char *text)
{
    enum cofre_err err = vf_try_open(f);

    if (err != COFRE_EINTEGRITY || strstr(f->why.text, text) == NULL)
        fail_msg("%d %s (not %s)", (int)err, f->why.text, text);
}

/* ---- rotation ---- */

static void
the_next_key_signs_and_the_former_one_is_gone(void **state)
{
    struct vf *f = *state;
    const uint32_t secret = f->v->keys->log_epoch;
    struct note_verifier first = f->v->signer->verifier;
    struct buf before, after, entry;
    struct cofre_call c;
    char vkey[128];
    int fd = open_in(f, "signing");

    before = read_fd(fd);
    assert_int_equal(rotate(f->v, false, &c), COFRE_OUT_OK);
    vf_member(vf_body(&c), "vkey", vkey);
    assert_memory_equal(vf_body(&c), "{\"class\":\"audit\",\"from\":1,\"to\":2,", 33);
    cofre_call_free(&c);
    assert_int_equal(log_epochs(f->v->log), 2);
    assert_memory_not_equal(first.public_key, f->v->signer->verifier.public_key, NOTE_PUBLIC);
    assert_null(f->v->next);
    assert_int_equal(f->v->keys->log_epoch, secret + 1);

    /* The old file has no name any more; what a descriptor still sees of it is noise. */
    after = read_fd(fd);
    assert_int_equal(after.len, before.len);
    for (size_t i = 0; i + 8 <= before.len; i++)
        assert_memory_not_equal(after.p + i, before.p + i, 8);
    close(fd);
    assert_no_leftovers(f);

    entry = vf_entry(f->v, vf_size(f->v) - 1);
    assert_non_null(strstr((char *)entry.p, "\"act\":\"audit-rotate\",\"ok\":true"));
    assert_non_null(strstr((char *)entry.p, "\"fields\":[\"epoch-2\",\""));
    buf_free(&entry);
    buf_free(&before);
    buf_free(&after);
    vf_close(f);
    vf_verify(f);
    vf_open(f);
    rotated(f->v);
    rotated(f->v);
    assert_int_equal(log_epochs(f->v->log), 4);
    vf_close(f);
    vf_verify(f);
    vf_open(f);
}

static void
a_dry_run_changes_nothing(void **state)
{
    struct vf *f = *state;
    struct buf before, after, entry;
    struct cofre_call c;
    int fd = open_in(f, "signing");

    before = read_fd(fd);
    assert_int_equal(rotate(f->v, true, &c), COFRE_OUT_OK);
    assert_string_equal(vf_body(&c), "{\"class\":\"audit\",\"from\":1,\"to\":2,\"dry_run\":true}");
    cofre_call_free(&c);
    after = read_fd(fd);
    close(fd);
    assert_true(bytes_equal(buf_bytes(&before), buf_bytes(&after)));
    assert_int_equal(log_epochs(f->v->log), 1);
    entry = vf_entry(f->v, vf_size(f->v) - 1);
    assert_non_null(strstr((char *)entry.p, "\"act\":\"key-rotate\",\"ok\":true"));
    assert_non_null(strstr((char *)entry.p, "\"fields\":[\"audit\",\"dry-run\"]"));
    buf_free(&entry);
    buf_free(&before);
    buf_free(&after);
    vf_close(f);
    vf_verify(f);
    vf_open(f);
}

static void
two_at_a_time_are_one_too_many(void **state)
{
    struct vf *f = *state;
    struct cofre_call c;

    pthread_mutex_lock(&f->v->signing_lock);
    assert_int_equal(rotate(f->v, false, &c), COFRE_OUT_BUSY);
    cofre_call_free(&c);
    pthread_mutex_unlock(&f->v->signing_lock);
    rotated(f->v);
}

static void
another_role_may_not(void **state)
{
    const struct cofre_rotate_in in = {.class = BYTES_LIT("audit")};
    struct vf *f = *state;
    struct cofre_call c;

    vf_call(&c, COFRE_ROLE_COMPLIANCE, COFRE_ACT_KEY_ROTATE);
    cofre_key_rotate(f->v, &c, &in, NULL);
    assert_int_equal(c.outcome, COFRE_OUT_FORBIDDEN);
    cofre_call_free(&c);
    assert_int_equal(log_epochs(f->v->log), 1);
}

/* Somebody whose secrets are in the cache is tagged under the new secret, too. */
static void
tags_are_made_under_the_new_secret(void **state)
{
    struct vf *f = *state;
    struct store_conn *conn;
    struct store_customer row;
    uint8_t want[KEY_LEN], num[STORE_ID];
    struct person p, q;
    char id[128];

    vf_customer(f->v, "1001", id);
    OK(encode_id_parse(bytes_str(id), "cus_", num));
    OK(store_snapshot(f->v->store, &conn, NULL));
    OK(store_customer_get(conn, num, &row));
    OK(person_open(f->v, &row, &p));
    rotated(f->v);
    OK(person_open(f->v, &row, &q));
    store_snapshot_end(conn);
    assert_memory_not_equal(p.tag_key, q.tag_key, KEY_LEN);
    for (uint32_t epoch = p.tag_epoch; epoch <= q.tag_epoch; epoch++) {
        const struct pseudonym_log log = {
            .vault = f->v->id, .secret = keyring_key(f->v->ring, KEYRING_LOG, 0, epoch), .epoch = epoch};

        pseudonym_subject_key(&log, q.bundle.ps, want);
        assert_memory_equal(want, epoch == p.tag_epoch ? p.tag_key : q.tag_key, KEY_LEN);
    }
    assert_int_equal(q.tag_epoch, p.tag_epoch + 1);
    person_new(f->v, &p);
    assert_int_equal(p.tag_epoch, q.tag_epoch);
}

/* ---- under load ---- */

struct load {
    struct cofre_vault *v;
    atomic_bool stop;
    unsigned failed;
    unsigned done;
};

static void *
read_on(void *arg)
{
    struct load *l = arg;

    while (!atomic_load(&l->stop)) {
        struct cofre_call c;

        l->failed += vf_records(l->v, 10, NULL, &c) != COFRE_OUT_OK;
        l->done++;
        cofre_call_free(&c);
    }
    return NULL;
}

static void
reads_go_on_meanwhile(void **state)
{
    struct vf *f = *state;
    struct load loads[3];
    pthread_t threads[3];
    char id[128];

    assert_int_equal(vf_apply(f->v, vf_view, false), COFRE_OUT_OK);
    vf_customer(f->v, "1001", id);
    for (int i = 0; i < 3; i++) {
        loads[i] = (struct load){.v = f->v};
        assert_int_equal(pthread_create(&threads[i], NULL, read_on, &loads[i]), 0);
    }
    for (int i = 0; i < 10; i++) {
        struct buf vkeys = BUF_INIT;

        rotated(f->v);
        OK(cofre_audit_vkeys(f->v, &vkeys));
        buf_free(&vkeys);
    }
    for (int i = 0; i < 3; i++) {
        atomic_store(&loads[i].stop, true);
        pthread_join(threads[i], NULL);
        assert_int_equal(loads[i].failed, 0);
        assert_true(loads[i].done > 0);
    }
    assert_int_equal(log_epochs(f->v->log), 11);
    vf_close(f);
    vf_verify(f);
    vf_open(f);
}

/* ---- crashes: the vault's side of them; the log's are in test_log_epoch.c ---- */

/* The key is in the file, and no entry names it. */
static void
a_key_that_no_entry_names_is_dropped(void **state)
{
    struct vf *f = *state;
    struct note_verifier present = f->v->signer->verifier;
    struct buf before, after;
    struct vf crash;
    int fd;

    OK(signing_new(f->v->origin, &f->v->next));
    OK(signing_save(f->v, NULL));
    vf_crash(f, &crash);
    fd = open_in(&crash, "signing");
    before = read_fd(fd);
    vf_open(&crash);
    assert_null(crash.v->next);
    assert_memory_equal(crash.v->signer->verifier.public_key, present.public_key, NOTE_PUBLIC);
    assert_int_equal(log_epochs(crash.v->log), 1);
    after = read_fd(fd);
    close(fd);
    assert_false(bytes_equal(buf_bytes(&before), buf_bytes(&after)));
    rotated(crash.v);
    vf_close(&crash);
    vf_verify(&crash);
    vf_open(&crash);
    vf_close(&crash);
    vf_remove(crash.dir);
    buf_free(&before);
    buf_free(&after);
}

static void
write_end(struct cofre_vault *v, enum cofre_act act)
{
    struct cofre_call c;

    vf_call(&c, COFRE_ROLE_ADMIN, act);
    signing_put_fields(v, &c);
    assert_int_equal(vf_submit(v, &c), COFRE_OUT_OK);
    cofre_call_free(&c);
}

static void
a_key_that_an_entry_names_signs_after_a_crash(void **state)
{
    for (int sealed = 0; sealed < 2; sealed++) {
        struct vf *f = *state;
        struct note_verifier next;
        struct vf crash;

        OK(signing_new(f->v->origin, &f->v->next));
        next = f->v->next->verifier;
        OK(signing_save(f->v, NULL));
        OK(log_epoch_arm(f->v->log, f->v->next, NULL));
        if (sealed == 0)
            log_pause(f->v->log); /* no round of the builder: the entry is there, and nothing else */
        write_end(f->v, COFRE_ACT_AUDIT_ROTATE);
        if (sealed != 0)
            OK(log_epoch_wait(f->v->log, NULL));
        vf_crash(f, &crash);
        if (sealed == 0)
            log_resume(f->v->log);
        vf_open(&crash);
        assert_null(crash.v->next);
        assert_memory_equal(crash.v->signer->verifier.public_key, next.public_key, NOTE_PUBLIC);
        rotated(crash.v);
        vf_close(&crash);
        vf_verify(&crash);
        vf_open(&crash);
        vf_close(&crash);
        vf_remove(crash.dir);
        /* The vault that went on: its next rotation finds the one before done. */
        OK(log_epoch_wait(f->v->log, NULL));
        rotated(f->v);
        assert_null(f->v->next);
    }
}

/* Between the second name and the overwriting. */
static void
what_a_crash_left_of_a_former_file_is_overwritten(void **state)
{
    struct vf *f = *state;
    struct buf before, after;
    int fd;

    vf_close(f);
    vf_shell("cp $1/signing $1/signing.old; cp $1/signing $1/signing.new", f->dir, "");
    fd = open_in(f, "signing.old");
    before = read_fd(fd);
    vf_open(f);
    after = read_fd(fd);
    close(fd);
    assert_int_equal(before.len, after.len);
    assert_false(bytes_equal(buf_bytes(&before), buf_bytes(&after)));
    assert_no_leftovers(f);
    vf_close(f);
    /* A second name of the file itself is not to be overwritten. */
    vf_shell("ln $1/signing $1/signing.old", f->dir, "");
    vf_open(f);
    assert_no_leftovers(f);
    vf_close(f);
    vf_open(f);
    buf_free(&before);
    buf_free(&after);
}

/* ---- the file ---- */

static void
a_file_of_format_one_is_read(void **state)
{
    struct vf *f = *state;
    const struct box_key box = {
        .kind = BOX_SIGNING, .version = 1, .key = f->v->keys->signing_sealing};
    const struct bytes vault = BYTES_OF(f->v->id);
    struct buf plain = BUF_INIT, ad = BUF_INIT, sealed = BUF_INIT;
    char path[64];
    int fd;

    buf_put(&plain, secret_bytes(f->v->signer->key).p, NOTE_SEED);
    buf_puts(&plain, f->v->origin);
    pae_put(&ad, "cofre/v1/signing-file", &vault, 1);
    box_seal(&sealed, &box, buf_bytes(&ad), buf_bytes(&plain));
    vf_close(f);
    snprintf(path, sizeof path, "%s/signing", f->dir);
    fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_int_equal(write(fd, sealed.p, sealed.len), (ssize_t)sealed.len);
    close(fd);
    vf_open(f);
    rotated(f->v);
    vf_close(f);
    vf_verify(f);
    vf_open(f);
    buf_free(&plain);
    buf_free(&ad);
    buf_free(&sealed);
}

static void
every_flipped_byte_of_the_file_is_refused(void **state)
{
    struct vf *f = *state;
    struct buf whole;
    char path[64];
    int fd = open_in(f, "signing");

    whole = read_fd(fd);
    close(fd);
    vf_close(f);
    snprintf(path, sizeof path, "%s/signing", f->dir);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    for (size_t i = 0; i < whole.len; i += 5) {
        uint8_t other = whole.p[i] ^ 1;

        assert_int_equal(pwrite(fd, &other, 1, (off_t)i), 1);
        refused(f, "cofre audit recover");
        assert_int_equal(pwrite(fd, &whole.p[i], 1, (off_t)i), 1);
    }
    assert_int_equal(ftruncate(fd, (off_t)whole.len - 1), 0);
    refused(f, "cofre audit recover");
    assert_int_equal(ftruncate(fd, 0), 0);
    refused(f, "cofre audit recover");
    assert_int_equal(pwrite(fd, whole.p, whole.len, 0), (ssize_t)whole.len);
    close(fd);
    vf_open(f);
    buf_free(&whole);
}

static void
the_file_of_a_former_epoch_is_refused(void **state)
{
    struct vf *f = *state;

    vf_shell("cp $1/signing $1.signing", f->dir, "");
    rotated(f->v);
    vf_close(f);
    vf_shell("cp $1/signing $1.newer; cp $1.signing $1/signing", f->dir, "");
    refused(f, "cofre audit recover");
    vf_shell("cp $1.newer $1/signing; rm $1.newer $1.signing", f->dir, "");
    vf_open(f);
}

/* ---- recovery ---- */

static enum cofre_err
keep(void *ctx, struct bytes private_key, struct cofre_why *why)
{
    (void)why;
    buf_putb(ctx, private_key);
    return buf_error(ctx);
}

/* A vault with a recovery key, closed. */
static void
create_with_recovery(struct vf *f, struct buf *key)
{
    struct buf vkey = BUF_INIT;

    strcpy(f->dir, "vault-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    f->config = vf_config(f->dir);
    f->config.keep_recovery = keep;
    f->config.keep_ctx = key;
    f->v = NULL;
    f->why.text[0] = 0;
    OK(cofre_vault_create(&f->config, "test.example/vault", "uid-0", &vkey, &f->why));
    buf_free(&vkey);
    f->config.keep_recovery = NULL;
}

static enum cofre_err
try_recover(struct vf *f, struct bytes key, struct buf *out)
{
    buf_reset(out);
    f->why.text[0] = 0;
    return cofre_vault_recover(&f->config, key, "uid-0", out, &f->why);
}

static void
recovered(struct vf *f, struct bytes key, uint32_t epoch)
{
    struct buf out = BUF_INIT;
    char text[32];

    if (try_recover(f, key, &out) != COFRE_OK)
        fail_msg("recover: %s", f->why.text);
    snprintf(text, sizeof text, "{\"epoch\":%u,", epoch);
    assert_memory_equal(out.p, text, strlen(text));
    buf_free(&out);
    vf_verify(f);
    vf_open(f);
    assert_int_equal(log_epochs(f->v->log), epoch);
    rotated(f->v);
    vf_close(f);
    vf_verify(f);
}

static void
the_recovery_key_replaces_a_lost_signing_key(void **state)
{
    struct buf key = BUF_INIT, out = BUF_INIT;
    struct vf f;

    (void)state;
    create_with_recovery(&f, &key);
    vf_open(&f);
    vf_close(&f);
    vf_verify(&f);
    assert_int_equal(try_recover(&f, buf_bytes(&key), &out), COFRE_ECONFLICT);
    vf_shell("rm $1/signing", f.dir, "");
    refused(&f, "is missing");
    refused(&f, "cofre audit recover");
    recovered(&f, buf_bytes(&key), 2);
    /* Unreadable, and from another epoch. */
    vf_shell("cp $1/signing $1.old; echo x > $1/signing", f.dir, "");
    refused(&f, "cofre audit recover");
    recovered(&f, buf_bytes(&key), 4);
    vf_shell("cp $1.old $1/signing; rm $1.old", f.dir, "");
    recovered(&f, buf_bytes(&key), 6);
    buf_free(&key);
    buf_free(&out);
    vf_remove(f.dir);
}

/* What cannot be read may be good: nothing is replaced, and the file stays. */
static void
a_key_that_may_be_good_is_not_replaced(void **state)
{
    struct buf key = BUF_INIT, out = BUF_INIT;
    struct vf f;

    (void)state;
    create_with_recovery(&f, &key);
    vf_shell("chmod 640 $1/signing; cp -p $1/signing $1.before", f.dir, "");
    assert_int_equal(try_recover(&f, buf_bytes(&key), &out), COFRE_EREFUSED);
    assert_non_null(strstr(f.why.text, "chmod 600"));
    assert_non_null(strstr(f.why.text, "may be good"));
    vf_shell("cmp $1/signing $1.before", f.dir, "");
    vf_shell("rm $1/signing; ln -s ../$(basename $1).before $1/signing", f.dir, "");
    assert_int_equal(try_recover(&f, buf_bytes(&key), &out), COFRE_EIO);
    vf_shell("rm $1/signing; mv $1.before $1/signing; chmod 600 $1/signing", f.dir, "");
    vf_open(&f);
    assert_int_equal(log_epochs(f.v->log), 1);
    vf_close(&f);
    vf_verify(&f);
    buf_free(&key);
    buf_free(&out);
    vf_remove(f.dir);
}

static void
another_key_recovers_nothing(void **state)
{
    struct buf key = BUF_INIT, other = BUF_INIT, out = BUF_INIT;
    struct vf f, g;

    (void)state;
    create_with_recovery(&f, &key);
    create_with_recovery(&g, &other);
    vf_shell("rm $1/signing $2/signing", f.dir, g.dir);
    assert_int_equal(try_recover(&f, buf_bytes(&other), &out), COFRE_EREFUSED);
    assert_non_null(strstr(f.why.text, "not the recovery key that the log names"));
    assert_int_equal(try_recover(&f, BYTES_LIT("PRIVATE+KEY+x"), &out), COFRE_EFORMAT);
    assert_int_equal(try_recover(&f, BYTES_NONE, &out), COFRE_EFORMAT);
    recovered(&f, buf_bytes(&key), 2);
    buf_free(&key);
    buf_free(&other);
    buf_free(&out);
    vf_remove(f.dir);
    vf_remove(g.dir);
}

static void
a_vault_without_a_recovery_key_says_so(void **state)
{
    struct vf *f = *state;
    struct buf out = BUF_INIT, key = BUF_INIT;
    struct vf g;

    create_with_recovery(&g, &key);
    vf_close(f);
    vf_shell("mv $1/signing $1.kept", f->dir, "");
    assert_int_equal(try_recover(f, buf_bytes(&key), &out), COFRE_EREFUSED);
    assert_non_null(strstr(f->why.text, "without a recovery key"));
    vf_shell("mv $1.kept $1/signing", f->dir, "");
    vf_open(f);
    vf_remove(g.dir);
    buf_free(&out);
    buf_free(&key);
}

/* The new key is saved, and perhaps named by an entry: the next attempt goes on with it. */
static void
a_recovery_that_was_cut_off_goes_on(void **state)
{
    (void)state;
    for (int named = 0; named < 2; named++) {
        struct buf key = BUF_INIT;
        struct cofre_why why = {""};
        struct note_signer certifier;
        struct vf f;

        create_with_recovery(&f, &key);
        vf_open(&f);
        OK(note_key_parse(buf_bytes(&key), &certifier));
        if (named != 0) {
            /* As if the entry had been written, and the seal not. */
            struct log *l;
            struct note_signer *lost = f.v->signer;
            struct note_signer *next;
            struct log_config c;
            struct cofre_call call;
            uint8_t leaf[HASH_LEN];
            struct bytes line, names[2];
            struct entry e = audit_dir_entry(0);

            OK(signing_new(f.v->origin, &next));
            f.v->signer = NULL;
            f.v->next = next;
            OK(signing_save(f.v, NULL));
            vf_call(&call, COFRE_ROLE_ADMIN, COFRE_ACT_AUDIT_RECOVER);
            signing_put_fields(f.v, &call);
            f.v->signer = lost;
            vf_sign(f.v);
            f.v->next = NULL;
            c = vault_log_config(f.v, &f.config);
            c.dir = dup(f.v->audit_fd);
            c.tmp_dir = dup(f.v->dir_fd);
            vf_close(&f);
            c.signer = NULL;
            c.next = next;
            c.certifier = &certifier;
            if (log_open_held(&c, &l, &why) != COFRE_OK || log_start(l, &why) != COFRE_OK)
                fail_msg("%s", why.text);
            log_pause(l);
            e.act = BYTES_LIT("audit-recover");
            e.ok = true;
            names[0] = bytes_str((char *)call.fields.p);
            names[1] = bytes_str((char *)call.fields.p + names[0].len + 1);
            e.fields = names;
            e.n_fields = 2;
            names[1].len = 64;
            OK(log_stage(l, &e, leaf, &line));
            OK(log_commit(l, &why));
            vf_shell("rm -rf $1.crash && cp -a $1 $1.crash", f.dir, "");
            log_resume(l);
            OK(log_close(l, &why));
            close(c.dir);
            close(c.tmp_dir);
            cofre_call_free(&call);
            signing_free(next);
            vf_shell("rm -rf $1 && mv $1.crash $1", f.dir, "");
        } else {
            vf_close(&f);
            vf_shell("rm $1/signing", f.dir, "");
        }
        refused(&f, "cofre audit recover");
        recovered(&f, buf_bytes(&key), 2);
        note_signer_free(&certifier);
        buf_free(&key);
        vf_remove(f.dir);
    }
}

static void
a_private_key_has_one_spelling(void **state)
{
    struct note_signer s, again;
    uint8_t seed[NOTE_SEED] = {9};
    struct buf text = BUF_INIT;

    (void)state;
    OK(note_signer_init(&s, "test.example/log", seed));
    note_key_put(&text, &s);
    OK(note_key_parse(buf_bytes(&text), &again));
    assert_memory_equal(again.verifier.public_key, s.verifier.public_key, NOTE_PUBLIC);
    note_signer_free(&again);
    OK(note_key_parse((struct bytes){text.p, text.len - 1}, &again));
    note_signer_free(&again);
    for (size_t i = 0; i < text.len; i++) {
        text.p[i] ^= 1;
        assert_int_equal(note_key_parse(buf_bytes(&text), &again), COFRE_EFORMAT);
        text.p[i] ^= 1;
    }
    for (size_t len = 0; len + 1 < text.len; len++) {
        struct bytes exact = unit_exact((struct bytes){text.p, len});

        assert_int_equal(note_key_parse(exact, &again), COFRE_EFORMAT);
        unit_exact_free(exact);
    }
    note_signer_free(&s);
    buf_free(&text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_next_key_signs_and_the_former_one_is_gone),
        TEST(a_dry_run_changes_nothing),
        TEST(two_at_a_time_are_one_too_many),
        TEST(another_role_may_not),
        TEST(tags_are_made_under_the_new_secret),
        TEST(reads_go_on_meanwhile),
        TEST(a_key_that_no_entry_names_is_dropped),
        TEST(a_key_that_an_entry_names_signs_after_a_crash),
        TEST(what_a_crash_left_of_a_former_file_is_overwritten),
        TEST(a_file_of_format_one_is_read),
        TEST(every_flipped_byte_of_the_file_is_refused),
        TEST(the_file_of_a_former_epoch_is_refused),
        cmocka_unit_test(the_recovery_key_replaces_a_lost_signing_key),
        cmocka_unit_test(a_key_that_may_be_good_is_not_replaced),
        cmocka_unit_test(another_key_recovers_nothing),
        TEST(a_vault_without_a_recovery_key_says_so),
        cmocka_unit_test(a_recovery_that_was_cut_off_goes_on),
        cmocka_unit_test(a_private_key_has_one_spelling),
    };

    return cmocka_run_group_tests(tests, vf_group, NULL);
}
