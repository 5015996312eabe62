#ifndef VAULT_CATALOG_H
#define VAULT_CATALOG_H

#include <stdatomic.h>

#include "cofre/call.h"
#include "crypto/hash.h"
#include "vault/records/schema.h"
#include "vault/store/store.h"
#include "vault/views/view.h"

/*
 * Everything small that each request needs, read from the store once and then immutable: schema,
 * purposes, views with their keys, tokens.  Holders keep it alive; a change makes a new one.
 */
struct catalog_purpose {
    uint32_t num;
    enum store_basis basis;
    char name[COFRE_NAME_MAX + 1];
};

/* A view epoch whose links every new customer gets, served or still being filled. */
struct catalog_scope {
    uint32_t view;
    uint32_t epoch;
    char name[COFRE_NAME_MAX + 1];
    struct hmac_key key;
};

struct catalog_view {
    struct view *view;
    uint32_t version;
    const struct catalog_scope *scope;
    const struct catalog_purpose *purpose;
    uint8_t sha256[HASH_LEN]; /* of the canonical document */
};

struct catalog_token {
    uint8_t hash[HASH_LEN];
    struct cofre_actor actor;
    int64_t expires;
};

struct catalog {
    atomic_uint holders;
    uint32_t schema_version;
    struct schema *schema;
    size_t n_purposes;
    struct catalog_purpose *purposes;
    size_t n_scopes;
    struct secret *scopes_memory;
    struct catalog_scope *scopes;
    size_t n_views;
    struct catalog_view *views;
    size_t n_tokens;
    struct catalog_token *tokens; /* valid ones, by hash */
};

/* Documents of the store. */
#define CATALOG_SCHEMA "schema"
#define CATALOG_PURPOSE "purpose"
#define CATALOG_SCOPE "view-scope" /* reserves a view's number before it is served */
#define CATALOG_VIEW "view"

/* Reads the catalogue.  *out has one holder.  COFRE_EINTEGRITY, COFRE_EIO, COFRE_ENOMEM. */
COFRE_CHECKED enum cofre_err catalog_read(struct cofre_vault *v, struct catalog **out,
                                          struct cofre_why *why);
/* The present one, with one holder more. */
struct catalog *catalog_hold(struct cofre_vault *v);
void catalog_release(struct catalog *c);
/* Makes c the present one (takes over the caller's hold). */
void catalog_replace(struct cofre_vault *v, struct catalog *c);

/* NULL: there is none. */
const struct catalog_purpose *catalog_purpose(const struct catalog *c, struct bytes name);
const struct catalog_purpose *catalog_purpose_num(const struct catalog *c, uint32_t num);
const struct catalog_view *catalog_view(const struct catalog *c, struct bytes name);
const struct catalog_token *catalog_token(const struct catalog *c,
                                          const uint8_t hash[static HASH_LEN]);

/* "consent", "contract", "legitimate-interest", "legal-obligation". */
const char *catalog_basis_text(enum store_basis basis);
COFRE_CHECKED enum cofre_err catalog_basis_parse(struct bytes text, enum store_basis *basis);

#endif
