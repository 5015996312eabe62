#include "crypto/pae.h"

#include "vault/store/sums.h"

/* ---- rows ---- */

void
sums_row_begin(struct sums_row *r, const struct sums *s, const struct sums_part *p)
{
    hmac_init(&r->m, s->key);
    memcpy(r->gathered, p->prefix, p->prefix_len);
    r->n = p->prefix_len;
}

/* Short pieces go together: each call of the hash costs as much as some of its bytes. */
static void
put(struct sums_row *r, struct bytes b)
{
    if (b.len > sizeof r->gathered - r->n) {
        hmac_update(&r->m, (struct bytes){r->gathered, r->n});
        r->n = 0;
    }
    if (b.len > sizeof r->gathered) {
        hmac_update(&r->m, b);
    } else if (b.len > 0) {
        memcpy(r->gathered + r->n, b.p, b.len);
        r->n += b.len;
    }
}

void
sums_row_put(struct sums_row *r, int type, int64_t n, struct bytes b)
{
    uint8_t head[9];
    uint8_t number[8];

    if (type == SQLITE_INTEGER) {
        bytes_set_le64(number, (uint64_t)n);
        b = BYTES_OF(number);
    }
    bytes_set_le64(head, 1 + (uint64_t)b.len);
    head[8] = (uint8_t)type;
    put(r, BYTES_OF(head));
    put(r, b);
}

void
sums_row_end(struct sums_row *r, uint8_t tag[static HASH_LEN])
{
    hmac_update(&r->m, (struct bytes){r->gathered, r->n});
    hmac_final(&r->m, tag);
}

/* ---- sums ---- */

void
sums_add(struct sum *s, const uint8_t tag[static HASH_LEN])
{
    uint64_t carry = 0;

    for (size_t i = 0; i < 4; i++) {
        uint64_t with = bytes_get_le64(tag + 8 * i) + carry;

        carry = with < carry;
        s->word[i] += with;
        carry += s->word[i] < with;
    }
    s->rows++;
}

void
sums_take(struct sum *s, const uint8_t tag[static HASH_LEN])
{
    uint64_t borrow = 0;

    for (size_t i = 0; i < 4; i++) {
        uint64_t with = bytes_get_le64(tag + 8 * i) + borrow;
        bool carried = with < borrow;

        borrow = carried || s->word[i] < with;
        s->word[i] -= with;
    }
    s->rows--;
}

/* ---- head ---- */

/*
 *     +------+-------+--------------+---------------+
 *     | len  | name  | rows, LE64   | sum, 32 bytes |    for each, in the order of the names
 *     +------+-------+--------------+---------------+
 */
size_t
sums_encode(const struct sums *s, const struct sum *sum, uint8_t out[static SUMS_ENCODED_MAX])
{
    uint8_t *to = out;

    for (size_t i = 0; i < s->n; i++) {
        size_t len = strlen(s->part[i].name);

        *to++ = (uint8_t)len;
        memcpy(to, s->part[i].name, len);
        to += len;
        bytes_set_le64(to, sum[i].rows);
        for (size_t w = 0; w < 4; w++)
            bytes_set_le64(to + 8 + 8 * w, sum[i].word[w]);
        to += 8 + HASH_LEN;
    }
    return (size_t)(to - out);
}

static const struct sums_part *
find(const struct sums *s, struct bytes name)
{
    for (size_t i = 0; i < s->n; i++)
        if (bytes_equal(name, bytes_str(s->part[i].name)))
            return &s->part[i];
    return NULL;
}

enum cofre_err
sums_decode(const struct sums *s, struct bytes in, struct sum *sum)
{
    const uint8_t *at = in.p;
    const uint8_t *end = in.p + in.len;

    memset(sum, 0, s->n * sizeof *sum);
    while (at < end) {
        size_t len = *at++;
        const struct sums_part *p;
        uint64_t rows;

        if ((size_t)(end - at) < len + 8 + HASH_LEN)
            return COFRE_EINTEGRITY;
        p = find(s, (struct bytes){at, len});
        at += len;
        rows = bytes_get_le64(at);
        if (p == NULL && rows != 0)
            return COFRE_EINTEGRITY;
        if (p != NULL) {
            struct sum *to = &sum[p - s->part];

            to->rows = rows;
            for (size_t w = 0; w < 4; w++)
                to->word[w] = bytes_get_le64(at + 8 + 8 * w);
        }
        at += 8 + HASH_LEN;
    }
    return COFRE_OK;
}

void
sums_mac(const struct sums *s, const struct store_head *head, struct bytes encoded,
         uint8_t out[static HASH_LEN])
{
    uint8_t numbers[3][8];
    const struct bytes pieces[] = {BYTES_OF(s->vault),   BYTES_OF(numbers[0]),
                                   BYTES_OF(numbers[1]), BYTES_OF(head->log_root),
                                   BYTES_OF(numbers[2]), encoded};

    bytes_set_le64(numbers[0], head->generation);
    bytes_set_le64(numbers[1], head->log_size);
    bytes_set_le64(numbers[2], head->incarnation);
    pae_hmac(s->key, "cofre/v1/head", pieces, sizeof pieces / sizeof *pieces, out);
}
