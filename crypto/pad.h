#ifndef CRYPTO_PAD_H
#define CRYPTO_PAD_H

#include "cofre/bytes.h"

/*
 * Padding of plaintexts, so that a box's length tells little: ISO/IEC 7816-4 (0x80, then zeros)
 * up to the next multiple of PAD_BLOCK.
 */
enum { PAD_BLOCK = 64 };

void pad_add(struct buf *b);
/* The length without the padding, in *len.  COFRE_EFORMAT: there is none. */
COFRE_CHECKED enum cofre_err pad_remove(struct bytes padded, size_t *len);

#endif
