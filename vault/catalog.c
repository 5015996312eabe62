#include <stdlib.h>
#include <string.h>

#include "cofre/secret.h"
#include "vault/vault_internal.h"

#include "vault/catalog.h"

static const char *const basis_texts[] = {
    [STORE_CONSENT] = "consent",
    [STORE_CONTRACT] = "contract",
    [STORE_LEGITIMATE_INTEREST] = "legitimate-interest",
    [STORE_LEGAL_OBLIGATION] = "legal-obligation",
};
enum { BASES = sizeof basis_texts / sizeof *basis_texts, TOKEN_FLAG_ERASE = 1 };

const char *
catalog_basis_text(enum store_basis basis)
{
    return (unsigned)basis < BASES ? basis_texts[basis] : "";
}

enum cofre_err
catalog_basis_parse(struct bytes text, enum store_basis *basis)
{
    for (unsigned i = 0; i < BASES; i++) {
        if (bytes_equal(text, bytes_str(basis_texts[i]))) {
            *basis = (enum store_basis)i;
            return COFRE_OK;
        }
    }
    return COFRE_ENOENT;
}

/* What the reading callbacks share. */
struct reading {
    struct cofre_vault *v;
    struct catalog *c;
    struct cofre_why *why;
    int64_t now;
};

/* Room for one more element in an array that is grown one by one: these lists are short. */
static enum cofre_err
grow(void **array, size_t n, size_t size)
{
    void *more = realloc(*array, (n + 1) * size);

    if (more == NULL)
        return COFRE_ENOMEM;
    *array = more;
    memset((char *)more + n * size, 0, size);
    return COFRE_OK;
}

static enum cofre_err
name_copy(char out[static COFRE_NAME_MAX + 1], struct bytes name)
{
    if (name.len > COFRE_NAME_MAX)
        return COFRE_EINTEGRITY;
    memcpy(out, name.p, name.len);
    out[name.len] = 0;
    return COFRE_OK;
}

static enum cofre_err
on_schema(void *ctx, const struct store_doc *doc)
{
    struct reading *r = ctx;

    schema_free(r->c->schema);
    r->c->schema_version = doc->version;
    return schema_parse(doc->body, &r->c->schema, r->why);
}

static enum cofre_err
on_purpose(void *ctx, const struct store_doc *doc)
{
    struct reading *r = ctx;
    struct catalog *c = r->c;
    struct catalog_purpose *p;
    enum cofre_err err;

    if ((err = grow((void **)&c->purposes, c->n_purposes, sizeof *c->purposes)) != COFRE_OK)
        return err;
    p = &c->purposes[c->n_purposes];
    p->num = doc->num;
    if ((err = name_copy(p->name, doc->name)) != COFRE_OK ||
        catalog_basis_parse(doc->body, &p->basis) != COFRE_OK)
        return cofre_why_set(r->why, COFRE_EINTEGRITY, "purpose %u is malformed", doc->num);
    c->n_purposes++;
    return COFRE_OK;
}

static enum cofre_err
count_scope(void *ctx, const struct store_doc *doc)
{
    size_t *n = ctx;

    *n += !doc->dropped;
    return COFRE_OK;
}

static enum cofre_err
on_scope(void *ctx, const struct store_doc *doc)
{
    struct reading *r = ctx;
    struct catalog_scope *s = &r->c->scopes[r->c->n_scopes];
    const uint8_t *key;

    if (doc->dropped)
        return COFRE_OK;
    /* A scope without a key is one whose view was being applied when the vault went down. */
    if ((key = keyring_active(r->v->ring, KEYRING_VIEW, doc->num, &s->epoch)) == NULL)
        return COFRE_OK;
    s->view = doc->num;
    hmac_key_init(&s->key, (struct bytes){key, KEY_LEN});
    r->c->n_scopes++;
    return name_copy(s->name, doc->name);
}

static const struct catalog_scope *
scope_named(const struct catalog *c, const char *name)
{
    for (size_t i = 0; i < c->n_scopes; i++)
        if (strcmp(c->scopes[i].name, name) == 0)
            return &c->scopes[i];
    return NULL;
}

static enum cofre_err
on_view(void *ctx, const struct store_doc *doc)
{
    struct reading *r = ctx;
    struct catalog *c = r->c;
    struct catalog_view *view;
    enum cofre_err err;

    if (doc->dropped)
        return COFRE_OK;
    if ((err = grow((void **)&c->views, c->n_views, sizeof *c->views)) != COFRE_OK)
        return err;
    view = &c->views[c->n_views];
    if ((err = view_parse(doc->body, c->schema, &view->view, r->why)) != COFRE_OK)
        return cofre_why_add(r->why, COFRE_EINTEGRITY, "view %u", doc->num);
    c->n_views++;
    view->version = doc->version;
    view->scope = scope_named(c, view->view->name);
    view->purpose = catalog_purpose(c, bytes_str(view->view->purpose));
    hash_of(doc->body, view->sha256);
    if (view->scope == NULL || view->purpose == NULL)
        return cofre_why_set(r->why, COFRE_EINTEGRITY, "view %u lacks its key or its purpose",
                             doc->num);
    return COFRE_OK;
}

static uint64_t
purpose_bits(const struct catalog *c, const char *names)
{
    uint64_t bits = 0;

    while (*names != 0) {
        size_t n = strcspn(names, " ");
        const struct catalog_purpose *p =
            catalog_purpose(c, (struct bytes){(const uint8_t *)names, n});
        if (p != NULL && p->num < 64)
            bits |= UINT64_C(1) << p->num;
        names += n + (names[n] == ' ');
    }
    return bits;
}

static enum cofre_err
on_token(void *ctx, const struct store_token *row)
{
    struct reading *r = ctx;
    struct catalog *c = r->c;
    struct catalog_token *t;
    enum cofre_err err;

    if (row->revoked != 0 || row->expires <= r->now)
        return COFRE_OK;
    if (row->role > COFRE_ROLE_COMPLIANCE)
        return cofre_why_set(r->why, COFRE_EINTEGRITY, "a token has a role that no token can have");
    if ((err = grow((void **)&c->tokens, c->n_tokens, sizeof *c->tokens)) != COFRE_OK)
        return err;
    t = &c->tokens[c->n_tokens++];
    memcpy(t->hash, row->hash, HASH_LEN);
    t->expires = row->expires;
    memcpy(t->actor.id, row->id, sizeof t->actor.id);
    memcpy(t->actor.view, row->view, sizeof t->actor.view);
    t->actor.role = (enum cofre_role)row->role;
    t->actor.purposes = purpose_bits(c, row->purposes);
    t->actor.may_erase = (row->flags & TOKEN_FLAG_ERASE) != 0;
    return COFRE_OK;
}

static int
token_order(const void *a, const void *b)
{
    return memcmp(((const struct catalog_token *)a)->hash, ((const struct catalog_token *)b)->hash,
                  HASH_LEN);
}

static enum cofre_err
read_scopes(struct reading *r, struct store_conn *conn)
{
    size_t n = 0;
    enum cofre_err err;

    if ((err = store_doc_each(conn, CATALOG_SCOPE, count_scope, &n)) != COFRE_OK || n == 0)
        return err;
    if ((err = secret_new(n * sizeof *r->c->scopes, &r->c->scopes_memory)) != COFRE_OK)
        return err;
    r->c->scopes = (struct catalog_scope *)(void *)secret_data(r->c->scopes_memory);
    return store_doc_each(conn, CATALOG_SCOPE, on_scope, r);
}

enum cofre_err
catalog_read(struct cofre_vault *v, struct catalog **out, struct cofre_why *why)
{
    struct reading r = {.v = v, .why = why, .now = vault_now()};
    struct store_conn *conn = NULL;
    enum cofre_err err;

    *out = NULL;
    if ((r.c = calloc(1, sizeof *r.c)) == NULL)
        return COFRE_ENOMEM;
    atomic_init(&r.c->holders, 1);
    if ((err = store_snapshot(v->store, &conn, why)) != COFRE_OK ||
        (err = store_doc_each(conn, CATALOG_SCHEMA, on_schema, &r)) != COFRE_OK ||
        (err = store_doc_each(conn, CATALOG_PURPOSE, on_purpose, &r)) != COFRE_OK)
        goto out;
    if (r.c->schema == NULL) {
        err = cofre_why_set(why, COFRE_EINTEGRITY, "the database holds no schema");
        goto out;
    }
    if ((err = read_scopes(&r, conn)) != COFRE_OK ||
        (err = store_doc_each(conn, CATALOG_VIEW, on_view, &r)) != COFRE_OK ||
        (err = store_token_each(conn, on_token, &r)) != COFRE_OK)
        goto out;
    if (r.c->n_tokens > 0)
        qsort(r.c->tokens, r.c->n_tokens, sizeof *r.c->tokens, token_order);
    *out = r.c;
    r.c = NULL; /* moved to out */
out:
    store_snapshot_end(conn);
    catalog_release(r.c);
    return err;
}

struct catalog *
catalog_hold(struct cofre_vault *v)
{
    struct catalog *c;

    pthread_mutex_lock(&v->catalog_lock);
    c = v->catalog;
    atomic_fetch_add(&c->holders, 1);
    pthread_mutex_unlock(&v->catalog_lock);
    return c;
}

void
catalog_release(struct catalog *c)
{
    if (c == NULL || atomic_fetch_sub(&c->holders, 1) != 1)
        return;
    for (size_t i = 0; i < c->n_views; i++)
        view_free(c->views[i].view);
    schema_free(c->schema);
    secret_free(c->scopes_memory);
    free(c->purposes);
    free(c->views);
    free(c->tokens);
    free(c);
}

void
catalog_replace(struct cofre_vault *v, struct catalog *c)
{
    struct catalog *old;

    pthread_mutex_lock(&v->catalog_lock);
    old = v->catalog;
    v->catalog = c;
    pthread_mutex_unlock(&v->catalog_lock);
    catalog_release(old);
}

const struct catalog_purpose *
catalog_purpose(const struct catalog *c, struct bytes name)
{
    for (size_t i = 0; i < c->n_purposes; i++)
        if (bytes_equal(name, bytes_str(c->purposes[i].name)))
            return &c->purposes[i];
    return NULL;
}

const struct catalog_purpose *
catalog_purpose_num(const struct catalog *c, uint32_t num)
{
    for (size_t i = 0; i < c->n_purposes; i++)
        if (c->purposes[i].num == num)
            return &c->purposes[i];
    return NULL;
}

const struct catalog_view *
catalog_view(const struct catalog *c, struct bytes name)
{
    for (size_t i = 0; i < c->n_views; i++)
        if (bytes_equal(name, bytes_str(c->views[i].view->name)))
            return &c->views[i];
    return NULL;
}

const struct catalog_token *
catalog_token(const struct catalog *c, const uint8_t hash[static HASH_LEN])
{
    struct catalog_token key;

    if (c->n_tokens == 0)
        return NULL;
    memcpy(key.hash, hash, HASH_LEN);
    return bsearch(&key, c->tokens, c->n_tokens, sizeof *c->tokens, token_order);
}
