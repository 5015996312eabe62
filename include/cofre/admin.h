#ifndef COFRE_ADMIN_H
#define COFRE_ADMIN_H

#include "cofre/call.h"

/*
 * What an admin does, through the command line.  The contract of arguments and results is that of
 * customers.h; bodies are JSON, which the command line prints as tables or as it is.
 */

/* {"origin","vault","generation","log_size","root","customers","events","consents","views","tokens"} */
void cofre_admin_status(struct cofre_vault *vault, struct cofre_call *call);

void cofre_schema_show(struct cofre_vault *vault, struct cofre_call *call);
/* Applies a schema document. INVALID with a pointer; REFUSED when data are stored under what it changes. */
void cofre_schema_apply(struct cofre_vault *vault, struct cofre_call *call, struct bytes json,
                        bool dry_run);

/* {"purposes":[{"name","basis"}]} */
void cofre_purpose_list(struct cofre_vault *vault, struct cofre_call *call);
/* basis: consent, contract, legitimate-interest, legal-obligation. EXISTS. */
void cofre_purpose_add(struct cofre_vault *vault, struct cofre_call *call, struct bytes name,
                       struct bytes basis);

/* {"views":[{"name","version","purpose","epoch","members"}]} */
void cofre_view_list(struct cofre_vault *vault, struct cofre_call *call);
/* The document as stored; NOT_FOUND. */
void cofre_view_show(struct cofre_vault *vault, struct cofre_call *call, struct bytes name);
/*
 * Applies a view document: first the pseudonyms of all customers are made (in batches, with progress), then
 * the view is served.  INVALID, REFUSED (an identifier in clear; why in the fault).
 * {"view","version","sha256","members"}
 */
typedef void cofre_progress_fn(void *ctx, uint64_t done, uint64_t total);
struct cofre_progress {
    cofre_progress_fn *fn; /* may be NULL */
    void *ctx;
    bool (*stop)(void *ctx); /* true: leave off between two transactions; may be NULL */
};
void cofre_view_apply(struct cofre_vault *vault, struct cofre_call *call, struct bytes json,
                      bool dry_run, const struct cofre_progress *progress);
void cofre_view_drop(struct cofre_vault *vault, struct cofre_call *call, struct bytes name);

struct cofre_token_in {
    struct bytes role;
    struct bytes name; /* [a-z0-9_-]{1,64}: the person or service */
    struct bytes view; /* crm: required; else empty */
    const struct bytes *purposes;
    size_t n_purposes; /* support: at least one */
    bool may_erase;    /* ingest only */
    uint64_t ttl_s;    /* 1 second to 10 years */
};
/* {"id","token","role","view","expires"}: the only time that the token can be seen. */
void cofre_token_issue(struct cofre_vault *vault, struct cofre_call *call,
                       const struct cofre_token_in *in);
/* {"tokens":[{"id","name","role","view","purposes","issued","expires","state"}]} */
void cofre_token_list(struct cofre_vault *vault, struct cofre_call *call);
void cofre_token_revoke(struct cofre_vault *vault, struct cofre_call *call, struct bytes id);

/* {"id","version","created","updated","status","fields":[names held],"consents":[...],"events":n}: no values */
void cofre_customer_show(struct cofre_vault *vault, struct cofre_call *call, struct bytes cus);

/* {"classes":[{"class","scope","version","state","created","activated","objects"}],
 * "audit":[{"epoch","state","from","end","vkey"}]}: end is null for the epoch that goes on */
void cofre_key_status(struct cofre_vault *vault, struct cofre_call *call);
/*
 * Rotates a class: "kek" rewraps every bundle, online, in batches; "root" re-seals keyring, signing key and
 * keyslots with a new root key (the slot's secret stays; config's secret must be given again).  A job that
 * was cut off goes on (resume).  An entry at the start, one at the end with the proof that nothing is left
 * under the old version.  This call runs its own entries: it is not submitted.
 * {"class","from","to","done","left"}.  BUSY: such a job runs already.
 * "audit" ends the epoch of the log's signing key: vault/upkeep/rotate_audit.h.
 */
struct cofre_rotate_in {
    struct bytes class;
    bool dry_run;
    bool resume; /* go on with a job that was cut off; NOT_FOUND: there is none */
    unsigned batch; /* rows a transaction; 0: 500 */
};
void cofre_key_rotate(struct cofre_vault *vault, struct cofre_call *call,
                      const struct cofre_rotate_in *in, const struct cofre_progress *progress);

/* ---- import: start entry, one entry per transaction, end entry; not submitted by the caller ---- */

struct cofre_import_in {
    bool events;      /* else customers */
    bool jsonl;       /* else CSV */
    int fd;           /* borrowed */
    uint64_t bytes;   /* of the file, for progress; 0: unknown */
    bool dry_run;     /* read and check everything, write nothing */
    /* One refused line; called in order. */
    void (*rejected)(void *ctx, uint64_t line, const char *field, const char *reason);
    void *rejected_ctx;
};
struct cofre_import_report {
    uint64_t lines; /* rows read */
    uint64_t added;
    uint64_t changed;
    uint64_t unchanged;
    uint64_t rejected;
    uint64_t bytes;
    bool stopped; /* left off at the progress's stop */
};
/*
 * INVALID: the whole file is refused (an unknown column; the fault names it); nothing was written.  Else
 * OK, and the report says how it went; STORE, AUDIT: what was committed stays, the same command goes on.
 */
void cofre_import(struct cofre_vault *vault, struct cofre_call *call,
                  const struct cofre_import_in *in, const struct cofre_progress *progress,
                  struct cofre_import_report *report);

/* Known answers of every primitive; COFRE_EINTEGRITY names the one that fails. */
COFRE_CHECKED enum cofre_err cofre_selftest(struct cofre_why *why);

#endif
