#ifndef CRYPTO_KEYRING_CODEC_H
#define CRYPTO_KEYRING_CODEC_H

#include "crypto/keyring.h"

/*
 * The keyring's bytes before they are sealed (docs/FORMAT.md).  Little endian.
 *
 *     0          8         10          12        16             24
 *     +----------+---------+-----------+---------+--------------+-----------------------+
 *     | "cofre-  | format  | length of | number  | generation   | entries, one after    |
 *     | kr"      | 1       | an entry  | of them | of this      | another, in the order |
 *     | 8        | u16     | 64, u16   | u32     | keyring, u64 | of adding             |
 *     +----------+---------+-----------+---------+--------------+-----------------------+
 *
 * An entry:
 *
 *     0       1       2       4       8         12      16        24          32         64
 *     +-------+-------+-------+-------+---------+-------+---------+-----------+----------+
 *     | class | state | zero  | scope | version | zero  | created | activated | key,     |
 *     | u8    | u8    | u16   | u32   | u32     | u32   | ms, i64 | ms, i64   | 32 bytes |
 *     +-------+-------+-------+-------+---------+-------+---------+-----------+----------+
 *
 * The key of a destroyed entry is zeros.  Nothing follows the last entry.
 */
enum {
    KEYRING_CODEC_HEADER = 24,
    KEYRING_CODEC_ENTRY = 64,
    KEYRING_CODEC_MAX = KEYRING_CODEC_HEADER + KEYRING_ENTRIES_MAX * KEYRING_CODEC_ENTRY
};

/* Writes KEYRING_CODEC_HEADER bytes. */
void keyring_codec_put_header(uint8_t *out, uint64_t generation, size_t count);
/* Writes KEYRING_CODEC_ENTRY bytes; key is KEY_LEN bytes, or NULL for zeros. */
void keyring_codec_put_entry(uint8_t *out, const struct keyring_entry *e, const uint8_t *key);

/*
 * Reads a header, and checks that as many entries follow as it says.  COFRE_EFORMAT.
 */
COFRE_CHECKED enum cofre_err keyring_codec_get_header(struct bytes plain, uint64_t *generation,
                                                      size_t *count);
/*
 * Reads the entry of KEYRING_CODEC_ENTRY bytes at in; *key points into it.  COFRE_EFORMAT when a
 * member is out of its range by itself: how entries fit together is the keyring's to judge.
 */
COFRE_CHECKED enum cofre_err keyring_codec_get_entry(const uint8_t *in, struct keyring_entry *e,
                                                     const uint8_t **key);

#endif
