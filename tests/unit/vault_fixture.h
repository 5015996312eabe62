#ifndef VAULT_FIXTURE_H
#define VAULT_FIXTURE_H

/* A vault in a directory of a test's own, the real store and log below it, and calls to it. */
#include "audit_dir.h"

#include <pthread.h>
#include <time.h>

#include "audit/verify.h"
#include "cofre/admin.h"
#include "cofre/audit.h"
#include "cofre/customers.h"
#include "cofre/oplog.h"
#include "cofre/vault.h"
#include "cofre/views.h"
#include "vault/vault_internal.h"

#define OK(call) assert_int_equal(call, COFRE_OK)
/* Sign only what is asked for. */
enum { VF_NEVER = 3600 * 1000 };

static const uint8_t vf_secret[32] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
                                      9, 8, 7, 6, 5, 4, 3, 2, 1, 0,  1,  2,  3,  4,  5,  6};

struct vf {
    char dir[32];
    struct cofre_vault_config config;
    struct cofre_vault *v;
    struct cofre_why why;
};

static inline struct cofre_vault_config
vf_config(const char *dir)
{
    return (struct cofre_vault_config){.dir = dir,
                                       .secret_kind = COFRE_SECRET_KEY_FILE,
                                       .secret = BYTES_OF(vf_secret),
                                       .readers = 4,
                                       .checkpoint_ms = 100};
}

/* Opens f->config; the cause is in f->why. */
static inline enum cofre_err
vf_try_open(struct vf *f)
{
    f->why.text[0] = 0;
    return cofre_vault_open(&f->config, &f->v, &f->why);
}

static inline void
vf_open(struct vf *f)
{
    if (vf_try_open(f) != COFRE_OK)
        fail_msg("open: %s", f->why.text);
}

static inline void
vf_close(struct vf *f)
{
    f->why.text[0] = 0;
    if (cofre_vault_close(f->v, &f->why) != COFRE_OK)
        fail_msg("close: %s", f->why.text);
    f->v = NULL;
}

static inline void
vf_remove(const char *dir)
{
    assert_int_equal(nftw(dir, audit_dir_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static inline void
vf_create(struct vf *f)
{
    struct buf vkey = BUF_INIT;

    strcpy(f->dir, "vault-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    f->config = vf_config(f->dir);
    f->why.text[0] = 0;
    if (cofre_vault_create(&f->config, "test.example/vault", "uid-0", &vkey, &f->why) != COFRE_OK)
        fail_msg("create: %s", f->why.text);
    assert_true(vkey.len > 0);
    buf_free(&vkey);
}

static inline int
vf_setup(void **state)
{
    struct vf *f = calloc(1, sizeof *f);

    assert_non_null(f);
    vf_create(f);
    vf_open(f);
    *state = f;
    return 0;
}

static inline int
vf_teardown(void **state)
{
    struct vf *f = *state;

    if (f->v != NULL)
        vf_close(f);
    vf_remove(f->dir);
    free(f);
    return 0;
}

/* Runs a line of the shell, in which $1 and $2 are a and b. */
static inline void
vf_shell(const char *line, const char *a, const char *b)
{
    char command[512];

    assert_true((size_t)snprintf(command, sizeof command, "set -- '%s' '%s'; %s", a, b, line) <
                sizeof command);
    if (system(command) != 0)
        fail_msg("%s", command);
}

/* What a crash at this moment would leave: the directory as it is while the vault is open and idle. */
static inline void
vf_crash(const struct vf *f, struct vf *copy)
{
    *copy = *f;
    copy->v = NULL;
    strcpy(copy->dir, f->dir);
    strcat(copy->dir, ".crash");
    copy->config.dir = copy->dir;
    vf_shell("rm -rf $2 && cp -a $1 $2", f->dir, copy->dir);
}

/* ---- calls ---- */

static inline void
vf_call(struct cofre_call *c, enum cofre_role role, enum cofre_act act)
{
    cofre_call_init(c);
    snprintf(c->actor.id, sizeof c->actor.id, "%s", role == COFRE_ROLE_ADMIN ? "uid-0" : "tok_test");
    c->actor.role = role;
    c->act = act;
    c->http = role != COFRE_ROLE_ADMIN;
}

/* Submits, and ends the body with a NUL that is not counted. */
static inline enum cofre_outcome
vf_submit(struct cofre_vault *v, struct cofre_call *c)
{
    cofre_submit_wait(v, c);
    buf_putc(&c->body, 0);
    c->body.len -= c->body.len > 0;
    return c->outcome;
}

static inline const char *
vf_body(const struct cofre_call *c)
{
    return c->body.p != NULL ? (const char *)c->body.p : "";
}

/* The string after "name":" in a body. */
static inline void
vf_member(const char *body, const char *name, char out[static 128])
{
    char key[64];
    const char *at;

    snprintf(key, sizeof key, "\"%s\":\"", name);
    if ((at = strstr(body, key)) == NULL)
        fail_msg("no %s in %s", name, body);
    at += strlen(key);
    snprintf(out, 128, "%.*s", (int)strcspn(at, "\""), at);
}

static inline struct cofre_field
vf_field(const char *name, const char *text)
{
    return (struct cofre_field){bytes_str(name), bytes_str(text), COFRE_FORM_STRING};
}

/* A customer of this external_id, with e-mail <external_id>@example.org and loyalty granted. */
static inline enum cofre_outcome
vf_customer_call(struct cofre_vault *v, const char *external_id, struct cofre_call *c)
{
    const struct cofre_consent_in loyal = {
        .purpose = BYTES_LIT("loyalty"), .status = BYTES_LIT("granted"), .source = BYTES_LIT("shop")};
    char email[80];
    int n = snprintf(email, sizeof email, "%s@example.org", external_id);
    const struct cofre_field fields[] = {vf_field("email", email), vf_field("name", "Zhang Wei 张伟"),
                                         vf_field("country", "ES"),
                                         vf_field("postal_code", "28013")};
    struct cofre_customer_in in = {
        .external_id = bytes_str(external_id), .fields = fields, .n_fields = 4, .consents = &loyal,
        .n_consents = 1};

    assert_true(n > 0 && (size_t)n < sizeof email);
    vf_call(c, COFRE_ROLE_INGEST, COFRE_ACT_CUSTOMER_CREATE);
    cofre_customer_create(v, c, &in);
    return vf_submit(v, c);
}

static inline void
vf_customer(struct cofre_vault *v, const char *external_id, char id[static 128])
{
    struct cofre_call c;

    assert_int_equal(vf_customer_call(v, external_id, &c), COFRE_OUT_CREATED);
    vf_member(vf_body(&c), "id", id);
    cofre_call_free(&c);
}

static inline enum cofre_outcome
vf_event(struct cofre_vault *v, const char *cus, const char *event_id, const char *amount,
         struct cofre_call *c)
{
    const struct cofre_field fields[] = {vf_field("amount", amount)};
    const struct cofre_event_in in = {.event_id = bytes_str(event_id),
                                      .kind = BYTES_LIT("purchase"),
                                      .time = BYTES_LIT("1997-01-12"),
                                      .attributes = fields,
                                      .n_attributes = 1};

    vf_call(c, COFRE_ROLE_INGEST, COFRE_ACT_EVENT_APPEND);
    cofre_event_append(v, c, bytes_str(cus), &in, 1);
    return vf_submit(v, c);
}

static inline enum cofre_outcome
vf_consent(struct cofre_vault *v, const char *cus, const char *status)
{
    const struct cofre_consent_in in = {
        .purpose = BYTES_LIT("loyalty"), .status = bytes_str(status), .source = BYTES_LIT("shop")};
    struct cofre_call c;
    enum cofre_outcome out;

    vf_call(&c, COFRE_ROLE_INGEST, COFRE_ACT_CONSENT_PUT);
    cofre_consent_put(v, &c, bytes_str(cus), &in);
    out = vf_submit(v, &c);
    cofre_call_free(&c);
    return out;
}

static const char vf_view[] =
    "{\"view\":\"loyalty\",\"purpose\":\"loyalty\",\"pseudonym\":\"relationship\","
    "\"fields\":{\"country\":{\"as\":\"keep\"},\"email\":{\"as\":\"domain\"}},"
    "\"events\":{\"kinds\":[\"purchase\"],\"time\":\"day\",\"fields\":{\"amount\":{\"as\":\"keep\"}}}}";

static inline enum cofre_outcome
vf_apply(struct cofre_vault *v, const char *json, bool dry_run)
{
    struct cofre_call c;
    enum cofre_outcome out;

    vf_call(&c, COFRE_ROLE_ADMIN, COFRE_ACT_VIEW_APPLY);
    cofre_view_apply(v, &c, bytes_str(json), dry_run, NULL);
    out = vf_submit(v, &c);
    cofre_call_free(&c);
    return out;
}

/* One page of records of the view; the reply is in c. */
static inline enum cofre_outcome
vf_records(struct cofre_vault *v, uint64_t limit, const char *cursor, struct cofre_call *c)
{
    const struct cofre_page page = {.limit = limit,
                                    .cursor = cursor != NULL ? bytes_str(cursor) : BYTES_NONE};

    vf_call(c, COFRE_ROLE_CRM, COFRE_ACT_VIEW_RECORDS);
    strcpy(c->actor.view, "loyalty");
    cofre_view_records(v, c, BYTES_LIT("loyalty"), &page);
    return vf_submit(v, c);
}

static inline enum cofre_outcome
vf_record(struct cofre_vault *v, const char *ps, struct cofre_call *c)
{
    vf_call(c, COFRE_ROLE_CRM, COFRE_ACT_VIEW_RECORD);
    strcpy(c->actor.view, "loyalty");
    cofre_view_record(v, c, BYTES_LIT("loyalty"), bytes_str(ps));
    return vf_submit(v, c);
}

/* ---- the log ---- */

static inline enum cofre_err
vf_copy_line(void *ctx, uint64_t seq, struct bytes line)
{
    (void)seq;
    buf_putb(ctx, line);
    buf_putc(ctx, 0);
    return buf_error(ctx);
}

/* The entry at seq, as text; the caller frees it. */
static inline struct buf
vf_entry(struct cofre_vault *v, uint64_t seq)
{
    struct buf out = BUF_INIT;

    OK(log_entries(v->log, seq, 1, vf_copy_line, &out, NULL));
    assert_true(out.len > 0);
    return out;
}

static inline uint64_t
vf_size(struct cofre_vault *v)
{
    struct log_head head;

    log_head(v->log, &head);
    return head.size;
}

static inline void
vf_sign(struct cofre_vault *v)
{
    struct buf text = BUF_INIT;

    OK(log_checkpoint(v->log, vf_size(v), &text, NULL));
    buf_free(&text);
}

/* The whole log as anybody may verify it; the vault is closed. */
static inline void
vf_verify(struct vf *f)
{
    struct verify_report report;
    struct note_verifier key;
    struct verify_config config = {.keys = &key, .n_keys = 1};
    char path[96];
    struct buf vkeys = BUF_INIT;
    struct audit_dir d;

    snprintf(path, sizeof path, "%s/audit", f->dir);
    d.dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(d.dir >= 0);
    vkeys = audit_dir_read(&d, "keys/vkeys");
    assert_non_null(memchr(vkeys.p, '\n', vkeys.len));
    OK(note_vkey_parse(
        (struct bytes){vkeys.p, (size_t)((uint8_t *)memchr(vkeys.p, '\n', vkeys.len) - vkeys.p)}, &key));
    config.dir = d.dir;
    OK(verify_log(&config, &report));
    if (report.verdict != VERIFY_GOOD)
        fail_msg("verify: %s", report.reason);
    buf_free(&vkeys);
    close(d.dir);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, vf_setup, vf_teardown)

static inline int
vf_group(void **state)
{
    oplog_level_set(OPLOG_ERROR);
    return unit_setup(state);
}

#endif
