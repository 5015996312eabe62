#ifndef VAULT_IMPORT_H
#define VAULT_IMPORT_H

#include "cofre/admin.h"
#include "vault/records/seen.h"
#include "vault/records/table.h"
#include "vault/vault_internal.h"

/*
 * What customers and events have in common when they come from a file, and where they differ: a table of
 * functions over items (struct draft, struct event).
 */
enum { IMPORT_BATCH = 1000, IMPORT_IN_FLIGHT = 2 };

struct import;

/* A refused line, until those before it are known, too. */
struct import_refusal {
    uint64_t line;
    char field[COFRE_NAME_MAX + 1];
    char reason[96];
};

struct import_batch {
    struct import *import;
    struct cofre_call call;
    pthread_mutex_t lock;
    pthread_cond_t idle;
    bool busy; /* guarded by lock */
    bool sent;
    size_t n;
    void *items;
    struct seen people; /* of events: those that the entry names */
    uint64_t line[IMPORT_BATCH];
    struct import_refusal *refused; /* at most a line each */
    size_t n_refused;
};

struct import_kind {
    size_t item_size;
    bool (*knows_column)(const struct import *im, struct bytes name);
    /* Before and after the rows of one batch are prepared; may be NULL. */
    enum cofre_err (*begin)(struct import *im, struct import_batch *b);
    void (*end)(struct import *im);
    /* Makes an item of a row; what is wrong with it stands in the item. */
    enum cofre_err (*prepare)(struct import *im, const struct table_row *row, void *item);
    /* Rejects the line when the item is bad; true then. */
    bool (*report_bad)(struct import *im, void *item, uint64_t line);
    /* Names the fields in the batch's entry; may be NULL. */
    void (*fields)(struct import *im, struct import_batch *b);
    /* On the committer's thread. */
    enum cofre_err (*apply)(struct cofre_vault *v, struct import_batch *b, void *item);
    /* After the batch is durable: counts the item, or rejects its line. */
    void (*report)(struct import *im, void *item, uint64_t line);
    void (*item_free)(void *item);
};

extern const struct import_kind import_customers;
extern const struct import_kind import_events;

struct import {
    struct cofre_vault *v;
    struct cofre_call *call;
    const struct cofre_import_in *in;
    const struct cofre_progress *progress;
    struct cofre_import_report *report;
    const struct import_kind *kind;
    struct catalog *catalog;
    char today[11];
    enum cofre_outcome failed;
    struct import_batch batch[IMPORT_IN_FLIGHT];
    struct import_batch *present; /* to which a refused line belongs */
    struct event_context *events; /* of the batch that is being prepared */
};

/* Refuses a line of the present batch; told in the order of the lines, once the batch is settled. */
void import_reject(struct import *im, uint64_t line, const char *field, const char *reason);

#endif
