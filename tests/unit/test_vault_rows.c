/* timeout: 600 */
/* Old pages and older parts: what a start finds, what is found later, and what can be declared. */
#include "vault_fixture.h"

#include <sqlite3.h>

#include "vault/anchor.h"
#include "vault/keys.h"

enum { PAGE = 4096 };

static struct buf
file_in(const struct vf *f, const char *name)
{
    struct audit_dir d = {.dir = AT_FDCWD};
    char path[96];

    snprintf(path, sizeof path, "%s/%s", f->dir, name);
    return audit_dir_read(&d, path);
}

static void
write_db(const struct vf *f, const struct buf *bytes)
{
    char path[96];
    FILE *file;

    vf_shell("rm -f $1/vault.db-wal $2/vault.db-shm", f->dir, f->dir);
    snprintf(path, sizeof path, "%s/vault.db", f->dir);
    assert_non_null(file = fopen(path, "wb"));
    assert_int_equal(fwrite(bytes->p, 1, bytes->len, file), bytes->len);
    assert_int_equal(fclose(file), 0);
}

static void
issue_token(struct vf *f, const char *name, char id[static 128])
{
    const struct cofre_token_in in = {
        .role = BYTES_LIT("ingest"), .name = bytes_str(name), .ttl_s = 3600};
    struct cofre_call c;

    vf_call(&c, COFRE_ROLE_ADMIN, COFRE_ACT_TOKEN_ISSUE);
    cofre_token_issue(f->v, &c, &in);
    assert_int_equal(vf_submit(f->v, &c), COFRE_OUT_OK);
    vf_member(vf_body(&c), "id", id);
    cofre_call_free(&c);
}

static void
revoke_token(struct vf *f, const char *id)
{
    struct cofre_call c;

    vf_call(&c, COFRE_ROLE_ADMIN, COFRE_ACT_TOKEN_REVOKE);
    cofre_token_revoke(f->v, &c, bytes_str(id));
    assert_int_equal(vf_submit(f->v, &c), COFRE_OUT_OK);
    cofre_call_free(&c);
}

static void
add_event(struct vf *f, const char *cus, const char *id)
{
    struct cofre_call c;

    assert_int_equal(vf_event(f->v, cus, id, "1.00", &c), COFRE_OUT_OK);
    cofre_call_free(&c);
}

/* The database before and after changes to every kind of row; the vault is closed. */
static void
two_databases(struct vf *f, struct buf *old, struct buf *now)
{
    char token[128];
    char id[4][128];
    char name[16];

    for (unsigned i = 0; i < 40; i++) {
        snprintf(name, sizeof name, "1%03u", i);
        vf_customer(f->v, name, id[i % 4]);
        snprintf(name, sizeof name, "e-%u", i);
        add_event(f, id[i % 4], name);
    }
    assert_int_equal(vf_apply(f->v, vf_view, false), COFRE_OUT_OK);
    issue_token(f, "shop", token);
    vf_close(f);
    *old = file_in(f, "vault.db");
    vf_open(f);
    revoke_token(f, token);
    assert_int_equal(vf_consent(f->v, id[0], "withdrawn"), COFRE_OUT_OK);
    for (unsigned i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "2%03u", i);
        vf_customer(f->v, name, id[3]);
        snprintf(name, sizeof name, "f-%u", i);
        add_event(f, id[i % 4], name);
    }
    vf_close(f);
    *now = file_in(f, "vault.db");
}

static bool
differ(const struct buf *old, const struct buf *now, size_t at)
{
    return memcmp(old->p + at, now->p + at, PAGE) != 0;
}

static void
put_page(const struct vf *f, const struct buf *old, const struct buf *now, size_t at)
{
    struct buf mixed = BUF_INIT;

    buf_putb(&mixed, buf_bytes(now));
    memcpy(mixed.p + at, old->p + at, PAGE);
    write_db(f, &mixed);
    buf_free(&mixed);
}

static void
an_old_page_is_found_at_the_start(void **state)
{
    struct vf *f = *state;
    struct buf old;
    struct buf now;
    unsigned rows = 0;
    unsigned tried = 0;

    two_databases(f, &old, &now);
    for (size_t at = 0; at + PAGE <= old.len; at += PAGE) {
        if (!differ(&old, &now, at))
            continue;
        put_page(f, &old, &now, at);
        tried++;
        if (vf_try_open(f) != COFRE_EINTEGRITY)
            fail_msg("page %zu: \"%s\"", at / PAGE + 1, f->why.text);
        rows += strstr(f->why.text, "holds rows that do not add up") != NULL;
        assert_non_null(strstr(f->why.text, "cofre restore --declare"));
        assert_non_null(strstr(f->why.text, "put "));
    }
    assert_true(tried >= 10);
    assert_true(rows >= 5);
    write_db(f, &now);
    vf_open(f);
    buf_free(&old);
    buf_free(&now);
}

/* ---- what is found afterwards ---- */

static bool
found_in_time(const struct vf *f)
{
    for (unsigned i = 0; i < 1000; i++) {
        if (atomic_load(&f->v->rows.unsound))
            return true;
        usleep(10000);
    }
    return false;
}

static void
assert_nothing_is_served(struct vf *f)
{
    struct cofre_why why = {{0}};
    struct cofre_call c;
    struct buf entry;
    char want[96];
    uint64_t last = vf_size(f->v) - 1;

    /* The entry comes right after: it is the first, and what it refuses is behind. */
    for (unsigned i = 0; i < 500; i++) {
        entry = vf_entry(f->v, last);
        if (strstr((char *)entry.p, "\"act\":\"integrity\"") != NULL)
            break;
        buf_free(&entry);
        usleep(10000);
        last = vf_size(f->v) - 1;
    }
    snprintf(want, sizeof want, "\"fields\":[\"rows-%s\"]", f->v->rows.table);
    assert_non_null(strstr((char *)entry.p, "\"ok\":false,\"code\":5,\"actor\":\"\",\"role\":\"system\""));
    assert_non_null(strstr((char *)entry.p, want));
    buf_free(&entry);

    assert_false(cofre_vault_ready(f->v, &why));
    assert_non_null(strstr(why.text, f->v->rows.table));
    /* What it reads on the way may not even authenticate. */
    if (vf_records(f->v, 10, NULL, &c) != COFRE_OUT_INTEGRITY)
        assert_int_equal(c.outcome, COFRE_OUT_UNSOUND);
    assert_null(strstr(vf_body(&c), "records"));
    assert_true(c.recorded);
    cofre_call_free(&c);
    assert_int_equal(vf_customer_call(f->v, "9001", &c), COFRE_OUT_UNSOUND);
    assert_null(strstr(vf_body(&c), "cus_"));
    cofre_call_free(&c);
    vf_call(&c, COFRE_ROLE_ADMIN, COFRE_ACT_STATUS);
    cofre_admin_status(f->v, &c);
    assert_int_not_equal(vf_submit(f->v, &c), COFRE_OUT_UNSOUND); /* who looks is let through */
    cofre_call_free(&c);
}

static void
what_the_start_leaves_out_is_found_behind_and_stops_everything(void **state)
{
    struct vf *f = *state;
    struct buf old;
    struct buf now;
    unsigned later = 0;

    two_databases(f, &old, &now);
    vf_shell("cp -a $1 $2.whole", f->dir, f->dir);
    f->config.check_below = 1;
    for (size_t at = 0; at + PAGE <= old.len; at += PAGE) {
        if (!differ(&old, &now, at))
            continue;
        put_page(f, &old, &now, at);
        if (vf_try_open(f) == COFRE_OK) {
            later++;
            if (!found_in_time(f))
                fail_msg("page %zu is not found", at / PAGE + 1);
            assert_nothing_is_served(f);
            vf_close(f);
        }
        vf_shell("rm -rf $1 && cp -a $2.whole $1", f->dir, f->dir);
    }
    assert_true(later >= 3);
    vf_shell("rm -rf $1.whole", f->dir, "");
    vf_open(f);
    buf_free(&old);
    buf_free(&now);
}

static void
rows_that_add_up_are_recounted_again_and_again(void **state)
{
    struct vf *f = *state;
    char id[128];
    uint64_t rows = 0;
    unsigned tables = 0;

    vf_close(f);
    f->config.check_every_ms = 20;
    vf_open(f);
    for (unsigned i = 0; i < 60; i++) {
        char name[16];

        snprintf(name, sizeof name, "1%03u", i);
        vf_customer(f->v, name, id);
    }
    for (unsigned i = 0; i < 500 && atomic_load(&f->v->rows.checks) < 3; i++)
        usleep(10000);
    assert_true(atomic_load(&f->v->rows.checks) >= 3);
    assert_true(cofre_vault_ready(f->v, NULL));
    OK(cofre_vault_check_rows(f->v, &rows, &tables, NULL));
    assert_true(rows > 60 * 3);
    assert_true(tables > 12);
}

/* ---- a vault of the version before ---- */

/* SQLCipher's own handle on the database of a vault that was open a moment ago. */
static void
raw_exec(const struct vf *f, const uint8_t key[static 32], const char *sql)
{
    char text[256] = "PRAGMA key = \"x'";
    char path[96];
    sqlite3 *db = NULL;
    size_t n = strlen(text);

    for (size_t i = 0; i < 32; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%02x", key[i]);
    snprintf(text + n, sizeof text - n, "'\"; PRAGMA cipher_hmac_algorithm = HMAC_SHA256");
    snprintf(path, sizeof path, "%s/vault.db", f->dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    sqlite3_close(db);
}

/* Writes the anchor as a version before the sums left it. */
static void
anchor_without_sums(struct vf *f)
{
    struct cofre_vault *v = NULL;
    struct anchor a;

    OK(vault_new(&f->config, &v));
    assert_true((v->dir_fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) >= 0);
    OK(keys_open(v, &f->config, NULL));
    OK(anchor_read(v, &a, NULL));
    a.summed = false;
    OK(anchor_write(v, &a, NULL));
    vault_free(v);
}

static void
a_vault_of_the_version_before_gets_its_sums_once(void **state)
{
    static const char back[] =
        "DROP INDEX customer_restricted; ALTER TABLE head DROP COLUMN incarnation;"
        "ALTER TABLE head DROP COLUMN rowtag; ALTER TABLE head DROP COLUMN sums;"
        "ALTER TABLE head DROP COLUMN mac; PRAGMA user_version = 1";
    struct vf *f = *state;
    uint8_t key[32];
    char id[128];

    vf_customer(f->v, "1001", id);
    memcpy(key, keyring_active(f->v->ring, KEYRING_DB, 0, NULL), 32);
    vf_close(f);
    raw_exec(f, key, back);
    /* Once there were sums, taking them away is no way past them. */
    assert_int_equal(vf_try_open(f), COFRE_EINTEGRITY);
    assert_non_null(strstr(f->why.text, "no sums"));
    anchor_without_sums(f);
    vf_open(f);
    assert_true(f->v->rows.all_checked);
    vf_customer(f->v, "1002", id);
    vf_close(f);
    vf_open(f);
    vf_close(f);
    raw_exec(f, key, "UPDATE consent SET status = 0");
    assert_int_equal(vf_try_open(f), COFRE_EINTEGRITY);
    assert_non_null(strstr(f->why.text, "consent holds rows that do not add up"));
    raw_exec(f, key, "UPDATE consent SET status = 1");
    vf_open(f);
}

/* ---- declaring ---- */

static enum cofre_err
declare(struct vf *f, bool dry_run, struct buf *out)
{
    enum cofre_err err;

    f->why.text[0] = 0;
    buf_reset(out);
    err = cofre_vault_declare(&f->config, "uid-0", dry_run, out, &f->why);
    buf_putc(out, 0);
    return err;
}

static void
copy_of(struct vf *f, const char *suffix)
{
    char to[64];

    snprintf(to, sizeof to, "%s.%s", f->dir, suffix);
    vf_shell("rm -rf $2 && cp -a $1 $2", f->dir, to);
}

static void
take(struct vf *f, const char *suffix, const char *name)
{
    char from[96];
    char to[96];

    snprintf(from, sizeof from, "%s.%s/%s", f->dir, suffix, name);
    snprintf(to, sizeof to, "%s/%s", f->dir, name);
    vf_shell("rm -rf $2 && cp -a $1 $2", from, to);
    if (strcmp(name, "vault.db") == 0)
        vf_shell("rm -f $1/vault.db-wal $2/vault.db-shm", f->dir, f->dir);
}

struct parts {
    const char *taken[4]; /* from the older copy */
    const char *words;    /* in the entry */
    bool lost;            /* the log that is there is shorter than one that was known */
};

/* Refused; a dry run changes nothing; declared; open for good. */
static void
declare_and_go_on(struct vf *f, const struct parts *p, unsigned incarnation)
{
    struct buf report = BUF_INIT;
    struct buf entry;
    char text[256];
    char id[128];
    uint64_t size;

    assert_int_equal(vf_try_open(f), COFRE_EINTEGRITY);
    if (strstr(f->why.text, "cofre restore --declare") == NULL)
        fail_msg("%s", f->why.text);
    copy_of(f, "before");
    if (declare(f, true, &report) != COFRE_OK)
        fail_msg("%s: %s", p->words, f->why.text);
    assert_non_null(strstr((char *)report.p, "\"dry_run\":true"));
    assert_null(strstr((char *)report.p, "\"entry\""));
    vf_shell("diff -r --exclude=*-shm --exclude=*-wal $1 $2.before", f->dir, f->dir);

    if (declare(f, false, &report) != COFRE_OK)
        fail_msg("%s: %s", p->words, f->why.text);
    vf_open(f);
    size = vf_size(f->v);
    entry = vf_entry(f->v, size - 1);
    assert_non_null(strstr((char *)entry.p, "\"act\":\"restore\",\"ok\":true,\"code\":0,\"actor\":\"uid-0\""));
    snprintf(text, sizeof text, "\"fields\":[\"incarnation-%u\",\"size-", incarnation);
    if (strstr((char *)entry.p, text) == NULL || strstr((char *)entry.p, p->words) == NULL)
        fail_msg("%s, %s: %s", text, p->words, (char *)entry.p);
    if (p->lost == (strstr((char *)report.p, "\"size\":") == NULL ||
                    strtoull(strstr((char *)report.p, "\"size\":") + 7, NULL, 10) < size))
        fail_msg("size %llu: %s", (unsigned long long)size, (char *)report.p);
    buf_free(&entry);
    snprintf(text, sizeof text, "50%u%u", p->lost, incarnation);
    vf_customer(f->v, text, id);
    vf_close(f);
    vf_open(f);
    vf_close(f);
    assert_int_equal(declare(f, false, &report), COFRE_ECONFLICT);
    assert_non_null(strstr(f->why.text, "nothing to declare"));
    buf_free(&report);
}

/* What was declared over does not come back. */
static void
assert_parts_of_before_are_refused(struct vf *f)
{
    static const char *const names[] = {"vault.db", "anchor", "audit"};

    copy_of(f, "after");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[64];

        snprintf(path, sizeof path, "%s.before/%s", f->dir, names[i]);
        if (access(path, F_OK) != 0)
            continue; /* it was missing */
        take(f, "before", names[i]);
        if (vf_try_open(f) != COFRE_EINTEGRITY)
            fail_msg("%s of before: %s", names[i], f->why.text);
        take(f, "after", names[i]);
    }
    vf_open(f);
    vf_close(f);
}

static void
what_is_older_can_be_declared(void **state)
{
    static const struct parts cases[] = {
        {{"vault.db"}, "\"older-database\"]", false},
        {{"audit"}, "\"older-log\"]", true},
        {{"anchor"}, "\"bad-anchor\"]", false},
        {{"keyring", NULL}, "\"older-keyring\"]", false},
        {{"vault.db", "audit"}, "\"older-log\",\"older-database\"]", true},
        {{"vault.db", "audit", "keyring"}, "\"older-log\",\"older-database\",\"older-keyring\"]", true},
    };
    struct vf *f = *state;
    char id[128];

    vf_customer(f->v, "1001", id);
    vf_close(f);
    copy_of(f, "older");
    vf_open(f);
    assert_int_equal(vf_apply(f->v, vf_view, false), COFRE_OUT_OK); /* makes a key */
    for (unsigned i = 0; i < 3; i++) {
        char name[16];

        snprintf(name, sizeof name, "20%02u", i);
        vf_customer(f->v, name, id);
    }
    vf_close(f);
    copy_of(f, "whole");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        vf_shell("rm -rf $1 && cp -a $2.whole $1", f->dir, f->dir);
        for (size_t k = 0; k < 4 && cases[i].taken[k] != NULL; k++)
            take(f, "older", cases[i].taken[k]);
        if (strcmp(cases[i].taken[0], "keyring") == 0) {
            /* The view whose key is lost could not be served: that is for the older database, too. */
            struct buf report = BUF_INIT;

            assert_int_equal(declare(f, false, &report), COFRE_EINTEGRITY);
            assert_non_null(strstr(f->why.text, "could not be served"));
            buf_free(&report);
            continue;
        }
        if (strcmp(cases[i].taken[0], "anchor") == 0) {
            /* So young a one is what a crash leaves. */
            vf_open(f);
            vf_close(f);
            continue;
        }
        declare_and_go_on(f, &cases[i], 2);
        assert_parts_of_before_are_refused(f);
    }
    vf_shell("rm -rf $1.whole $2.older", f->dir, f->dir);
    vf_shell("rm -rf $1.before $2.after", f->dir, f->dir);
    vf_open(f);
}

static void
an_anchor_that_is_gone_can_be_declared(void **state)
{
    struct vf *f = *state;
    char id[128];

    vf_customer(f->v, "1001", id);
    vf_close(f);
    vf_shell("rm $1/anchor$2", f->dir, "");
    declare_and_go_on(f, &(struct parts){{NULL}, "\"no-anchor\"]", false}, 2);
    vf_shell("rm -rf $1.before$2", f->dir, "");
    vf_open(f);
}

static void
an_altered_anchor_can_be_declared(void **state)
{
    struct vf *f = *state;
    char id[128];

    vf_customer(f->v, "1001", id);
    vf_close(f);
    vf_shell("truncate -s 60 $1/anchor$2", f->dir, "");
    declare_and_go_on(f, &(struct parts){{NULL}, "\"bad-anchor\"]", false}, 2);
    vf_shell("truncate -s 119 $1/anchor$2", f->dir, "");
    declare_and_go_on(f, &(struct parts){{NULL}, "\"bad-anchor\"]", false}, 3);
    vf_shell("rm -rf $1.before$2", f->dir, "");
    vf_open(f);
}

static void
two_histories_can_be_declared(void **state)
{
    struct vf *f = *state;
    char id[128];

    vf_customer(f->v, "1001", id);
    vf_close(f);
    copy_of(f, "older");
    vf_open(f);
    vf_customer(f->v, "2001", id);
    vf_close(f);
    copy_of(f, "whole");
    vf_shell("rm -rf $1 && cp -a $2.older $1", f->dir, f->dir);
    vf_open(f);
    vf_customer(f->v, "2002", id);
    vf_close(f);
    take(f, "whole", "audit");
    declare_and_go_on(f, &(struct parts){{NULL}, "\"forked\"]", false}, 2);
    vf_shell("rm -rf $1.before $2.whole", f->dir, f->dir);
    vf_shell("rm -rf $1.older$2", f->dir, "");
    vf_open(f);
}

static void
rows_that_do_not_add_up_can_be_declared(void **state)
{
    struct vf *f = *state;
    uint8_t key[32];
    char id[128];

    vf_customer(f->v, "1001", id);
    memcpy(key, keyring_active(f->v->ring, KEYRING_DB, 0, NULL), 32);
    vf_close(f);
    raw_exec(f, key, "UPDATE consent SET status = 0");
    declare_and_go_on(f, &(struct parts){{NULL}, "\"rows\"]", false}, 2);
    raw_exec(f, key, "UPDATE head SET incarnation = 1"); /* nor is head believed */
    assert_int_equal(vf_try_open(f), COFRE_EINTEGRITY);
    raw_exec(f, key, "UPDATE head SET incarnation = 2");
    raw_exec(f, key, "CREATE VIEW v AS SELECT 1");
    {
        struct buf report = BUF_INIT;

        assert_int_equal(vf_try_open(f), COFRE_EINTEGRITY);
        assert_int_equal(declare(f, false, &report), COFRE_EINTEGRITY);
        assert_non_null(strstr(f->why.text, "schema"));
        buf_free(&report);
    }
    raw_exec(f, key, "DROP VIEW v");
    vf_shell("rm -rf $1.before$2", f->dir, "");
    vf_open(f);
}

static void
a_log_that_does_not_verify_cannot_be_declared(void **state)
{
    struct vf *f = *state;
    struct buf report = BUF_INIT;
    char id[128];

    vf_customer(f->v, "1001", id);
    assert_int_equal(declare(f, false, &report), COFRE_EBUSY); /* it is open */
    vf_close(f);
    copy_of(f, "whole");
    vf_shell("rm $1/audit/checkpoint$2", f->dir, "");
    assert_int_equal(declare(f, false, &report), COFRE_EINTEGRITY);
    assert_non_null(strstr(f->why.text, "nothing can be declared"));
    assert_non_null(strstr(f->why.text, "put audit/ back from a copy"));
    vf_shell("rm -rf $1 && mv $2.whole $1", f->dir, f->dir);
    vf_open(f);
    buf_free(&report);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_old_page_is_found_at_the_start),
        TEST(what_the_start_leaves_out_is_found_behind_and_stops_everything),
        TEST(rows_that_add_up_are_recounted_again_and_again),
        TEST(a_vault_of_the_version_before_gets_its_sums_once),
        TEST(what_is_older_can_be_declared),
        TEST(an_anchor_that_is_gone_can_be_declared),
        TEST(an_altered_anchor_can_be_declared),
        TEST(two_histories_can_be_declared),
        TEST(rows_that_do_not_add_up_can_be_declared),
        TEST(a_log_that_does_not_verify_cannot_be_declared),
    };

    return cmocka_run_group_tests(tests, vf_group, NULL);
}
