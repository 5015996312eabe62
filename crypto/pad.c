#include "crypto/pad.h"

void
pad_add(struct buf *b)
{
    size_t n = PAD_BLOCK - b->len % PAD_BLOCK;
    uint8_t *to = buf_reserve(b, n);

    if (to == NULL)
        return;
    memset(to, 0, n);
    to[0] = 0x80;
    b->len += n;
}

enum cofre_err
pad_remove(struct bytes padded, size_t *len)
{
    size_t end = padded.len;

    if (end == 0 || end % PAD_BLOCK != 0)
        return COFRE_EFORMAT;
    while (end > 0 && padded.p[end - 1] == 0)
        end--;
    if (end == 0 || padded.p[end - 1] != 0x80 || padded.len - (end - 1) > PAD_BLOCK)
        return COFRE_EFORMAT;
    *len = end - 1;
    return COFRE_OK;
}
