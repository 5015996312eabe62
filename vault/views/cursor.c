#include <assert.h>

#include "cofre/encode.h"
#include "crypto/box.h"
#include "crypto/pae.h"
#include "vault/views/cursor.h"

#define LABEL "cofre/v1/cursor"

enum {
    SEALED = CURSOR_POSITION + BOX_OVERHEAD,
    BOUND_MAX = 8 + 6 * 8 + (sizeof LABEL - 1) + 4 + CURSOR_BIND_MAX
};
static_assert((size_t)BOUND_MAX <= (size_t)BOX_AD_MAX, "a box takes it");
static_assert((SEALED * 8 + 5) / 6 == CURSOR_TEXT, "base64url of the box, without padding");

/* PAE("cofre/v1/cursor", vault, actor, view, LE32 epoch, list), in room; borrows it. */
static struct bytes
bound(const struct cursor_bind *bind, uint8_t room[static BOUND_MAX])
{
    uint8_t epoch[4];
    const struct bytes pieces[] = {bind->vault, bind->actor, bind->view, BYTES_OF(epoch),
                                   bind->list};
    const size_t n = sizeof pieces / sizeof *pieces;
    struct bytes ad = {room, pae_size(LABEL, pieces, n)};

    assert(ad.len <= BOUND_MAX);
    bytes_set_le32(epoch, bind->epoch);
    pae_write(room, LABEL, pieces, n);
    return ad;
}

static struct box_key
key_of(const struct cursor_bind *bind)
{
    return (struct box_key){BOX_CURSOR, bind->key_version, bind->key};
}

void
cursor_put(struct buf *out, const struct cursor_bind *bind,
           const uint8_t position[static CURSOR_POSITION])
{
    struct box_key key = key_of(bind);
    uint8_t room[BOUND_MAX];
    uint8_t sealed[SEALED];

    box_seal_to(sealed, &key, bound(bind, room), (struct bytes){position, CURSOR_POSITION});
    encode_base64url(out, BYTES_OF(sealed));
}

enum cofre_err
cursor_open(struct bytes text, const struct cursor_bind *bind,
            uint8_t position[static CURSOR_POSITION])
{
    struct box_key key = key_of(bind);
    uint8_t room[BOUND_MAX];
    struct buf sealed = BUF_INIT;
    enum cofre_err err;
    size_t len;

    memset(position, 0, CURSOR_POSITION);
    if (text.len != CURSOR_TEXT)
        return COFRE_EAUTH;
    if ((err = encode_base64url_decode(&sealed, text)) == COFRE_OK)
        err = box_open(position, &len, &key, bound(bind, room), buf_bytes(&sealed));
    if (err != COFRE_OK)
        memset(position, 0, CURSOR_POSITION);
    buf_free(&sealed);
    return err == COFRE_OK || err == COFRE_ENOMEM ? err : COFRE_EAUTH;
}
