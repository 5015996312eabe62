/* timeout: 600 */
#include "vault_fixture.h"

/* A line for each file below dir: path, size, sum of its bytes.  The locks' and the index's files apart. */
static struct buf
tree_of(const char *dir)
{
    char command[256];
    struct buf out = BUF_INIT;
    FILE *p;
    size_t n;

    snprintf(command, sizeof command,
             "cd %s && find . -type f -size +0 ! -name '*-shm' ! -name lock | sort | xargs sha256sum", dir);
    assert_non_null(p = popen(command, "r"));
    do {
        n = fread(buf_reserve(&out, 65536), 1, 65536, p);
        out.len += n;
    } while (n > 0);
    assert_int_equal(pclose(p), 0);
    return out;
}

/* Opening is refused with this code, and every file stays what it was. */
static void
assert_refused(struct vf *f, enum cofre_err want, const char *says)
{
    struct buf before = tree_of(f->dir);
    struct buf after;
    enum cofre_err err = vf_try_open(f);

    if (err != want)
        fail_msg("%s: %s, not %s", cofre_err_text(err), f->why.text, cofre_err_text(want));
    assert_null(f->v);
    if (strstr(f->why.text, says) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", f->why.text, says);
    after = tree_of(f->dir);
    if (!bytes_equal(buf_bytes(&before), buf_bytes(&after)))
        fail_msg("before:\n%.*s\nafter:\n%.*s", (int)before.len, (char *)before.p, (int)after.len,
                 (char *)after.p);
    buf_free(&before);
    buf_free(&after);
}

static void
what_was_made_opens_again(void **state)
{
    struct vf *f = *state;
    struct cofre_vault_stats stats;
    struct buf entry = vf_entry(f->v, 0);
    char id[128];

    assert_non_null(strstr((char *)entry.p, "\"act\":\"init\",\"ok\":true"));
    buf_free(&entry);
    vf_customer(f->v, "1001", id);
    assert_true(cofre_vault_ready(f->v, NULL));
    cofre_vault_stats(f->v, &stats);
    assert_int_equal(stats.log_size, 2);
    assert_int_equal(stats.mutations, 1);
    assert_int_equal(stats.entries, 1);
    vf_close(f);
    vf_verify(f);
    vf_open(f);
    assert_int_equal(vf_size(f->v), 2);
}

static void
another_secret_opens_nothing(void **state)
{
    static const uint8_t other[32] = {9};
    struct vf *f = *state;

    vf_close(f);
    f->config.secret = BYTES_OF(other);
    assert_refused(f, COFRE_EAUTH, "no keyslot opens");
    f->config = vf_config(f->dir);
    vf_open(f);
}

static void
one_process_has_it(void **state)
{
    struct vf *f = *state;
    struct cofre_vault *second = NULL;

    assert_int_equal(cofre_vault_open(&f->config, &second, NULL), COFRE_EBUSY);
    assert_null(second);
    assert_true(cofre_vault_ready(f->v, NULL));
}

static void
a_place_without_a_vault_is_named_so(void **state)
{
    struct vf f = {.dir = "nothing-here"};

    (void)state;
    vf_shell("rm -rf $1", f.dir, "");
    f.config = vf_config(f.dir);
    assert_int_equal(vf_try_open(&f), COFRE_ENOENT);
    assert_int_equal(mkdir(f.dir, 0700), 0);
    assert_int_equal(vf_try_open(&f), COFRE_ENOENT);
    assert_int_equal(rmdir(f.dir), 0); /* nothing was left in it */
}

static void
create_refuses_a_directory_that_is_not_empty(void **state)
{
    struct vf *f = *state;
    struct buf vkey = BUF_INIT;
    struct buf before = BUF_INIT;
    struct buf after = BUF_INIT;
    struct vf g = {.dir = "not-empty"};

    vf_close(f);
    before = tree_of(f->dir);
    assert_int_equal(cofre_vault_create(&f->config, NULL, "uid-0", &vkey, NULL), COFRE_EEXIST);
    after = tree_of(f->dir);
    assert_true(bytes_equal(buf_bytes(&before), buf_bytes(&after)));
    buf_free(&before);
    buf_free(&after);

    g.config = vf_config(g.dir);
    vf_shell("rm -rf $1 && mkdir -m 755 $2 && echo mine > not-empty/notes", g.dir, g.dir);
    assert_int_equal(cofre_vault_create(&g.config, NULL, "uid-0", &vkey, &g.why), COFRE_EEXIST);
    assert_string_equal(g.why.text, "the directory is not empty");
    vf_shell("test \"$(ls -A $1)\" = notes && test $(stat -c %a $2) = 755", g.dir, g.dir);
    vf_remove(g.dir);
    assert_int_equal(vkey.len, 0);
}

static void
a_making_that_fails_late_leaves_nothing(void **state)
{
    struct buf vkey = BUF_INIT;
    struct vf f = {.dir = "late"};

    (void)state;
    vf_shell("rm -rf $1", f.dir, "");
    f.config = vf_config(f.dir);
    f.config.anchor = "no-such-directory/anchor"; /* the last thing that is written */
    assert_int_not_equal(cofre_vault_create(&f.config, NULL, "uid-0", &vkey, NULL), COFRE_OK);
    assert_int_equal(access(f.dir, F_OK), -1);

    vf_shell("mkdir -m 750 $1$2", f.dir, "");
    assert_int_not_equal(cofre_vault_create(&f.config, NULL, "uid-0", &vkey, NULL), COFRE_OK);
    vf_shell("test -z \"$(ls -A $1)\" && test $(stat -c %a $2) = 750", f.dir, f.dir);

    /* A bad origin, found earlier. */
    f.config.anchor = NULL;
    assert_int_equal(cofre_vault_create(&f.config, "two words", "uid-0", &vkey, NULL),
                     COFRE_EINVAL);
    assert_int_equal(rmdir(f.dir), 0);
}

static void
create_does_not_touch_an_anchor_that_is_there(void **state)
{
    struct vf *f = *state;
    struct buf vkey = BUF_INIT;
    struct vf g = {.dir = "second"};
    char anchor[96];

    snprintf(anchor, sizeof anchor, "%s/anchor", f->dir);
    vf_shell("rm -rf $1", g.dir, "");
    vf_close(f);
    g.config = vf_config(g.dir);
    g.config.anchor = anchor;
    assert_int_equal(cofre_vault_create(&g.config, NULL, "uid-0", &vkey, NULL), COFRE_EEXIST);
    assert_int_equal(access(g.dir, F_OK), -1);
    vf_open(f);
}

/* ---- what is older, altered or gone ---- */

static void
admin_reads(struct vf *f)
{
    struct cofre_call c;

    vf_call(&c, COFRE_ROLE_ADMIN, COFRE_ACT_STATUS);
    cofre_admin_status(f->v, &c);
    assert_int_equal(vf_submit(f->v, &c), COFRE_OUT_OK);
    cofre_call_free(&c);
}

static void
an_older_database_is_refused(void **state)
{
    struct vf *f = *state;
    char id[128];

    vf_customer(f->v, "1001", id);
    vf_close(f);
    vf_shell("cp $1/vault.db $2.older", f->dir, f->dir);
    vf_open(f);
    vf_customer(f->v, "1002", id);
    vf_close(f);
    vf_shell("mv $1.older $2/vault.db", f->dir, f->dir);
    assert_refused(f, COFRE_EINTEGRITY, "vault.db is older than audit/");
}

/* No entry of the log shows it: rows moved in silence by a job. */
static void
an_older_database_without_entries_is_refused_by_the_anchor(void **state)
{
    struct vf *f = *state;
    char id[128];

    vf_customer(f->v, "1001", id);
    vf_close(f);
    vf_shell("cp $1/vault.db $2.older", f->dir, f->dir);
    vf_open(f);
    /* A view whose applying is cut off: a scope is made, without an entry that says ok. */
    {
        struct cofre_call c;

        vf_call(&c, COFRE_ROLE_ADMIN, COFRE_ACT_VIEW_APPLY);
        cofre_view_apply(f->v, &c, bytes_str(vf_view), false, NULL);
        assert_true(cofre_call_ok(&c));
        cofre_call_free(&c); /* never submitted */
    }
    admin_reads(f);
    vf_close(f);
    vf_shell("mv $1.older $2/vault.db", f->dir, f->dir);
    assert_refused(f, COFRE_EINTEGRITY, "vault.db (generation");
}

static void
an_older_log_is_refused(void **state)
{
    struct vf *f = *state;
    char id[128];

    vf_customer(f->v, "1001", id);
    vf_close(f);
    vf_shell("cp -a $1/audit $2.older", f->dir, f->dir);
    vf_open(f);
    vf_customer(f->v, "1002", id);
    admin_reads(f);
    vf_customer(f->v, "1003", id);
    vf_close(f);
    vf_shell("rm -r $1/audit", f->dir, "");
    vf_shell("mv $1.older $2/audit", f->dir, f->dir);
    assert_refused(f, COFRE_EINTEGRITY, "audit/");
}

static void
a_log_that_lost_reads_alone_is_refused_by_the_anchor(void **state)
{
    struct vf *f = *state;
    char id[128];

    vf_customer(f->v, "1001", id);
    vf_close(f);
    vf_shell("cp -a $1/audit $2.older", f->dir, f->dir);
    vf_open(f);
    admin_reads(f);
    vf_close(f);
    vf_shell("rm -r $1/audit", f->dir, "");
    vf_shell("mv $1.older $2/audit", f->dir, f->dir);
    assert_refused(f, COFRE_EINTEGRITY, "older than the anchor");
}

static void
the_anchor_must_be_there_whole_and_ours(void **state)
{
    struct vf *f = *state;
    char path[96];
    char byte;
    int fd;

    vf_close(f);
    snprintf(path, sizeof path, "%s/anchor", f->dir);
    vf_shell("cp -p $1 $2.kept", path, path);
    assert_int_equal(unlink(path), 0);
    assert_refused(f, COFRE_EINTEGRITY, "the anchor is missing");
    for (off_t at = 0; at < 120; at += 7) {
        vf_shell("cp -p $1.kept $2", path, path);
        assert_true((fd = open(path, O_RDWR)) >= 0);
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        byte ^= 4;
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        close(fd);
        assert_int_equal(vf_try_open(f), COFRE_EINTEGRITY);
    }
    vf_shell("cp -p $1.kept $2 && truncate -s 119 $2", path, path);
    assert_refused(f, COFRE_EINTEGRITY, "altered");
    vf_shell("cp -p $1.kept $2 && echo >> $2", path, path);
    assert_refused(f, COFRE_EINTEGRITY, "anchor");
    vf_shell("cp -p $1.kept $2", path, path);
    vf_open(f);
}

static void
a_keyring_that_is_older_is_refused(void **state)
{
    struct vf *f = *state;

    vf_close(f);
    vf_shell("cp -p $1/keyring $2.older", f->dir, f->dir);
    vf_open(f);
    assert_int_equal(vf_apply(f->v, vf_view, false), COFRE_OUT_OK); /* makes a key */
    vf_close(f);
    vf_shell("mv $1.older $2/keyring", f->dir, f->dir);
    assert_refused(f, COFRE_EINTEGRITY, "keyring (generation");
}

static void
files_that_are_gone_are_named(void **state)
{
    static const char *const names[] = {"keyring", "signing", "keyslots", "vault.db"};
    struct vf *f = *state;
    char path[96];

    vf_close(f);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", f->dir, names[i]);
        vf_shell("mv $1 $2.away", path, path);
        assert_int_equal(vf_try_open(f), COFRE_EINTEGRITY);
        assert_non_null(strstr(f->why.text, names[i]));
        vf_shell("mv $1.away $2", path, path);
    }
    vf_open(f);
}

/* ---- crashes ---- */

/* Cuts the last record off the journal, as if it had never been written. */
static void
cut_last_record(const struct vf *f, bool torn)
{
    char path[128];
    struct buf file = BUF_INIT;
    size_t at = 0;
    size_t last = 0;
    struct audit_dir d;
    int fd;

    vf_shell("ls $1/audit/journal | tail -1 > $2.name", f->dir, f->dir);
    snprintf(path, sizeof path, "%s.name", f->dir);
    d.dir = AT_FDCWD;
    file = audit_dir_read(&d, path);
    unlink(path);
    snprintf(path, sizeof path, "%s/audit/journal/%.20s", f->dir, (char *)file.p);
    buf_free(&file);
    file = audit_dir_read(&d, path);
    while (at < file.len) {
        last = at;
        at += 16 + bytes_get_le32(file.p + at);
    }
    assert_int_equal(at, file.len);
    assert_true((fd = open(path, O_WRONLY)) >= 0);
    assert_int_equal(ftruncate(fd, (off_t)(torn ? last + 100 : last)), 0);
    close(fd);
    buf_free(&file);
}

static void
entries_that_the_journal_did_not_get_are_appended_at_the_start(void **state)
{
    struct vf *f = *state;
    struct vf crash;
    struct cofre_call c;
    struct buf before;
    struct buf after;
    char id[128];

    vf_close(f);
    f->config.checkpoint_ms = VF_NEVER;
    for (int torn = 0; torn < 2; torn++) {
        vf_open(f);
        vf_customer(f->v, torn ? "2001" : "1001", id);
        vf_sign(f->v);
        vf_shell("cp -p $1/anchor $2.anchor", f->dir, f->dir); /* may be a second old */
        assert_int_equal(vf_event(f->v, id, torn ? "e-2" : "e-1", "11.77", &c), COFRE_OUT_OK);
        before = vf_entry(f->v, c.seq);
        vf_crash(f, &crash);
        vf_shell("cp -p $1.anchor $2.crash/anchor", f->dir, f->dir);
        cut_last_record(&crash, torn != 0);

        vf_open(&crash);
        assert_int_equal(vf_size(crash.v), c.seq + 1);
        after = vf_entry(crash.v, c.seq);
        assert_string_equal((char *)before.p, (char *)after.p);
        buf_free(&before);
        buf_free(&after);
        cofre_call_free(&c);
        vf_close(&crash);
        vf_verify(&crash);
        vf_remove(crash.dir);
        vf_close(f);
    }
    vf_shell("rm $1$2.anchor", f->dir, "");
    vf_open(f);
}

/* Two crashes in a row: the outbox is not lost by the first start. */
static void
a_refused_start_changes_nothing_after_a_crash(void **state)
{
    struct vf *f = *state;
    struct vf crash;
    struct cofre_call c;
    char id[128];
    char path[96];

    vf_close(f);
    f->config.checkpoint_ms = VF_NEVER;
    vf_open(f);
    vf_customer(f->v, "1001", id);
    vf_sign(f->v);
    vf_shell("cp -p $1/anchor $2.anchor", f->dir, f->dir);
    assert_int_equal(vf_event(f->v, id, "e-1", "11.77", &c), COFRE_OUT_OK);
    vf_crash(f, &crash);
    cut_last_record(&crash, true); /* torn, owed, unsigned, with a -wal: everything is to be done */
    snprintf(path, sizeof path, "%s/anchor", crash.dir);
    assert_int_equal(unlink(path), 0);
    assert_refused(&crash, COFRE_EINTEGRITY, "the anchor is missing");
    assert_refused(&crash, COFRE_EINTEGRITY, "the anchor is missing");
    vf_shell("mv $1.anchor $2.crash/anchor", f->dir, f->dir);
    vf_open(&crash);
    assert_int_equal(vf_size(crash.v), c.seq + 1);
    vf_close(&crash);
    vf_verify(&crash);
    vf_remove(crash.dir);
    cofre_call_free(&c);
}

/* ---- dry runs ---- */

/* Their entries name acts that change rows, and no rows change: the next start must not miss them. */
static void
a_dry_run_does_not_make_the_database_look_older(void **state)
{
    struct vf *f = *state;
    struct cofre_call c;
    struct buf entry;

    assert_int_equal(vf_apply(f->v, vf_view, true), COFRE_OUT_OK);
    entry = vf_entry(f->v, vf_size(f->v) - 1);
    assert_non_null(strstr((char *)entry.p, "\"act\":\"view-apply\",\"ok\":true"));
    assert_non_null(strstr((char *)entry.p, "\"dry-run\""));
    buf_free(&entry);
    vf_close(f);
    vf_open(f);

    vf_call(&c, COFRE_ROLE_ADMIN, COFRE_ACT_SCHEMA_APPLY);
    cofre_schema_apply(f->v, &c, bytes_str(schema_default), true);
    assert_int_equal(vf_submit(f->v, &c), COFRE_OUT_OK);
    cofre_call_free(&c);
    vf_close(f);
    vf_open(f);

    vf_call(&c, COFRE_ROLE_ADMIN, COFRE_ACT_KEY_ROTATE);
    cofre_key_rotate(f->v, &c, &(struct cofre_rotate_in){.class = BYTES_LIT("kek"), .dry_run = true},
                     NULL);
    assert_true(cofre_call_ok(&c));
    cofre_call_free(&c);
    vf_close(f);
    vf_open(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_made_opens_again),
        TEST(another_secret_opens_nothing),
        TEST(one_process_has_it),
        cmocka_unit_test(a_place_without_a_vault_is_named_so),
        TEST(create_refuses_a_directory_that_is_not_empty),
        cmocka_unit_test(a_making_that_fails_late_leaves_nothing),
        TEST(create_does_not_touch_an_anchor_that_is_there),
        TEST(an_older_database_is_refused),
        TEST(an_older_database_without_entries_is_refused_by_the_anchor),
        TEST(an_older_log_is_refused),
        TEST(a_log_that_lost_reads_alone_is_refused_by_the_anchor),
        TEST(the_anchor_must_be_there_whole_and_ours),
        TEST(a_keyring_that_is_older_is_refused),
        TEST(files_that_are_gone_are_named),
        TEST(entries_that_the_journal_did_not_get_are_appended_at_the_start),
        TEST(a_refused_start_changes_nothing_after_a_crash),
        TEST(a_dry_run_does_not_make_the_database_look_older),
    };

    return cmocka_run_group_tests(tests, vf_group, NULL);
}
