#include "crypto/pae.h"
#include "vault/vault_internal.h"

#include "vault/idem.h"

enum { DAY_MS = 24 * 60 * 60 * 1000 };

static void
digests(const struct cofre_vault *v, const struct cofre_call *call, struct store_idem *row)
{
    const struct bytes key[] = {bytes_str(call->actor.id), call->idem_key};
    const struct bytes request[] = {bytes_str(cofre_act_text(call->act)), call->idem_body};
    uint8_t mac[HASH_LEN];

    pae_hmac(&v->keys->index, "cofre/v1/idempotency-key", key, 2, mac);
    memcpy(row->key, mac, sizeof row->key);
    pae_hmac(&v->keys->index, "cofre/v1/idempotency-request", request, 2, mac);
    memcpy(row->request, mac, sizeof row->request);
}

enum cofre_err
idem_replay(struct cofre_vault *v, struct cofre_call *call)
{
    struct store_idem mine;
    struct store_idem row;
    enum cofre_err err;

    if (call->idem_key.len == 0)
        return COFRE_ENOENT;
    digests(v, call, &mine);
    err = store_idem_get(store_writer(v->store), mine.key, vault_now(), &row);
    if (err != COFRE_OK)
        return err;
    if (memcmp(mine.request, row.request, sizeof row.request) != 0) {
        cofre_call_fail(call, COFRE_OUT_IDEMPOTENCY, NULL, NULL);
        return COFRE_OK;
    }
    call->outcome = row.status == 201 ? COFRE_OUT_CREATED : COFRE_OUT_OK;
    call->replayed = true;
    call->version = row.status == 201 ? 1 : 0; /* what creates makes version 1 */
    /* What was prepared names somebody who was not made. */
    buf_reset(&call->subjects);
    call->n = 0;
    buf_reset(&call->body);
    buf_putb(&call->body, row.body);
    return buf_error(&call->body);
}

enum cofre_err
idem_keep(struct cofre_vault *v, struct cofre_call *call)
{
    struct store_idem row;
    int64_t now = vault_now();

    if (call->idem_key.len == 0)
        return COFRE_OK;
    digests(v, call, &row);
    row.status = cofre_outcome(call->outcome)->http;
    row.expires = now + DAY_MS;
    row.body = buf_bytes(&call->body);
    return store_idem_put(store_writer(v->store), &row, now);
}
