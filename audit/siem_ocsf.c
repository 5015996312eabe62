#include <inttypes.h>

#include "cofre/encode.h"

#include "audit/siem_internal.h"

/*
 * Every entry is an event of one class, API Activity: a request, or a command of an admin.  The line itself is
 * raw_data; the attestation's fingerprint is its leaf hash, and prev_event that of the entry before: the
 * serialisation they name is the log's own.  No signature is claimed: the log signs its head, not entries.
 */
enum {
    CATEGORY = 6,
    CLASS = 6003,
    OTHER = 99,
    SHA_256 = 3,
    HEX = 1,
    FLAT = 1,
    INTEGER_MAX = 2147483647
};

enum activity { CREATE = 1, READ = 2, UPDATE = 3, DELETE = 4 };

static const char *const activities[] = {
    [CREATE] = "Create", [READ] = "Read", [UPDATE] = "Update", [DELETE] = "Delete"};

/* What is none of these, such as a start or a refusal without a route, is "Other", under its own name. */
static const struct {
    const char *act;
    enum activity activity;
} acts[] = {
    {"customer-create", CREATE},
    {"customer-batch", CREATE},
    {"customer-patch", UPDATE},
    {"event-append", CREATE},
    {"event-batch", CREATE},
    {"consent-put", UPDATE},
    {"customer-lookup", READ},
    {"customer-reveal", READ},
    {"view-contract", READ},
    {"view-records", READ},
    {"view-record", READ},
    {"view-batch-get", READ},
    {"view-record-events", READ},
    {"view-events", READ},
    {"audit-checkpoint", READ},
    {"audit-tile", READ},
    {"audit-entries", READ},
    {"audit-proof", READ},
    {"audit-verify", READ},
    {"audit-export", READ},
    {"audit-prune", DELETE},
    {"customer-accesses", READ},
    {"init", CREATE},
    {"status", READ},
    {"doctor", READ},
    {"schema-show", READ},
    {"schema-apply", UPDATE},
    {"purpose-list", READ},
    {"purpose-add", CREATE},
    {"view-list", READ},
    {"view-show", READ},
    {"view-apply", UPDATE},
    {"view-drop", DELETE},
    {"token-issue", CREATE},
    {"token-list", READ},
    {"token-revoke", DELETE},
    {"import-batch", CREATE},
    {"customer-show", READ},
    {"key-status", READ},
    {"key-rotate", UPDATE},
    {"audit-rotate", UPDATE},
    {"audit-recover", UPDATE},
};

static const struct {
    unsigned id;
    const char *text;
} severities[SIEM_LEVELS] = {
    [SIEM_INFO] = {1, "Informational"}, [SIEM_NOTICE] = {2, "Low"},
    [SIEM_WARNING] = {3, "Medium"},     [SIEM_ERROR] = {4, "High"},
    [SIEM_CRITICAL] = {5, "Critical"},
};

/* Kinds of accounts; a role that is none of these is a person's. */
static const struct {
    const char *role;
    unsigned id;
    const char *text;
} accounts[] = {
    {"admin", 2, "Admin"}, {"system", 3, "System"}, {"ingest", 4, "Service"},
    {"crm", 4, "Service"}, {NULL, 1, "User"},
};

static void
put_string(struct buf *out, const char *before, struct bytes value)
{
    buf_puts(out, before);
    encode_json_string(out, value);
}

static unsigned
activity_of(const struct entry *e)
{
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++)
        if (bytes_equal(e->act, bytes_str(acts[i].act)))
            return acts[i].activity;
    return OTHER;
}

static void
put_class(struct buf *out, const struct entry *e)
{
    unsigned activity = activity_of(e);
    struct bytes name = activity == OTHER ? e->act : bytes_str(activities[activity]);

    buf_putf(out, "{\"activity_id\":%u", activity);
    put_string(out, ",\"activity_name\":", name);
    buf_putf(out,
             ",\"category_uid\":%d,\"category_name\":\"Application Activity\",\"class_uid\":%d,"
             "\"class_name\":\"API Activity\",\"type_uid\":%u,\"type_name\":\"API Activity: %s\"",
             CATEGORY, CLASS, CLASS * 100U + activity,
             activity == OTHER ? "Other" : activities[activity]);
}

static void
put_outcome(struct buf *out, const struct siem_item *item)
{
    const struct entry *e = &item->parsed.e;

    buf_putf(out,
             ",\"time\":%" PRIu64 ",\"severity_id\":%u,\"severity\":\"%s\",\"status_id\":%d,"
             "\"status\":\"%s\",\"status_code\":\"%" PRIu32 "\",\"message\":\"",
             e->ts, severities[item->level].id, severities[item->level].text, e->ok ? 1 : 2,
             e->ok ? "Success" : "Failure", e->code);
    siem_put_words(out, e->act);
    buf_putf(out, ": %s\"", e->ok ? "done" : "refused or failed");
}

static void
put_uid(struct buf *out, const struct siem_source *source, uint64_t seq)
{
    struct buf uid = BUF_INIT;

    buf_putb(&uid, source->origin);
    buf_putf(&uid, "/%" PRIu64, seq);
    out->failed = out->failed || uid.failed;
    encode_json_string(out, buf_bytes(&uid));
    buf_free(&uid);
}

static void
put_metadata(struct buf *out, const struct siem_source *source, const struct entry *e)
{
    buf_puts(out, ",\"metadata\":{\"version\":\"1.9.0-dev\",\"profiles\":[\"record_integrity\"],"
                  "\"product\":{\"name\":\"Cofre\",\"vendor_name\":\"Cofre\"");
    put_string(out, ",\"version\":", source->version);
    put_string(out, "},\"log_name\":", source->origin);
    buf_puts(out, ",\"uid\":");
    put_uid(out, source, e->seq);
    if (e->seq <= INTEGER_MAX)
        buf_putf(out, ",\"sequence\":%" PRIu64, e->seq);
    put_string(out, ",\"event_code\":", e->act);
    if (source->host.len > 0)
        put_string(out, ",\"reporter\":{\"hostname\":", source->host);
    buf_puts(out, source->host.len > 0 ? "}}" : "}");
}

static void
put_actor(struct buf *out, const struct entry *e)
{
    size_t i = 0;

    if (e->actor.len == 0) {
        buf_puts(out, ",\"actor\":{\"app_name\":\"cofre\"}");
    } else {
        while (accounts[i].role != NULL && !bytes_equal(e->role, bytes_str(accounts[i].role)))
            i++;
        put_string(out, ",\"actor\":{\"user\":{\"uid\":", e->actor);
        buf_putf(out, ",\"type_id\":%u,\"type\":\"%s\"", accounts[i].id, accounts[i].text);
        put_string(out, ",\"groups\":[{\"name\":", e->role);
        buf_puts(out, "}]}}");
    }
    put_string(out,
               ",\"src_endpoint\":{\"svc_name\":", e->role.len > 0 ? e->role : BYTES_LIT("cofre"));
    if (e->actor.len > 0)
        put_string(out, ",\"uid\":", e->actor);
    buf_putc(out, '}');
}

static void
put_api(struct buf *out, const struct entry *e)
{
    put_string(out, ",\"api\":{\"operation\":", e->act);
    buf_putf(out, ",\"service\":{\"name\":\"cofre\"},\"response\":{\"code\":%" PRIu32 "}}",
             e->code);
    if (siem_is_http(e))
        buf_putf(out, ",\"http_response\":{\"code\":%" PRIu32 "}", e->code);
    if (e->view.len > 0) {
        put_string(out, ",\"resources\":[{\"type\":\"view\",\"name\":", e->view);
        buf_puts(out, "}]");
    }
}

static void
put_fingerprint(struct buf *out, const uint8_t leaf[static HASH_LEN])
{
    buf_putf(out,
             "\"fingerprint\":{\"algorithm_id\":%d,\"algorithm\":\"SHA-256\",\"encoding_id\":%d,"
             "\"encoding\":\"Hex\",\"serialization_id\":%d,"
             "\"serialization\":\"RFC 6962 leaf: a zero byte, then raw_data\",\"value\":\"",
             SHA_256, HEX, OTHER);
    buf_put_hex(out, (struct bytes){leaf, HASH_LEN});
    buf_puts(out, "\"}");
}

static void
put_attestation(struct buf *out, const struct siem_source *source, const struct siem_item *item)
{
    const struct entry *e = &item->parsed.e;

    buf_puts(out, ",\"attestation_list\":[{\"uid\":");
    put_uid(out, source, e->seq);
    put_string(out, ",\"authority_uid\":", source->origin);
    put_string(out, ",\"chain_uid\":", source->origin);
    buf_putc(out, ',');
    put_fingerprint(out, item->leaf);
    if (e->seq > 0) {
        buf_puts(out, ",\"prev_event\":{\"uid\":");
        put_uid(out, source, e->seq - 1);
        buf_putc(out, ',');
        put_fingerprint(out, e->prev);
        buf_putc(out, '}');
    }
    buf_puts(out, "}]");
}

static void
put_raw(struct buf *out, const struct siem_item *item)
{
    uint8_t hash[HASH_LEN];

    put_string(out, ",\"raw_data\":", item->line);
    hash_of(item->line, hash);
    buf_putf(
        out,
        ",\"raw_data_size\":%zu,\"raw_data_hash\":{\"algorithm_id\":%d,\"algorithm\":\"SHA-256\","
        "\"encoding_id\":%d,\"encoding\":\"Hex\",\"serialization_id\":%d,"
        "\"serialization\":\"Flat\",\"value\":\"",
        item->line.len, SHA_256, HEX, FLAT);
    buf_put_hex(out, (struct bytes){hash, HASH_LEN});
    buf_puts(out, "\"}");
}

static void
put_unmapped(struct buf *out, const struct entry *e)
{
    put_string(out, ",\"unmapped\":{\"purpose\":", e->purpose);
    buf_puts(out, ",\"fields\":[");
    for (size_t i = 0; i < e->n_fields; i++)
        put_string(out, i > 0 ? "," : "", e->fields[i]);
    buf_putf(out, "],\"records\":%" PRIu64 ",\"tags\":%zu}}", e->n, e->n_subjects);
}

void
siem_ocsf_write(struct buf *out, const struct siem_source *source, const struct siem_item *item)
{
    const struct entry *e = &item->parsed.e;

    put_class(out, e);
    put_outcome(out, item);
    put_metadata(out, source, e);
    put_actor(out, e);
    put_api(out, e);
    put_attestation(out, source, item);
    put_raw(out, item);
    put_unmapped(out, e);
}
