#include <assert.h>

#include "crypto/keyslot_codec.h"

enum { FORMAT = 1 };

static const char MAGIC[8] = "cofre-ks";

static_assert(KEYSLOT_CODEC_SLOT == 144, "as drawn");
static_assert(KEYSLOT_CODEC_MAX + HASH_LEN <= KEYSLOT_TABLE_MAX, "");

void
keyslot_codec_head(const struct keyslot_codec_slot *s, uint8_t out[static KEYSLOT_CODEC_HEAD])
{
    bytes_set_le32(out, s->id);
    bytes_set_le32(out + 4, s->type); /* the upper three bytes are the zeros */
    bytes_set_le32(out + 8, s->mib);
    bytes_set_le32(out + 12, s->passes);
    memcpy(out + 16, s->salt, sizeof s->salt);
    memcpy(out + 32, s->commitment, sizeof s->commitment);
}

size_t
keyslot_codec_put(const struct keyslot_table *t, uint8_t out[static KEYSLOT_CODEC_MAX])
{
    uint8_t *to = out + KEYSLOT_CODEC_HEADER;

    memcpy(out, MAGIC, sizeof MAGIC);
    bytes_set_le16(out + 8, FORMAT);
    bytes_set_le16(out + 10, KEYSLOT_CODEC_SLOT);
    bytes_set_le32(out + 12, (uint32_t)t->count);
    bytes_set_le32(out + 16, t->next_id);
    bytes_set_le32(out + 20, 0);
    memcpy(out + 24, t->vault, KEYSLOT_VAULT);
    for (size_t i = 0; i < t->count; i++, to += KEYSLOT_CODEC_SLOT) {
        keyslot_codec_head(&t->slots[i], to);
        memcpy(to + KEYSLOT_CODEC_HEAD, t->slots[i].box, KEYSLOT_CODEC_BOX);
    }
    return (size_t)(to - out);
}

/* Bounds, before anything is done with the costs. */
static bool
costs_valid(const struct keyslot_codec_slot *s)
{
    if (s->type == KEYSLOT_KEYFILE)
        return s->mib == 0 && s->passes == 0;
    return s->type == KEYSLOT_PASSPHRASE && s->mib >= KEYSLOT_ARGON_MIB_MIN &&
           s->mib <= KEYSLOT_ARGON_MIB_MAX && s->passes >= KEYSLOT_ARGON_PASSES_MIN &&
           s->passes <= KEYSLOT_ARGON_PASSES_MAX;
}

static void
copy_out(struct reader *r, uint8_t *out, size_t len)
{
    struct bytes b = reader_take(r, len);

    if (b.p != NULL)
        memcpy(out, b.p, len);
}

static bool
get_slot(struct reader *r, struct keyslot_codec_slot *s)
{
    uint32_t type;

    s->id = reader_le32(r);
    type = reader_le32(r);
    s->type = (enum keyslot_type)type;
    s->mib = reader_le32(r);
    s->passes = reader_le32(r);
    copy_out(r, s->salt, sizeof s->salt);
    copy_out(r, s->commitment, sizeof s->commitment);
    copy_out(r, s->box, sizeof s->box);
    return !r->failed && costs_valid(s);
}

static bool
get_header(struct reader *r, struct keyslot_table *t)
{
    struct bytes magic = reader_take(r, sizeof MAGIC);
    uint16_t format = reader_le16(r);
    uint16_t slot = reader_le16(r);
    uint32_t count = reader_le32(r);
    uint32_t zero;

    t->count = count;
    t->next_id = reader_le32(r);
    zero = reader_le32(r);
    copy_out(r, t->vault, sizeof t->vault);
    return !r->failed && memcmp(magic.p, MAGIC, sizeof MAGIC) == 0 && format == FORMAT &&
           slot == KEYSLOT_CODEC_SLOT && zero == 0 && count >= 1 && count <= KEYSLOT_MAX;
}

enum cofre_err
keyslot_codec_get(struct bytes file, struct keyslot_table *t)
{
    struct reader r = reader_of(file);
    uint32_t last = 0;

    if (!get_header(&r, t))
        return COFRE_EFORMAT;
    for (size_t i = 0; i < t->count; i++) {
        struct keyslot_codec_slot *s = &t->slots[i];

        if (!get_slot(&r, s) || s->id <= last || s->id >= t->next_id)
            return COFRE_EFORMAT;
        last = s->id;
    }
    copy_out(&r, t->mac, sizeof t->mac);
    return r.failed || r.left.len > 0 ? COFRE_EFORMAT : COFRE_OK;
}
