#include "vault_fixture.h"

enum { REJECTED_MAX = 16 };

struct run {
    struct cofre_import_report report;
    enum cofre_outcome out;
    unsigned n_rejected;
    struct {
        uint64_t line;
        char field[64];
        char reason[96];
    } rejected[REJECTED_MAX];
};

static void
on_rejected(void *ctx, uint64_t line, const char *field, const char *reason)
{
    struct run *r = ctx;

    assert_true(r->n_rejected < REJECTED_MAX);
    r->rejected[r->n_rejected].line = line;
    snprintf(r->rejected[r->n_rejected].field, 64, "%s", field);
    snprintf(r->rejected[r->n_rejected++].reason, 96, "%s", reason);
}

static void
import(struct vf *f, struct cofre_import_in in, const char *text, struct run *r)
{
    FILE *file = tmpfile();
    struct cofre_call c;

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fflush(file), 0);
    rewind(file);
    memset(r, 0, sizeof *r);
    in.fd = fileno(file);
    in.rejected = on_rejected;
    in.rejected_ctx = r;
    vf_call(&c, COFRE_ROLE_ADMIN, COFRE_ACT_IMPORT_START);
    cofre_import(f->v, &c, &in, NULL, &r->report);
    r->out = c.outcome;
    cofre_call_free(&c);
    fclose(file);
}

static void
assert_report(const struct run *r, uint64_t added, uint64_t changed, uint64_t unchanged,
              uint64_t rejected)
{
    assert_int_equal(r->out, COFRE_OUT_OK);
    assert_int_equal(r->report.added, added);
    assert_int_equal(r->report.changed, changed);
    assert_int_equal(r->report.unchanged, unchanged);
    assert_int_equal(r->report.rejected, rejected);
    assert_int_equal(r->n_rejected, rejected);
}

static const struct cofre_import_in customers = {.events = false};
static const struct cofre_import_in events = {.events = true};
static const char customers_csv[] = "external_id,name,email,consents\r\n"
                                    "0001,María José Núñez,a@example.org,loyalty service\r\n"
                                    "0002,张伟,b@example.org,loyalty\r\n"
                                    "0003,,a@example.org,\r\n"
                                    "0004,x,not-a-mail,\r\n"
                                    "0005,x,c@example.org,spam\r\n"
                                    "0006,\"broken,,\r\n";

static void
customers_of_a_csv_file_come_in_once(void **state)
{
    struct vf *f = *state;
    struct run r;
    struct cofre_call c;
    uint64_t size = vf_size(f->v);

    import(f, customers, customers_csv, &r);
    assert_report(&r, 2, 0, 0, 4);
    for (unsigned i = 0; i < r.n_rejected; i++) {
        assert_true(r.rejected[i].line >= 4 && r.rejected[i].line <= 7);
        assert_null(strstr(r.rejected[i].reason, "not-a-mail"));
        assert_null(strstr(r.rejected[i].reason, "spam"));
    }
    assert_int_equal(vf_size(f->v), size + 3); /* start, one transaction, end */
    import(f, customers, customers_csv, &r);
    assert_report(&r, 0, 0, 2, 4);

    /* Other values change the named columns only; a withdrawal stays. */
    import(f, customers, "external_id,city\n0001,Córdoba\n0002,\n", &r);
    assert_report(&r, 0, 1, 1, 0);
    vf_call(&c, COFRE_ROLE_INGEST, COFRE_ACT_CUSTOMER_LOOKUP);
    cofre_customer_lookup(f->v, &c, BYTES_LIT("email"), &(struct cofre_field){
        .text = BYTES_LIT("a@example.org"), .form = COFRE_FORM_STRING});
    assert_int_equal(vf_submit(f->v, &c), COFRE_OUT_OK);
    {
        char id[128];

        vf_member(vf_body(&c), "id", id);
        cofre_call_free(&c);
        assert_int_equal(vf_consent(f->v, id, "withdrawn"), COFRE_OUT_OK);
        import(f, customers, customers_csv, &r);
        assert_report(&r, 0, 0, 2, 4);
        vf_call(&c, COFRE_ROLE_ADMIN, COFRE_ACT_CUSTOMER_SHOW);
        cofre_customer_show(f->v, &c, bytes_str(id));
        assert_int_equal(vf_submit(f->v, &c), COFRE_OUT_OK);
        assert_non_null(strstr(vf_body(&c), "\"purpose\":\"loyalty\",\"basis\":\"consent\",\"status\":\"withdrawn\""));
        assert_non_null(strstr(vf_body(&c), "\"purpose\":\"service\",\"basis\":\"contract\",\"status\":\"granted\",\"source\":\"import\""));
        cofre_call_free(&c);
    }
}

static void
a_column_that_nobody_knows_refuses_the_whole_file(void **state)
{
    struct vf *f = *state;
    struct run r;
    uint64_t size = vf_size(f->v);

    import(f, customers, "external_id,shoe size\n0001,44\n", &r);
    assert_int_equal(r.out, COFRE_OUT_INVALID);
    assert_int_equal(r.report.lines, 0);
    assert_int_equal(vf_size(f->v), size + 1);
    import(f, customers, "", &r);
    assert_int_equal(r.out, COFRE_OUT_INVALID);
    assert_int_equal(vf_size(f->v), size + 2);
    vf_close(f);
    vf_open(f);
}

static void
a_dry_run_writes_nothing(void **state)
{
    struct vf *f = *state;
    struct cofre_import_in dry = customers;
    struct run r;

    dry.dry_run = true;
    import(f, dry, customers_csv, &r);
    assert_int_equal(r.report.added, 0);
    import(f, customers, customers_csv, &r);
    assert_report(&r, 2, 0, 0, 4);
}

static void
events_of_a_csv_file_come_in_once(void **state)
{
    static const char csv[] = "event_id,external_id,kind,time,amount,quantity\n"
                              "p1,0001,purchase,1997-01-12,11.77,1\n"
                              "p2,0001,purchase,1997-01-12,12.00,2\n"
                              "p3,0002,visit,1997-01-12T10:00:00Z,,\n"
                              "p4,0009,visit,1997-01-12,,\n"
                              "p5,0001,purchase,1997-01-12,1e3,1\n"
                              "p1,0001,purchase,1997-01-12,11.78,1\n";
    struct vf *f = *state;
    struct run r;
    uint64_t size;

    import(f, customers, customers_csv, &r);
    size = vf_size(f->v);
    import(f, events, csv, &r);
    assert_report(&r, 3, 0, 0, 3);
    assert_int_equal(r.rejected[0].line, 5);
    assert_string_equal(r.rejected[0].field, "external_id");
    assert_string_equal(r.rejected[1].field, "amount");
    assert_string_equal(r.rejected[2].field, "event_id");
    {
        struct buf line = vf_entry(f->v, size + 1);
        assert_non_null(strstr((char *)line.p, "\"act\":\"import-batch\",\"ok\":true"));
        assert_non_null(strstr((char *)line.p, "\"n\":2")); /* people */
        buf_free(&line);
    }
    import(f, events, csv, &r);
    assert_report(&r, 0, 0, 3, 3);
}

static void
json_lines_say_the_same(void **state)
{
    struct cofre_import_in jsonl = customers;
    struct vf *f = *state;
    struct run r;

    jsonl.jsonl = true;
    import(f, jsonl,
           "{\"external_id\":\"0001\",\"name\":\"María José Núñez\",\"email\":\"a@example.org\","
           "\"consents\":[\"loyalty\",\"service\"]}\n"
           "\n"
           "{\"external_id\":\"0002\",\"name\":\"张伟\",\"email\":\"b@example.org\",\"consents\":\"loyalty\"}\n"
           "{\"external_id\":17}\n"
           "{\"external_id\":\"0003\",\"shoe\":1}\n"
           "not json\n",
           &r);
    assert_report(&r, 2, 0, 0, 3);
    import(f, customers, customers_csv, &r);
    assert_report(&r, 0, 0, 2, 4);
    jsonl.events = true;
    import(f, jsonl,
           "{\"event_id\":\"p1\",\"external_id\":\"0001\",\"kind\":\"purchase\",\"time\":\"1997-01-12\","
           "\"amount\":\"11.77\",\"quantity\":1}\n",
           &r);
    assert_report(&r, 1, 0, 0, 0);
    import(f, events,
           "event_id,external_id,kind,time,amount,quantity\np1,0001,purchase,1997-01-12,11.77,1\n", &r);
    assert_report(&r, 0, 0, 1, 0);
}

static void
a_long_file_takes_a_transaction_for_each_thousand(void **state)
{
    enum { N = 2500 };
    struct vf *f = *state;
    struct buf csv = BUF_INIT;
    struct run r;
    uint64_t size = vf_size(f->v);

    buf_puts(&csv, "external_id,email\n");
    for (unsigned i = 0; i < N; i++)
        buf_putf(&csv, "%u,c%u@example.org\n", i, i);
    buf_putc(&csv, 0);
    import(f, customers, (char *)csv.p, &r);
    assert_report(&r, N, 0, 0, 0);
    assert_int_equal(vf_size(f->v), size + 2 + 3);
    buf_reset(&csv);
    buf_puts(&csv, "event_id,external_id,kind,time\n");
    for (unsigned i = 0; i < N; i++)
        buf_putf(&csv, "e%u,%u,visit,2020-01-01\n", i, i % 700);
    buf_putc(&csv, 0);
    import(f, events, (char *)csv.p, &r);
    assert_report(&r, N, 0, 0, 0);
    buf_free(&csv);
    vf_close(f);
    vf_verify(f);
    vf_open(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(customers_of_a_csv_file_come_in_once),
        TEST(a_column_that_nobody_knows_refuses_the_whole_file),
        TEST(a_dry_run_writes_nothing),
        TEST(events_of_a_csv_file_come_in_once),
        TEST(json_lines_say_the_same),
        TEST(a_long_file_takes_a_transaction_for_each_thousand),
    };

    return cmocka_run_group_tests(tests, vf_group, NULL);
}
