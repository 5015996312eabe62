#ifndef CRYPTO_KEYSLOT_CODEC_H
#define CRYPTO_KEYSLOT_CODEC_H

#include "crypto/keyslot.h"

/*
 * The keyslots file (docs/FORMAT.md).  Little endian.
 *
 *     0          8        10         12       16        20     24      40
 *     +----------+--------+----------+--------+---------+------+-------+---------+---------+
 *     | "cofre-  | format | length   | number | next id | zero | vault | slots   | MAC of  |
 *     | ks"      | 1      | of a     | of     |         |      | id    |         | all     |
 *     | 8        | u16    | slot 144 | slots  | u32     | u32  | 16    | 144 x n | before  |
 *     |          |        | u16      | u32    |         |      |       |         | it, 32  |
 *     +----------+--------+----------+--------+---------+------+-------+---------+---------+
 *
 * A slot:
 *
 *     0     4      5      8          12       16     32           64
 *     +-----+------+------+----------+--------+------+------------+---------------------+
 *     | id  | type | zero | Argon2   | Argon2 | salt | commitment | box (kind SLOT, key |
 *     | u32 | u8   | 3    | MiB, u32 | passes | 16   | 32         | version = id) of    |
 *     |     |      |      |          | u32    |      |            | the root key, 80    |
 *     +-----+------+------+----------+--------+------+------------+---------------------+
 *
 * For a key file both costs are 0.  Ids grow from slot to slot, and are below the next id.
 */
enum {
    KEYSLOT_CODEC_HEADER = 40,
    KEYSLOT_CODEC_SALT = 16,
    KEYSLOT_CODEC_HEAD = 16 + KEYSLOT_CODEC_SALT + HASH_LEN, /* of a slot, before the box */
    KEYSLOT_CODEC_BOX = BOX_OVERHEAD + KEY_LEN,
    KEYSLOT_CODEC_SLOT = KEYSLOT_CODEC_HEAD + KEYSLOT_CODEC_BOX
};

struct keyslot_codec_slot {
    uint32_t id;
    enum keyslot_type type;
    uint32_t mib;    /* of Argon2id; 0 for a key file */
    uint32_t passes; /* same */
    uint8_t salt[KEYSLOT_CODEC_SALT];
    uint8_t commitment[HASH_LEN];
    uint8_t box[KEYSLOT_CODEC_BOX];
};

struct keyslot_table {
    uint8_t vault[KEYSLOT_VAULT];
    uint32_t next_id;
    size_t count;
    struct keyslot_codec_slot slots[KEYSLOT_MAX];
    uint8_t mac[HASH_LEN];
};

/* The bytes of a slot before its box: what its box binds. */
void keyslot_codec_head(const struct keyslot_codec_slot *s, uint8_t out[static KEYSLOT_CODEC_HEAD]);

enum { KEYSLOT_CODEC_MAX = KEYSLOT_CODEC_HEADER + KEYSLOT_MAX * KEYSLOT_CODEC_SLOT };

/* Writes all but the MAC to out; returns how many bytes that is. */
size_t keyslot_codec_put(const struct keyslot_table *t, uint8_t out[static KEYSLOT_CODEC_MAX]);
/* Reads the whole file, MAC included (it is not checked: that takes the root key).  COFRE_EFORMAT. */
COFRE_CHECKED enum cofre_err keyslot_codec_get(struct bytes file, struct keyslot_table *t);

#endif
