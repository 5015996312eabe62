/* The bodies of requests: the first byte chooses one, the rest is the text. */
#include <stdlib.h>

#include "api/body.h"
#include "cofre/encode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool holds)
{
    if (!holds)
        abort();
}

static void
check_text(struct bytes text)
{
    check(text.len == 0 || encode_utf8_valid(text));
    check(text.len == 0 || memchr(text.p, 0, text.len) == NULL);
}

static void
check_fields(const struct cofre_field *fields, size_t n)
{
    check(n <= JSON_IN_FIELDS);
    for (size_t i = 0; i < n; i++) {
        check_text(fields[i].name);
        check_text(fields[i].text);
        check(fields[i].form != COFRE_FORM_FILE);
    }
}

static void
check_customer(const struct cofre_customer_in *c)
{
    check_text(c->external_id);
    check_fields(c->fields, c->n_fields);
    for (size_t i = 0; i < c->n_consents; i++) {
        check_text(c->consents[i].purpose);
        check_text(c->consents[i].time);
    }
}

static bool
customer(struct json_in *in)
{
    struct cofre_customer_in out;

    if (!body_customer(in, &out))
        return false;
    check_customer(&out);
    return true;
}

static bool
customers(struct json_in *in)
{
    struct body_customers out;

    if (!body_customers(in, &out))
        return false;
    check(out.n >= 1 && out.n <= COFRE_BATCH_MAX);
    for (size_t i = 0; i < out.n; i++)
        check_customer(&out.list[i]);
    return true;
}

static bool
patch(struct json_in *in)
{
    struct body_fields out;

    if (!body_patch(in, &out))
        return false;
    check_fields(out.list, out.n);
    return true;
}

static bool
events(struct json_in *in, bool of_one)
{
    struct body_events out;

    if (!body_events(in, of_one, &out))
        return false;
    check(out.n >= 1 && out.n <= COFRE_BATCH_MAX);
    for (size_t i = 0; i < out.n; i++) {
        /* Where the path names the customer, no event does; else the vault says what is missing. */
        check(!of_one || (out.list[i].customer.p == NULL && out.list[i].external_id.p == NULL));
        check_text(out.list[i].event_id);
        check_fields(out.list[i].attributes, out.list[i].n_attributes);
    }
    return true;
}

static bool
events_of_one(struct json_in *in)
{
    return events(in, true);
}

static bool
events_of_many(struct json_in *in)
{
    return events(in, false);
}

static bool
consent(struct json_in *in)
{
    struct cofre_consent_in out;

    if (!body_consent(in, &out))
        return false;
    check_text(out.status);
    check_text(out.source);
    return true;
}

static bool
lookup(struct json_in *in)
{
    struct bytes index;
    struct cofre_field value;

    if (!body_lookup(in, &index, &value))
        return false;
    check_text(index);
    check_fields(&value, 1);
    return true;
}

static bool
reveal(struct json_in *in)
{
    struct cofre_reveal_in out;

    if (!body_reveal(in, &out))
        return false;
    check(out.n_fields >= 1 && out.reason.len >= 1 && out.reason.len <= 1000);
    for (size_t i = 0; i < out.n_fields; i++)
        check_text(out.fields[i]);
    return true;
}

static bool
pseudonyms(struct json_in *in)
{
    struct body_names out;

    if (!body_pseudonyms(in, &out))
        return false;
    for (size_t i = 0; i < out.n; i++)
        check_text(out.list[i]);
    return true;
}

static bool (*const readers[])(struct json_in *in) = {
    customer, customers, patch, events_of_one, events_of_many, consent, lookup, reveal, pseudonyms,
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cofre_call call;
    struct json_in in;
    bool ok;

    if (size < 1)
        return 0;
    json_in_setup();
    cofre_call_init(&call);
    ok = json_in_parse(&in, &call, (struct bytes){data + 1, size - 1}) &&
         readers[data[0] % (sizeof readers / sizeof *readers)](&in);
    /* An answer is either a success or a fault that says where. */
    check(ok == cofre_call_ok(&call));
    check(ok == (call.n_faults == 0));
    for (size_t i = 0; i < call.n_faults; i++)
        check_text(bytes_str(call.faults[i].reason));
    json_in_free(&in);
    cofre_call_free(&call);
    return 0;
}
