#include <assert.h>

#include <sodium.h>

#include "crypto/keyring_codec.h"

enum { FORMAT = 1 };

static const char MAGIC[8] = "cofre-kr";

/* The numbers are on disk: a class or state that is added goes to the end. */
static_assert(KEYRING_DB == 0 && KEYRING_KEK == 1 && KEYRING_VIEW == 2 && KEYRING_INDEX == 3, "");
static_assert(KEYRING_ROWTAG == 4 && KEYRING_PEPPER == 5 && KEYRING_CURSOR == 6, "");
static_assert(KEYRING_LOG == 7 && KEYRING_CLASSES == 8, "");
static_assert(KEYRING_PENDING == 0 && KEYRING_ACTIVE == 1 && KEYRING_DECRYPT_ONLY == 2, "");
static_assert(KEYRING_RETIRED == 3 && KEYRING_DESTROYED == 4, "");

void
keyring_codec_put_header(uint8_t *out, uint64_t generation, size_t count)
{
    memcpy(out, MAGIC, sizeof MAGIC);
    bytes_set_le16(out + 8, FORMAT);
    bytes_set_le16(out + 10, KEYRING_CODEC_ENTRY);
    bytes_set_le32(out + 12, (uint32_t)count);
    bytes_set_le64(out + 16, generation);
}

enum cofre_err
keyring_codec_get_header(struct bytes plain, uint64_t *generation, size_t *count)
{
    struct reader r = reader_of(plain);
    struct bytes magic = reader_take(&r, sizeof MAGIC);
    uint16_t format = reader_le16(&r);
    uint16_t entry = reader_le16(&r);
    uint32_t entries = reader_le32(&r);
    uint64_t grown = reader_le64(&r);

    if (r.failed || memcmp(magic.p, MAGIC, sizeof MAGIC) != 0 || format != FORMAT)
        return COFRE_EFORMAT;
    if (entry != KEYRING_CODEC_ENTRY || entries > KEYRING_ENTRIES_MAX ||
        r.left.len != (size_t)entries * KEYRING_CODEC_ENTRY)
        return COFRE_EFORMAT;
    *generation = grown;
    *count = entries;
    return COFRE_OK;
}

void
keyring_codec_put_entry(uint8_t *out, const struct keyring_entry *e, const uint8_t *key)
{
    memset(out, 0, KEYRING_CODEC_ENTRY);
    out[0] = (uint8_t)e->class;
    out[1] = (uint8_t)e->state;
    bytes_set_le32(out + 4, e->scope);
    bytes_set_le32(out + 8, e->version);
    bytes_set_le64(out + 16, (uint64_t)e->created);
    bytes_set_le64(out + 24, (uint64_t)e->activated);
    if (key != NULL)
        memcpy(out + 32, key, KEY_LEN);
}

/* Each member by itself, and what ties members of one entry. */
static bool
entry_valid(const struct keyring_entry *e, const uint8_t *key)
{
    if (e->class >= KEYRING_CLASSES || e->state > KEYRING_DESTROYED || e->version == 0)
        return false;
    if (e->class != KEYRING_VIEW && e->scope != 0)
        return false;
    if (e->state == KEYRING_PENDING && e->activated != 0)
        return false;
    return e->state != KEYRING_DESTROYED || sodium_is_zero(key, KEY_LEN);
}

enum cofre_err
keyring_codec_get_entry(const uint8_t *in, struct keyring_entry *e, const uint8_t **key)
{
    struct keyring_entry read = {
        .class = (enum keyring_class)in[0],
        .state = (enum keyring_state)in[1],
        .scope = bytes_get_le32(in + 4),
        .version = bytes_get_le32(in + 8),
        .created = (int64_t)bytes_get_le64(in + 16),
        .activated = (int64_t)bytes_get_le64(in + 24),
    };

    if (bytes_get_le16(in + 2) != 0 || bytes_get_le32(in + 12) != 0)
        return COFRE_EFORMAT;
    if (!entry_valid(&read, in + 32))
        return COFRE_EFORMAT;
    *e = read;
    *key = in + 32;
    return COFRE_OK;
}
