#include "crypto/pae.h"

size_t
pae_size(const char *label, const struct bytes *pieces, size_t n)
{
    size_t size = 8 + 8 + strlen(label);

    for (size_t i = 0; i < n; i++)
        size += 8 + pieces[i].len;
    return size;
}

static uint8_t *
write_piece(uint8_t *to, struct bytes piece)
{
    bytes_set_le64(to, piece.len);
    if (piece.len > 0)
        memcpy(to + 8, piece.p, piece.len);
    return to + 8 + piece.len;
}

void
pae_write(uint8_t *out, const char *label, const struct bytes *pieces, size_t n)
{
    bytes_set_le64(out, 1 + (uint64_t)n);
    out = write_piece(out + 8, bytes_str(label));
    for (size_t i = 0; i < n; i++)
        out = write_piece(out, pieces[i]);
}

void
pae_put(struct buf *out, const char *label, const struct bytes *pieces, size_t n)
{
    size_t size = pae_size(label, pieces, n);
    uint8_t *to = buf_reserve(out, size);

    if (to == NULL)
        return;
    pae_write(to, label, pieces, n);
    out->len += size;
}

static void
update_piece(struct hmac *m, struct bytes piece)
{
    uint8_t len[8];

    bytes_set_le64(len, piece.len);
    hmac_update(m, BYTES_OF(len));
    hmac_update(m, piece);
}

void
pae_update(struct hmac *m, const char *label, const struct bytes *pieces, size_t n)
{
    uint8_t count[8];

    bytes_set_le64(count, 1 + (uint64_t)n);
    hmac_update(m, BYTES_OF(count));
    update_piece(m, bytes_str(label));
    for (size_t i = 0; i < n; i++)
        update_piece(m, pieces[i]);
}

void
pae_hmac(const struct hmac_key *k, const char *label, const struct bytes *pieces, size_t n,
         uint8_t out[static HASH_LEN])
{
    struct hmac m;

    hmac_init(&m, k);
    pae_update(&m, label, pieces, n);
    hmac_final(&m, out);
}
