#include <stdlib.h>

#include "audit/log_prune.h"
#include "audit/log_prune.h"
#include "audit/prover.h"
#include "cofre/customers.h"
#include "cofre/encode.h"
#include "vault/records/subject_keys.h"
#include "vault/records/values.h"

/*
 * Who saw this customer: the log is searched for the person's tags, with the keys of all its epochs.
 * What is found is copied first, and proved afterwards against one checkpoint that covers all of it.
 */

enum {
    /* A request's part of the search, about 30 ms of a thread: HMACs, and bytes that are read. */
    SEARCH_HMACS = 65536,
    SEARCH_BYTES = 32 * 1024 * 1024,
    /* A page's bytes, and what stands around an entry in it: its members again, and a proof. */
    PAGE_BYTES = 4 * 1024 * 1024,
    PAGE_AROUND = 4096
};

/* Where an entry that was found lies in the lines. */
struct found {
    uint64_t seq;
    size_t at;
    size_t len;
};

struct search {
    const struct cofre_accesses_in *in;
    struct subject *subject;
    uint64_t hmacs; /* of one entry */
    uint64_t left;  /* HMACs that are left to this request */
    uint64_t read;  /* bytes */
    uint64_t from;  /* where it began: behind what was pruned */
    uint64_t next;
    bool full;
    struct buf lines;
    struct buf found; /* struct found, one after the other */
    size_t n;
};

static enum cofre_err
keep(struct search *s, uint64_t seq, struct bytes line)
{
    const struct found f = {seq, s->lines.len, line.len};

    if (s->n == s->in->limit ||
        (s->n > 0 && s->lines.len + line.len + (s->n + 1) * PAGE_AROUND > PAGE_BYTES)) {
        s->full = true;
        return COFRE_ELIMIT;
    }
    buf_putb(&s->lines, line);
    buf_put(&s->found, &f, sizeof f);
    s->n++;
    return s->lines.failed || s->found.failed ? COFRE_ENOMEM : COFRE_OK;
}

/* ELIMIT, with full set: the next request goes on at next. */
static enum cofre_err
look(void *ctx, uint64_t seq, struct bytes line)
{
    struct search *s = ctx;
    enum cofre_err err = COFRE_OK;

    if (!s->in->whole && (s->left < s->hmacs || s->read > SEARCH_BYTES)) {
        s->full = true;
        return COFRE_ELIMIT;
    }
    s->left -= s->in->whole ? 0 : s->hmacs;
    s->read += line.len;
    if (subject_matches(s->subject, line))
        err = keep(s, seq, line);
    if (err == COFRE_OK)
        s->next = seq + 1;
    return err;
}

static enum cofre_err
search_log(struct cofre_vault *v, struct search *s, uint64_t to, struct cofre_why *why)
{
    enum cofre_err err = COFRE_OK;
    uint64_t first;

    s->next = s->in->from;
    do {
        /* What was pruned is gone, and with it who is named there. */
        if ((first = log_prune_first(v->log)) > s->next)
            s->next = first;
        s->from = s->n == 0 ? s->next : s->from;
        if (s->next < to)
            err = log_entries(v->log, s->next, to - s->next, look, s, why);
    } while (err == COFRE_ENOENT && log_prune_first(v->log) > s->next); /* pruned meanwhile */
    return s->full ? COFRE_OK : err;
}

/* ---- the page ---- */

static void
put_names(struct buf *out, const struct entry *e)
{
    const struct {
        const char *key;
        struct bytes value;
    } names[] = {
        {"actor", e->actor}, {"role", e->role}, {"view", e->view}, {"purpose", e->purpose}};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        buf_putf(out, ",\"%s\":", names[i].key);
        encode_json_string(out, names[i].value);
    }
    buf_puts(out, ",\"fields\":[");
    for (size_t i = 0; i < e->n_fields; i++) {
        if (i > 0)
            buf_putc(out, ',');
        encode_json_string(out, e->fields[i]);
    }
    buf_putc(out, ']');
}

static enum cofre_err
put_access(struct buf *out, struct bytes line, struct bytes proof)
{
    struct entry_parsed *p = malloc(sizeof *p);
    enum cofre_err err;

    if (p == NULL)
        return COFRE_ENOMEM;
    /* What lies in the log was parsed when it was written, and is what was hashed. */
    if ((err = entry_parse(line, p)) != COFRE_OK) {
        free(p);
        return COFRE_EINTEGRITY;
    }
    buf_putf(out, "{\"seq\":%llu,\"time\":", (unsigned long long)p->e.seq);
    values_put_time(out, (int64_t)p->e.ts);
    buf_puts(out, ",\"act\":");
    encode_json_string(out, p->e.act);
    buf_putf(out, ",\"ok\":%s,\"code\":%u", p->e.ok ? "true" : "false", p->e.code);
    put_names(out, &p->e);
    buf_putf(out, ",\"n\":%llu,\"entry\":", (unsigned long long)p->e.n);
    encode_json_string(out, line);
    buf_puts(out, ",\"proof\":");
    encode_json_string(out, proof);
    buf_putc(out, '}');
    free(p);
    return buf_error(out);
}

static struct found
found_at(const struct search *s, size_t i)
{
    struct found f;

    memcpy(&f, s->found.p + i * sizeof f, sizeof f);
    return f;
}

static enum cofre_err
put_accesses(struct cofre_vault *v, const struct search *s, struct buf *out, struct cofre_why *why)
{
    struct buf text = BUF_INIT;
    struct prover *prover = NULL;
    enum cofre_err err;

    err = log_checkpoint(v->log, found_at(s, s->n - 1).seq + 1, &text, why);
    if (err == COFRE_OK)
        err = prover_new(v->audit_fd, buf_bytes(&text), &prover, why);
    for (size_t i = 0; i < s->n && err == COFRE_OK; i++) {
        const struct found f = found_at(s, i);

        buf_reset(&text);
        if ((err = prover_put(prover, f.seq, &text, why)) != COFRE_OK)
            break;
        if (i > 0)
            buf_putc(out, ',');
        err = put_access(out, (struct bytes){s->lines.p + f.at, f.len}, buf_bytes(&text));
    }
    prover_free(prover);
    buf_free(&text);
    return err;
}

static enum cofre_err
answer(struct cofre_vault *v, struct search *s, struct buf *out, struct cofre_why *why)
{
    struct log_head head;
    uint64_t to;
    enum cofre_err err;

    log_head(v->log, &head);
    to = s->in->to < head.size ? s->in->to : head.size;
    if ((err = search_log(v, s, to, why)) != COFRE_OK)
        return err;
    buf_puts(out, "{\"accesses\":[");
    if (s->n > 0 && (err = put_accesses(v, s, out, why)) != COFRE_OK)
        return err;
    buf_putf(out, "],\"from\":%llu,\"to\":%llu,\"next\":", (unsigned long long)s->from,
             (unsigned long long)to);
    if (s->next < to)
        buf_put_u64_dec(out, s->next);
    else
        buf_puts(out, "null");
    buf_putc(out, '}');
    return buf_error(out);
}

void
cofre_customer_accesses(struct cofre_vault *v, struct cofre_call *call, struct bytes cus,
                        const struct cofre_accesses_in *in)
{
    struct search s = {.in = in, .left = SEARCH_HMACS};
    struct cofre_why why = {""};
    struct subject_keys keys;
    enum cofre_err err;

    if (!policy_role(call))
        return;
    if ((err = subject_keys_open(v, call, cus, true, &keys)) == COFRE_OK) {
        s.hmacs = keys.n;
        err = subject_new(secret_data(keys.memory), keys.n, &s.subject);
        subject_keys_free(&keys);
    }
    if (err == COFRE_OK)
        err = answer(v, &s, &call->body, &why);
    if (err != COFRE_OK)
        policy_error(call, err, &why);
    subject_free(s.subject);
    buf_free(&s.lines);
    buf_free(&s.found);
}

/* ---- a key to search with offline ---- */

void
cofre_customer_subject_key(struct cofre_vault *v, struct cofre_call *call, struct bytes cus,
                           bool current, struct buf *key)
{
    struct subject_keys keys;
    enum cofre_err err;

    if (!policy_role(call))
        return;
    cofre_call_field(call, BYTES_LIT("subject-key"));
    if (current)
        cofre_call_field(call, BYTES_LIT("current"));
    if ((err = subject_keys_open(v, call, cus, current, &keys)) != COFRE_OK) {
        policy_error(call, err, NULL);
        return;
    }
    if (keys.n == 0)
        cofre_call_fail(call, COFRE_OUT_REFUSED, "",
                        "no epoch of the log is closed: cofre key rotate audit closes one; or"
                        " give --current");
    subject_put_head(key, v->id);
    for (size_t i = 0; i < keys.n; i++)
        subject_put_epoch(key, keys.epochs[i], secret_data(keys.memory) + i * KEY_LEN);
    subject_keys_free(&keys);
    if ((err = buf_error(key)) != COFRE_OK)
        policy_error(call, err, NULL);
}
