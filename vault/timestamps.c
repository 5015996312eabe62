#include <stdio.h>

#include "cofre/audit.h"
#include "cofre/encode.h"
#include "vault/outward.h"
#include "vault/records/values.h"

#include "vault/timestamps.h"

/* Time stamps of an outside authority: asked for, checked, kept. */

enum { ASK_TIMEOUT_MS = 30 * 1000 };

/* Whoever signs for entries up to size: two keys where one epoch ends and the next begins. */
static bool
may_sign(struct log *l, uint32_t epoch, uint64_t size, struct note_verifier *key)
{
    uint64_t end;
    uint64_t begin = 0;

    if (epoch > 1 && !log_epoch(l, epoch - 1, NULL, &begin))
        return false;
    return log_epoch(l, epoch, key, &end) && size >= begin && (end == 0 || size <= end);
}

/* Is it one of this log's, and is what it covers what the log holds? */
static enum cofre_err
check_checkpoint(struct cofre_vault *v, struct timestamps_pair *pair, struct cofre_why *why)
{
    struct note_verifier key;
    struct checkpoint c = {.size = UINT64_MAX};
    uint8_t root[HASH_LEN];
    struct log_head head;
    bool ours = false;
    enum cofre_err err;

    for (uint32_t epoch = 1; epoch <= log_epochs(v->log) && !ours; epoch++) {
        if (!log_epoch(v->log, epoch, &key, NULL) ||
            checkpoint_open(pair->checkpoint, &key, &c) != COFRE_OK)
            continue;
        ours = may_sign(v->log, epoch, c.size, &key);
    }
    if (!ours)
        return cofre_why_set(why, COFRE_EREFUSED,
                             "the checkpoint is not one that this log's keys signed");
    log_head(v->log, &head);
    if (c.size > head.size)
        return cofre_why_set(why, COFRE_EREFUSED, "the checkpoint is ahead of the log");
    if ((err = log_root_at(v->log, c.size, root, why)) != COFRE_OK)
        return err;
    if (memcmp(root, c.root, HASH_LEN) != 0)
        return cofre_why_set(why, COFRE_EREFUSED, "the checkpoint is not of this log's entries");
    pair->size = c.size;
    return COFRE_OK;
}

static enum cofre_err
check_reply(const struct timestamps_pair *pair, struct bytes ca, struct tsa_token *token,
            struct cofre_why *why)
{
    struct cofre_why found = {""};
    enum cofre_err err = tsa_read(pair->reply, token, why);

    if (err != COFRE_OK)
        return err;
    if (memcmp(token->digest, pair->checkpoint_hash, HASH_LEN) != 0)
        return cofre_why_set(why, COFRE_EINVAL,
                             "the reply is about other bytes: --checkpoint is the one of --query");
    if (ca.p == NULL)
        return COFRE_OK;
    if ((err = tsa_verify(pair->reply, pair->checkpoint_hash, ca, &found)) != COFRE_OK)
        cofre_why_set(why, err, "%s", found.text);
    return err == COFRE_EAUTH ? COFRE_EREFUSED : err;
}

/* ---- keeping ---- */

static void
put_hash(struct cofre_call *call, const uint8_t hash[static HASH_LEN])
{
    struct buf text = BUF_INIT;

    encode_hex(&text, (struct bytes){hash, HASH_LEN});
    cofre_call_field(call, buf_bytes(&text));
    buf_free(&text);
}

static void
say_what(struct cofre_call *call, const struct timestamps_pair *pair, const struct tsa_token *token)
{
    char size[32];

    snprintf(size, sizeof size, "size-%llu", (unsigned long long)pair->size);
    cofre_call_field(call, bytes_str(size));
    put_hash(call, pair->checkpoint_hash);
    put_hash(call, pair->reply_hash);
    buf_putf(&call->body, "{\"size\":%llu,\"time\":", (unsigned long long)pair->size);
    values_put_time(&call->body, (int64_t)(token->seconds * 1000));
    buf_puts(&call->body, ",\"authority\":");
    encode_json_string(&call->body, bytes_str(token->authority));
    buf_putc(&call->body, '}');
}

/* With stamp_lock held.  No checkpoint covers the entry before the files are there. */
static void
keep(struct cofre_vault *v, struct cofre_call *call)
{
    struct cofre_why why = {""};
    enum cofre_err err = COFRE_OK;

    log_pause(v->log);
    cofre_submit_wait(v, call);
    /* Of a log that died nobody knows whether it holds the entry: the next start will. */
    if (!log_dead(v->log))
        err = timestamps_settle(v, &why);
    if (err != COFRE_OK && cofre_call_ok(call)) {
        buf_reset(&call->body);
        policy_error(call, err, &why);
    }
    log_resume(v->log);
}

/* The cause for the person who asked; the outcome for the log. */
static void
refuse(struct cofre_vault *v, struct cofre_call *call, enum cofre_err err,
       const struct cofre_why *why)
{
    policy_error(call, err, why);
    if (why->text[0] != 0 && cofre_outcome(call->outcome)->http < 500)
        cofre_call_fail(call, call->outcome, "", why->text);
    cofre_submit_wait(v, call);
}

void
cofre_timestamp_keep(struct cofre_vault *v, struct cofre_call *call,
                     const struct cofre_timestamp_in *in)
{
    struct timestamps_pair pair = {.reply = in->reply};
    struct cofre_why why = {""};
    struct buf newest = BUF_INIT;
    struct tsa_token token;
    enum cofre_err err = COFRE_OK;

    if (!policy_role(call)) {
        cofre_submit_wait(v, call);
        return;
    }
    if (in->checkpoint.p == NULL)
        err = log_checkpoint(v->log, 0, &newest, &why);
    pair.checkpoint = in->checkpoint.p != NULL ? in->checkpoint : buf_bytes(&newest);
    hash_of(pair.checkpoint, pair.checkpoint_hash);
    hash_of(pair.reply, pair.reply_hash);
    if (err == COFRE_OK && (err = check_reply(&pair, in->ca, &token, &why)) == COFRE_OK)
        err = check_checkpoint(v, &pair, &why);

    pthread_mutex_lock(&v->stamp_lock);
    if (err == COFRE_OK && (err = timestamps_settle(v, &why)) == COFRE_OK &&
        timestamps_there(v, pair.size))
        err = cofre_why_set(&why, COFRE_EEXIST, "this checkpoint has a time stamp already");
    if (err == COFRE_OK)
        err = timestamps_stage(v, &pair, &why);
    if (err == COFRE_OK) {
        say_what(call, &pair, &token);
        keep(v, call);
    } else {
        refuse(v, call, err, &why);
    }
    pthread_mutex_unlock(&v->stamp_lock);
    buf_free(&newest);
}

/* ---- asking ---- */

static enum cofre_err
query_for(struct cofre_vault *v, struct buf *checkpoint, struct buf *query, struct cofre_why *why)
{
    uint8_t digest[HASH_LEN];
    struct log_head head;
    enum cofre_err err;

    log_head(v->log, &head);
    if ((err = log_checkpoint(v->log, head.size, checkpoint, why)) != COFRE_OK)
        return err;
    hash_of(buf_bytes(checkpoint), digest);
    return tsa_query(digest, query);
}

void
cofre_timestamp_query(struct cofre_vault *v, struct cofre_call *call, struct buf *query)
{
    struct cofre_why why = {""};
    enum cofre_err err;

    if (!policy_role(call))
        return;
    call->content_type = "text/plain; charset=utf-8";
    if ((err = query_for(v, &call->body, query, &why)) != COFRE_OK)
        policy_error(call, err, &why);
}

/* What comes back is the authority's to answer for, and not the caller's. */
static enum cofre_err
check_answer(struct bytes query, struct bytes checkpoint, struct bytes reply, struct cofre_why *why)
{
    struct tsa_token token;
    uint8_t digest[HASH_LEN];
    enum cofre_err err = tsa_read(reply, &token, why);

    if (err != COFRE_OK)
        return err;
    hash_of(checkpoint, digest);
    if (memcmp(token.digest, digest, HASH_LEN) != 0)
        return cofre_why_set(why, COFRE_EAUTH, "its reply is about other bytes");
    return tsa_answers(query, reply, why);
}

static enum cofre_err
ask(const char *url, struct bytes query, struct bytes checkpoint, struct buf *reply,
    struct cofre_why *why)
{
    const struct outward_request request = {.url = url,
                                            .content_type = "application/timestamp-query",
                                            .body = query,
                                            .reply_max = TSA_REPLY_MAX,
                                            .timeout_ms = ASK_TIMEOUT_MS};
    unsigned status = 0;
    enum cofre_err err = outward_post(&request, &status, reply, why);

    if (err == COFRE_OK && status != 200)
        err = cofre_why_set(why, COFRE_EIO, "it answered with HTTP status %u", status);
    return err == COFRE_OK ? check_answer(query, checkpoint, buf_bytes(reply), why) : err;
}

void
cofre_timestamp_ask(struct cofre_vault *v, struct cofre_call *call, const char *url,
                    struct bytes ca)
{
    struct buf checkpoint = BUF_INIT, query = BUF_INIT, reply = BUF_INIT;
    struct cofre_why why = {""};
    enum cofre_err err = COFRE_OK;

    if (policy_role(call) && !outward_url_valid(url))
        cofre_call_fail(call, COFRE_OUT_INVALID, "", "--tsa takes an http:// or https:// URL");
    if (cofre_call_ok(call) && (err = query_for(v, &checkpoint, &query, &why)) != COFRE_OK)
        policy_error(call, err, &why);
    else if (cofre_call_ok(call) &&
             ask(url, buf_bytes(&query), buf_bytes(&checkpoint), &reply, &why) != COFRE_OK) {
        cofre_why_add(&why, COFRE_EIO, "the authority");
        cofre_call_fail(call, COFRE_OUT_OUTSIDE, "", why.text);
    }
    if (cofre_call_ok(call))
        cofre_timestamp_keep(v, call,
                             &(struct cofre_timestamp_in){.checkpoint = buf_bytes(&checkpoint),
                                                          .reply = buf_bytes(&reply),
                                                          .ca = ca});
    else
        cofre_submit_wait(v, call);
    buf_free(&checkpoint);
    buf_free(&query);
    buf_free(&reply);
}
