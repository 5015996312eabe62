#ifndef VAULT_CURSOR_H
#define VAULT_CURSOR_H

#include "cofre/bytes.h"
#include "cofre/err.h"
#include "crypto/kdf.h"

/*
 * List cursors: opaque, of one size, sealed (crypto/box.h) and bound to the token, the view, its
 * epoch and the list; base64url.
 */
/* A box of the position is 80 bytes: 107 characters of base64url. */
enum {
    CURSOR_POSITION = 32,
    CURSOR_TEXT = 107,
    CURSOR_BIND_MAX = 512 /* bytes of vault, actor, view and list together (assert) */
};

struct cursor_bind {
    const uint8_t *key; /* KEY_LEN bytes, borrowed */
    uint32_t key_version;
    struct bytes vault;
    struct bytes actor; /* the token's id */
    struct bytes view;
    uint32_t epoch;
    struct bytes list; /* which list, with its filters: "records", "events?kind=..&since=.." */
};

/* Appends CURSOR_TEXT characters. */
void cursor_put(struct buf *out, const struct cursor_bind *bind,
                const uint8_t position[static CURSOR_POSITION]);
/* COFRE_EAUTH: not a cursor that we gave out for this; COFRE_ENOMEM.  position is then zero. */
COFRE_CHECKED enum cofre_err cursor_open(struct bytes text, const struct cursor_bind *bind,
                                         uint8_t position[static CURSOR_POSITION]);

#endif
