#include "unit.h"

#include <ctype.h>

#include <jansson.h>

#include "audit/siem.h"
#include "audit/tree.h"
#include "cofre/call.h"

static const struct bytes two_fields[] = {{(const uint8_t *)"birth_date", 10},
                                          {(const uint8_t *)"country", 7}};
static const struct siem_source here = {.origin = BYTES_LIT("shop.example/log"),
                                        .version = BYTES_LIT("1.2.3"),
                                        .host = BYTES_LIT("vault1")};

struct made {
    struct buf line;
    struct siem_item item;
};

static struct entry
an_entry(void)
{
    struct entry e = {.seq = 41,
                      .ts = 1767225600123,
                      .act = BYTES_LIT("view-records"),
                      .ok = true,
                      .code = 200,
                      .actor = BYTES_LIT("tok_5"),
                      .role = BYTES_LIT("crm"),
                      .view = BYTES_LIT("loyalty"),
                      .purpose = BYTES_LIT("sales"),
                      .fields = two_fields,
                      .n_fields = 2,
                      .n = 2,
                      .has_reply = true};

    memset(e.prev, 0xab, sizeof e.prev);
    memset(e.reply, 0xcd, sizeof e.reply);
    memset(e.nonce, 0x12, sizeof e.nonce);
    return e;
}

static void
make(struct made *m, const struct entry *e)
{
    m->line = BUF_INIT;
    assert_int_equal(entry_write(&m->line, e), COFRE_OK);
    assert_int_equal(siem_read(buf_bytes(&m->line), &m->item), COFRE_OK);
}

/* What a format makes of an entry, as text. */
static const char *
text_of(enum siem_format f, bool syslog, const struct siem_source *source, const struct entry *e)
{
    static struct buf out;
    struct made *m = malloc(sizeof *m);

    assert_non_null(m);
    make(m, e);
    buf_free(&out);
    if (syslog)
        siem_syslog(&out, f, source, &m->item);
    else
        siem_write(&out, f, source, &m->item);
    buf_free(&m->line);
    free(m);
    buf_putc(&out, 0);
    assert_int_equal(buf_error(&out), COFRE_OK);
    return (const char *)out.p;
}

/* %s in a wanted text stands for the leaf hash of the line. */
static void
leaf_text(const struct entry *e, char out[static 2 * HASH_LEN + 1])
{
    struct buf line = BUF_INIT;
    struct buf hex = BUF_INIT;
    uint8_t leaf[HASH_LEN];

    assert_int_equal(entry_write(&line, e), COFRE_OK);
    tree_leaf(buf_bytes(&line), leaf);
    buf_put_hex(&hex, BYTES_OF(leaf));
    memcpy(out, hex.p, 2 * HASH_LEN);
    out[2 * HASH_LEN] = 0;
    buf_free(&hex);
    buf_free(&line);
}

#define AB32 "abababababababababababababababababababababababababababababababab"
#define CD32 "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"

static const char full_line[] =
    "{\"prev\":\"" AB32
    "\",\"seq\":41,\"ts\":1767225600123,\"v\":1,\"act\":\"view-records\",\"ok\":true,"
    "\"code\":200,\"actor\":\"tok_5\",\"role\":\"crm\",\"view\":\"loyalty\",\"purpose\":\"sales\","
    "\"fields\":[\"birth_date\",\"country\"],\"n\":2,\"reply\":\"" CD32 "\","
    "\"nonce\":\"12121212121212121212121212121212\",\"subj\":[]}";

static void
jsonl_is_the_line_as_it_stands(void **state)
{
    struct entry e = an_entry();

    (void)state;
    assert_string_equal(text_of(SIEM_JSONL, false, &here, &e), full_line);
}

static void
cef_is_exact(void **state)
{
    struct entry e = an_entry();
    char leaf[2 * HASH_LEN + 1];
    char want[1024];

    (void)state;
    leaf_text(&e, leaf);
    snprintf(
        want, sizeof want,
        "CEF:0|Cofre|Cofre|1.2.3|view-records|view records|1|rt=1767225600123 externalId=41 "
        "cat=audit outcome=success reason=200 deviceExternalId=shop.example/log dvchost=vault1 "
        "suid=tok_5 spriv=crm cs1Label=view cs1=loyalty cs2Label=purpose cs2=sales "
        "cs3Label=fields cs3=birth_date,country cs4Label=entryHash cs4=%s "
        "cs5Label=previousHash cs5=" AB32 " cs6Label=reply cs6=" CD32
        " cn1Label=records cn1=2 cn2Label=tags cn2=0",
        leaf);
    assert_string_equal(text_of(SIEM_CEF, false, &here, &e), want);
}

static void
cef_leaves_out_what_is_empty(void **state)
{
    static const struct siem_source bare = {.version = BYTES_LIT("1")};
    struct entry e = {.act = BYTES_LIT("start"), .ok = true};
    char leaf[2 * HASH_LEN + 1];
    char want[1024];

    (void)state;
    leaf_text(&e, leaf);
    snprintf(
        want, sizeof want,
        "CEF:0|Cofre|Cofre|1|start|start|1|rt=0 externalId=0 cat=audit outcome=success reason=0 "
        "cs4Label=entryHash cs4=%s cs5Label=previousHash cs5=%064d cn1Label=records cn1=0 "
        "cn2Label=tags cn2=0",
        leaf, 0);
    assert_string_equal(text_of(SIEM_CEF, false, &bare, &e), want);
}

static void
ocsf_is_exact(void **state)
{
    struct entry e = an_entry();
    struct buf raw = BUF_INIT;
    char leaf[2 * HASH_LEN + 1];
    char flat[2 * HASH_LEN + 1];
    uint8_t hash[HASH_LEN];
    char want[4096];

    (void)state;
    leaf_text(&e, leaf);
    hash_of(bytes_str(full_line), hash);
    buf_put_hex(&raw, BYTES_OF(hash));
    snprintf(flat, sizeof flat, "%.*s", (int)raw.len, (const char *)raw.p);
    buf_reset(&raw);
    for (const char *p = full_line; *p != 0; p++) {
        if (*p == '"')
            buf_putc(&raw, '\\');
        buf_putc(&raw, *p);
    }
    snprintf(
        want, sizeof want,
        "{\"activity_id\":2,\"activity_name\":\"Read\",\"category_uid\":6,"
        "\"category_name\":\"Application Activity\",\"class_uid\":6003,\"class_name\":\"API "
        "Activity\","
        "\"type_uid\":600302,\"type_name\":\"API Activity: Read\",\"time\":1767225600123,"
        "\"severity_id\":1,\"severity\":\"Informational\",\"status_id\":1,\"status\":\"Success\","
        "\"status_code\":\"200\",\"message\":\"view records: done\",\"metadata\":{\"version\":"
        "\"1.9.0-dev\",\"profiles\":[\"record_integrity\"],\"product\":{\"name\":\"Cofre\","
        "\"vendor_name\":\"Cofre\",\"version\":\"1.2.3\"},\"log_name\":\"shop.example/log\","
        "\"uid\":\"shop.example/log/41\",\"sequence\":41,\"event_code\":\"view-records\","
        "\"reporter\":{\"hostname\":\"vault1\"}},\"actor\":{\"user\":{\"uid\":\"tok_5\",\"type_"
        "id\":4,"
        "\"type\":\"Service\",\"groups\":[{\"name\":\"crm\"}]}},\"src_endpoint\":{\"svc_name\":"
        "\"crm\","
        "\"uid\":\"tok_5\"},\"api\":{\"operation\":\"view-records\",\"service\":{\"name\":"
        "\"cofre\"},"
        "\"response\":{\"code\":200}},\"http_response\":{\"code\":200},\"resources\":[{\"type\":"
        "\"view\","
        "\"name\":\"loyalty\"}],\"attestation_list\":[{\"uid\":\"shop.example/log/41\","
        "\"authority_uid\":\"shop.example/log\",\"chain_uid\":\"shop.example/"
        "log\",\"fingerprint\":{"
        "\"algorithm_id\":3,\"algorithm\":\"SHA-256\",\"encoding_id\":1,\"encoding\":\"Hex\","
        "\"serialization_id\":99,\"serialization\":\"RFC 6962 leaf: a zero byte, then raw_data\","
        "\"value\":\"%s\"},\"prev_event\":{\"uid\":\"shop.example/log/40\",\"fingerprint\":{"
        "\"algorithm_id\":3,\"algorithm\":\"SHA-256\",\"encoding_id\":1,\"encoding\":\"Hex\","
        "\"serialization_id\":99,\"serialization\":\"RFC 6962 leaf: a zero byte, then raw_data\","
        "\"value\":\"" AB32 "\"}}}],\"raw_data\":\"%.*s\",\"raw_data_size\":%zu,\"raw_data_hash\":{"
        "\"algorithm_id\":3,\"algorithm\":\"SHA-256\",\"encoding_id\":1,\"encoding\":\"Hex\","
        "\"serialization_id\":1,\"serialization\":\"Flat\",\"value\":\"%s\"},\"unmapped\":{"
        "\"purpose\":\"sales\",\"fields\":[\"birth_date\",\"country\"],\"records\":2,\"tags\":0}}",
        leaf, (int)raw.len, (const char *)raw.p, strlen(full_line), flat);
    assert_string_equal(text_of(SIEM_OCSF, false, &here, &e), want);
    buf_free(&raw);
}

static void
syslog_is_exact(void **state)
{
    struct entry e = an_entry();
    char leaf[2 * HASH_LEN + 1];
    char want[4096];

    (void)state;
    leaf_text(&e, leaf);
    snprintf(want, sizeof want,
             "<110>1 2026-01-01T00:00:00.123Z vault1 cofre - view-records [cofre@32473 "
             "log=\"shop.example/log\" seq=\"41\" hash=\"%s\" prev=\"" AB32
             "\" ok=\"true\" code=\"200\" "
             "actor=\"tok_5\" role=\"crm\" view=\"loyalty\" purpose=\"sales\" "
             "fields=\"birth_date,country\" n=\"2\" tags=\"0\"]"
             "[origin software=\"cofre\" swVersion=\"1.2.3\"][meta sequenceId=\"42\"] %s",
             leaf, full_line);
    assert_string_equal(text_of(SIEM_JSONL, true, &here, &e), want);
}

static void
no_value_breaks_out_of_its_place(void **state)
{
    static const struct siem_source nasty = {.origin = BYTES_LIT("a|b=c\\d\"e]f\nñ"),
                                             .version = BYTES_LIT("1|2\\3=4")};
    struct entry e = an_entry();
    const char *text;
    json_t *event;

    (void)state;
    text = text_of(SIEM_CEF, false, &nasty, &e);
    assert_non_null(strstr(text, "|1\\|2\\\\3=4|"));
    assert_non_null(strstr(text, " deviceExternalId=a|b\\=c\\\\d\"e]f\\nñ suid="));
    text = text_of(SIEM_JSONL, true, &nasty, &e);
    assert_non_null(strstr(text, " log=\"a|b=c\\\\d\\\"e\\]f\n"));
    event = json_loads(text_of(SIEM_OCSF, false, &nasty, &e), JSON_REJECT_DUPLICATES, NULL);
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(event, "metadata"), "log_name")),
        (const char *)nasty.origin.p);
    json_decref(event);
}

static void
severity_follows_the_outcome_and_some_acts(void **state)
{
    static const struct {
        const char *act;
        bool ok;
        uint32_t code;
        const char *cef, *ocsf, *syslog;
    } rows[] = {
        {"view-record", true, 200, "|1|", "\"severity_id\":1,", "<110>"},
        {"view-record", false, 404, "|3|", "\"severity_id\":2,", "<109>"},
        {"view-record", false, 401, "|6|", "\"severity_id\":3,", "<108>"},
        {"view-record", false, 403, "|6|", "\"severity_id\":3,", "<108>"},
        {"view-record", false, 500, "|8|", "\"severity_id\":4,", "<107>"},
        {"view-record", false, 503, "|8|", "\"severity_id\":4,", "<107>"},
        {"view-apply", false, 2, "|3|", "\"severity_id\":2,", "<109>"},
        {"view-apply", false, 6, "|6|", "\"severity_id\":3,", "<108>"},
        {"view-apply", false, 75, "|8|", "\"severity_id\":4,", "<107>"},
        {"doctor", false, 5, "|10|", "\"severity_id\":5,", "<106>"},
        {"restore", true, 0, "|10|", "\"severity_id\":5,", "<106>"},
        {"integrity", false, 5, "|10|", "\"severity_id\":5,", "<106>"},
        {"unavailable", false, 75, "|10|", "\"severity_id\":5,", "<106>"},
        {"available", true, 0, "|3|", "\"severity_id\":2,", "<109>"},
        {"audit-prune", true, 0, "|6|", "\"severity_id\":3,", "<108>"},
        {"audit-prune", false, 75, "|8|", "\"severity_id\":4,", "<107>"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct entry e = an_entry();

        e.act = bytes_str(rows[i].act);
        e.ok = rows[i].ok;
        e.code = rows[i].code;
        if (strstr(text_of(SIEM_CEF, false, &here, &e), rows[i].cef) == NULL ||
            strstr(text_of(SIEM_OCSF, false, &here, &e), rows[i].ocsf) == NULL ||
            strncmp(text_of(SIEM_JSONL, true, &here, &e), rows[i].syslog, 5) != 0)
            fail_msg("row %zu: %s %u", i, rows[i].act, rows[i].code);
    }
}

/* Acts that are no access to data under a create, read, update or delete. */
static bool
is_other(const char *act)
{
    static const char *const others[] = {
        "unknown-route", "start",       "stop",      "auth-failed", "import-start",    "import-end",
        "key-rotated",   "unavailable", "available", "integrity",   "audit-timestamp", "restore"};

    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(act, others[i]) == 0)
            return true;
    return false;
}

static void
every_act_has_its_activity(void **state)
{
    (void)state;
    for (unsigned a = 0; a < COFRE_ACTS; a++) {
        const char *act = cofre_act_text((enum cofre_act)a);
        struct entry e = an_entry();
        bool other;

        e.act = bytes_str(act);
        other = strstr(text_of(SIEM_OCSF, false, &here, &e), "\"activity_id\":99,") != NULL;
        if (other != is_other(act))
            fail_msg("%s", act);
    }
}

static void
who_has_no_token_is_the_vault_itself(void **state)
{
    struct entry e = {.act = BYTES_LIT("auth-failed"), .role = BYTES_LIT("system"), .code = 401};
    const char *text;

    (void)state;
    text = text_of(SIEM_OCSF, false, &here, &e);
    assert_non_null(strstr(
        text, "\"actor\":{\"app_name\":\"cofre\"},\"src_endpoint\":{\"svc_name\":\"system\"}"));
    assert_non_null(strstr(text, "\"activity_id\":99,\"activity_name\":\"auth-failed\""));
    assert_null(strstr(text, "prev_event"));
}

/* ---- the longest ---- */

struct longest {
    char name[ENTRY_NAME_MAX];
    struct bytes fields[ENTRY_FIELDS_MAX];
    uint8_t subjects[ENTRY_SUBJECTS_MAX * ENTRY_TAG];
};

static struct entry
longest_entry(struct longest *l)
{
    struct bytes name = {(const uint8_t *)l->name, sizeof l->name};
    const uint64_t most = ((uint64_t)1 << 53) - 1;
    struct entry e = {.seq = most,
                      .ts = most,
                      .act = name,
                      .code = UINT32_MAX,
                      .actor = name,
                      .role = name,
                      .view = name,
                      .purpose = name,
                      .fields = l->fields,
                      .n_fields = ENTRY_FIELDS_MAX,
                      .n = most,
                      .has_reply = true,
                      .subjects = l->subjects,
                      .n_subjects = ENTRY_SUBJECTS_MAX};

    memset(l->name, 'z', sizeof l->name);
    memset(l->subjects, 0xff, sizeof l->subjects);
    for (size_t i = 0; i < ENTRY_FIELDS_MAX; i++)
        l->fields[i] = name;
    return e;
}

static void
the_longest_entry_keeps_the_bounds(void **state)
{
    static struct longest l;
    static char origin[SIEM_ORIGIN_MAX];
    struct siem_source far = here;
    struct entry e = longest_entry(&l);
    const char *text;
    json_t *event;

    (void)state;
    memset(origin, '=', sizeof origin);
    far.origin = (struct bytes){(const uint8_t *)origin, sizeof origin};
    assert_true(strlen(text_of(SIEM_JSONL, false, &far, &e)) <= ENTRY_MAX);
    text = text_of(SIEM_CEF, false, &far, &e);
    assert_true(strlen(text) <= SIEM_CEF_MAX);
    assert_non_null(strstr(text, "zz,+98 cs4Label="));
    assert_non_null(strstr(text, " cn2Label=tags cn2=1000"));
    text = text_of(SIEM_OCSF, false, &far, &e);
    assert_true(strlen(text) <= SIEM_OCSF_MAX);
    event = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_int_equal(json_array_size(json_object_get(json_object_get(event, "unmapped"), "fields")),
                     ENTRY_FIELDS_MAX);
    assert_null(json_object_get(json_object_get(event, "metadata"), "sequence"));
    json_decref(event);
}

static void
a_message_is_never_too_long(void **state)
{
    static struct longest l;
    struct entry e = longest_entry(&l);
    const char *text;

    (void)state;
    for (unsigned f = 0; f < SIEM_FORMATS; f++) {
        text = text_of((enum siem_format)f, true, &here, &e);
        assert_true(strlen(text) <= SIEM_SYSLOG_MAX);
        assert_true(f == SIEM_CEF || strstr(text, "] entry 9007199254740991 has ") != NULL);
    }
    /* MSGID has 32 characters at most; no year beyond 9999; the number of the message begins again. */
    assert_memory_equal(
        text, "<107>1 - vault1 cofre - zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz [cofre@32473 ", 70);
    assert_non_null(strstr(text, "[meta sequenceId=\"4194304\"]"));
    /* One byte less than too long is whole. */
    e = an_entry();
    for (size_t tags = 0; tags < 300; tags++) {
        e.subjects = l.subjects;
        e.n_subjects = tags;
        text = text_of(SIEM_JSONL, true, &here, &e);
        assert_true(strlen(text) <= SIEM_SYSLOG_MAX);
        if (strstr(text, "too many for one message") != NULL) {
            assert_in_range(tags, 190, 220);
            return;
        }
        assert_string_equal(text + strlen(text) - 2, "]}");
    }
    fail_msg("nothing was too long");
}

static void
what_is_no_entry_is_refused(void **state)
{
    struct siem_item *item = malloc(sizeof *item);
    enum siem_format f;

    (void)state;
    assert_non_null(item);
    for (size_t n = 0; n < strlen(full_line); n++)
        assert_int_equal(siem_read((struct bytes){(const uint8_t *)full_line, n}, item),
                         COFRE_EFORMAT);
    assert_int_equal(siem_read(bytes_str(full_line), item), COFRE_OK);
    assert_int_equal(siem_format_parse(BYTES_LIT("ocsf"), &f), COFRE_OK);
    assert_int_equal(f, SIEM_OCSF);
    assert_int_equal(siem_format_parse(BYTES_LIT("jsonlx"), &f), COFRE_ENOENT);
    assert_int_equal(siem_format_parse(BYTES_NONE, &f), COFRE_ENOENT);
    free(item);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jsonl_is_the_line_as_it_stands),
        cmocka_unit_test(cef_is_exact),
        cmocka_unit_test(cef_leaves_out_what_is_empty),
        cmocka_unit_test(ocsf_is_exact),
        cmocka_unit_test(syslog_is_exact),
        cmocka_unit_test(no_value_breaks_out_of_its_place),
        cmocka_unit_test(severity_follows_the_outcome_and_some_acts),
        cmocka_unit_test(every_act_has_its_activity),
        cmocka_unit_test(who_has_no_token_is_the_vault_itself),
        cmocka_unit_test(the_longest_entry_keeps_the_bounds),
        cmocka_unit_test(a_message_is_never_too_long),
        cmocka_unit_test(what_is_no_entry_is_refused),
    };

    return cmocka_run_group_tests(tests, unit_setup, NULL);
}
