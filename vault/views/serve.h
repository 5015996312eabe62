#ifndef VAULT_SERVE_H
#define VAULT_SERVE_H

#include "cofre/views.h"
#include "vault/records/person.h"
#include "vault/views/cursor.h"
#include "vault/vault_internal.h"

/*
 * What serving a view needs, for one request: the view, a snapshot, buffers that are used for row after row.
 */
struct serve {
    struct cofre_vault *v;
    struct cofre_call *call;
    struct catalog *catalog;
    const struct catalog_view *view;
    struct store_conn *conn;
    struct store_scope scope;
    struct normalise_date today;
    struct buf plain[STORE_PARTS];
};

/*
 * Checks role and view, begins the snapshot, and names view, purpose and fields in the entry.  False: the
 * outcome says why; serve_end is still to be called.
 */
bool serve_begin(struct serve *s, struct cofre_vault *v, struct cofre_call *call,
                 struct bytes view);
void serve_end(struct serve *s);

/* The member behind a pseudonym's text.  COFRE_ENOENT after the same look-ups for every reason, with one tag
 * added to the entry. */
COFRE_CHECKED enum cofre_err serve_member(struct serve *s, struct bytes ps,
                                          struct store_member *row);
/* Appends {"pseudonym","fields":{...}} and adds the person's tag. */
COFRE_CHECKED enum cofre_err serve_record(struct serve *s, const struct store_member *row);
/* Appends "ps_...", with quotes; id as it is stored and sorted: encode_id_order of the pseudonym. */
void serve_put_id(struct buf *out, const char *prefix, const uint8_t id[static STORE_KEYED]);

/* Cursors of this request; list names the list with its filters. */
struct cursor_bind serve_bind(const struct serve *s, struct bytes list);

#endif
