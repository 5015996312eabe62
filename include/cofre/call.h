#ifndef COFRE_CALL_H
#define COFRE_CALL_H

#include "cofre/bytes.h"
#include "cofre/err.h"

/*
 * One access to the vault: who, what, with which outcome, and the entry of the log that it leaves.
 *
 * The life of a call:
 *   cofre_call_init           fresh nonce and salt
 *   an operation              (customers.h, views.h, admin.h) decides, reads, and writes the reply's body;
 *                             a mutation is only prepared, and happens later on the committer's thread
 *   cofre_submit              queues it; the entry is linked, the batch is made durable, then done() runs
 *   cofre_call_free
 *
 * Nothing of body may leave before done(): when the log cannot be written, the outcome becomes
 * COFRE_OUT_AUDIT and the body is wiped.
 */

/* ---- roles ---- */

enum cofre_role {
    COFRE_ROLE_INGEST,
    COFRE_ROLE_CRM,
    COFRE_ROLE_SUPPORT,
    COFRE_ROLE_COMPLIANCE,
    COFRE_ROLE_ADMIN,  /* the command line; no token has it */
    COFRE_ROLE_SYSTEM, /* the vault itself: start, stop, sums of failures */
    COFRE_ROLES
};
/* "ingest", "crm", ... */
const char *cofre_role_text(enum cofre_role role);
/* Only the four roles a token can have.  COFRE_ENOENT. */
COFRE_CHECKED enum cofre_err cofre_role_parse(struct bytes text, enum cofre_role *role);

/* ---- what can be done ---- */

#define COFRE_R(role) (1U << COFRE_ROLE_##role)
#define COFRE_R_TOKENS (COFRE_R(INGEST) | COFRE_R(CRM) | COFRE_R(SUPPORT) | COFRE_R(COMPLIANCE))

/* name, text in the log, roles that may, does it change rows (then it is in the database's outbox) */
/* clang-format off */
#define COFRE_ACT_LIST(X)                                                                          \
    X(CUSTOMER_CREATE,    "customer-create",    COFRE_R(INGEST), true)                             \
    X(CUSTOMER_BATCH,     "customer-batch",     COFRE_R(INGEST), true)                             \
    X(CUSTOMER_PATCH,     "customer-patch",     COFRE_R(INGEST), true)                             \
    X(EVENT_APPEND,       "event-append",       COFRE_R(INGEST), true)                             \
    X(EVENT_BATCH,        "event-batch",        COFRE_R(INGEST), true)                             \
    X(CONSENT_PUT,        "consent-put",        COFRE_R(INGEST), true)                             \
    X(CUSTOMER_LOOKUP,    "customer-lookup",    COFRE_R(INGEST) | COFRE_R(SUPPORT), false)         \
    X(CUSTOMER_REVEAL,    "customer-reveal",    COFRE_R(SUPPORT), true)                            \
    X(VIEW_CONTRACT,      "view-contract",      COFRE_R(CRM), false)                               \
    X(VIEW_RECORDS,       "view-records",       COFRE_R(CRM), false)                               \
    X(VIEW_RECORD,        "view-record",        COFRE_R(CRM), false)                               \
    X(VIEW_BATCH_GET,     "view-batch-get",     COFRE_R(CRM), false)                               \
    X(VIEW_RECORD_EVENTS, "view-record-events", COFRE_R(CRM), false)                               \
    X(VIEW_EVENTS,        "view-events",        COFRE_R(CRM), false)                               \
    X(AUDIT_CHECKPOINT,   "audit-checkpoint",   COFRE_R(COMPLIANCE) | COFRE_R(ADMIN), false)       \
    X(AUDIT_TILE,         "audit-tile",         COFRE_R(COMPLIANCE), false)                        \
    X(AUDIT_ENTRIES,      "audit-entries",      COFRE_R(COMPLIANCE) | COFRE_R(ADMIN), false)       \
    X(AUDIT_PROOF,        "audit-proof",        COFRE_R_TOKENS | COFRE_R(ADMIN), false)            \
    X(AUDIT_VERIFY,       "audit-verify",       COFRE_R(ADMIN), false)                             \
    X(AUDIT_EXPORT,       "audit-export",       COFRE_R(ADMIN), false)                             \
    X(AUDIT_TIMESTAMP,    "audit-timestamp",    COFRE_R(ADMIN), false)                             \
    X(AUDIT_ROTATE,       "audit-rotate",       COFRE_R(ADMIN), false)                             \
    X(AUDIT_RECOVER,      "audit-recover",      COFRE_R(ADMIN), false)                             \
    X(AUDIT_PRUNE,        "audit-prune",        COFRE_R(ADMIN), true)                              \
    X(CUSTOMER_ACCESSES,  "customer-accesses",  COFRE_R(COMPLIANCE) | COFRE_R(ADMIN), false)       \
    X(RESTORE,            "restore",            COFRE_R(ADMIN), true)                              \
    X(INTEGRITY,          "integrity",          COFRE_R(SYSTEM), false)                            \
    X(UNAVAILABLE,        "unavailable",        COFRE_R(SYSTEM), false)                            \
    X(AVAILABLE,          "available",          COFRE_R(SYSTEM), false)                            \
    X(UNKNOWN_ROUTE,      "unknown-route",      COFRE_R_TOKENS, false)                             \
    X(INIT,               "init",               COFRE_R(ADMIN), false)                             \
    X(START,              "start",              COFRE_R(SYSTEM), false)                            \
    X(STOP,               "stop",               COFRE_R(SYSTEM), false)                            \
    X(AUTH_FAILED,        "auth-failed",        COFRE_R(SYSTEM), false)                            \
    X(STATUS,             "status",             COFRE_R(ADMIN), false)                             \
    X(DOCTOR,             "doctor",             COFRE_R(ADMIN), false)                             \
    X(SCHEMA_SHOW,        "schema-show",        COFRE_R(ADMIN), false)                             \
    X(SCHEMA_APPLY,       "schema-apply",       COFRE_R(ADMIN), true)                              \
    X(PURPOSE_LIST,       "purpose-list",       COFRE_R(ADMIN), false)                             \
    X(PURPOSE_ADD,        "purpose-add",        COFRE_R(ADMIN), true)                              \
    X(VIEW_LIST,          "view-list",          COFRE_R(ADMIN), false)                             \
    X(VIEW_SHOW,          "view-show",          COFRE_R(ADMIN), false)                             \
    X(VIEW_APPLY,         "view-apply",         COFRE_R(ADMIN), true)                              \
    X(VIEW_DROP,          "view-drop",          COFRE_R(ADMIN), true)                              \
    X(TOKEN_ISSUE,        "token-issue",        COFRE_R(ADMIN), true)                              \
    X(TOKEN_LIST,         "token-list",         COFRE_R(ADMIN), false)                             \
    X(TOKEN_REVOKE,       "token-revoke",       COFRE_R(ADMIN), true)                              \
    X(IMPORT_START,       "import-start",       COFRE_R(ADMIN), false)                             \
    X(IMPORT_BATCH,       "import-batch",       COFRE_R(ADMIN), true)                              \
    X(IMPORT_END,         "import-end",         COFRE_R(ADMIN), false)                             \
    X(CUSTOMER_SHOW,      "customer-show",      COFRE_R(ADMIN), false)                             \
    X(KEY_STATUS,         "key-status",         COFRE_R(ADMIN), false)                             \
    X(KEY_ROTATE,         "key-rotate",         COFRE_R(ADMIN), true)                              \
    X(KEY_ROTATED,        "key-rotated",        COFRE_R(ADMIN), true)
/* clang-format on */

enum cofre_act {
#define COFRE_ACT_ENUM(name, text, roles, mutates) COFRE_ACT_##name,
    COFRE_ACT_LIST(COFRE_ACT_ENUM)
#undef COFRE_ACT_ENUM
        COFRE_ACTS
};
const char *cofre_act_text(enum cofre_act act);
bool cofre_act_allowed(enum cofre_act act, enum cofre_role role);
bool cofre_act_mutates(enum cofre_act act);
/* COFRE_ENOENT: no act is called so. */
COFRE_CHECKED enum cofre_err cofre_act_parse(struct bytes text, enum cofre_act *act);

/* ---- outcomes ---- */

/* name, HTTP status, exit code, stable problem code, title */
/* clang-format off */
#define COFRE_OUT_LIST(X)                                                                          \
    X(OK,           200,  0, "",                       "OK")                                       \
    X(CREATED,      201,  0, "",                       "Created")                                  \
    X(INVALID,      400,  2, "invalid-request",        "The request is not valid")                 \
    X(BAD_CURSOR,   400,  2, "invalid-cursor",         "The cursor is not one of ours")            \
    X(TOKEN,        401,  6, "unauthenticated",        "No valid access token")                    \
    X(FORBIDDEN,    403,  6, "forbidden",              "The token's role may not do this")         \
    X(NOT_FOUND,    404,  1, "not-found",              "Not found")                                \
    X(METHOD,       405,  2, "method-not-allowed",     "The method is not allowed here")           \
    X(EXISTS,       409,  1, "already-exists",         "It exists already")                        \
    X(CONFLICT,     409,  1, "conflict",               "It changed meanwhile, or differs from what is stored") \
    X(PRECONDITION, 412,  1, "version-mismatch",       "If-Match names another version")           \
    X(TOO_LARGE,    413,  2, "body-too-large",         "The body is too large")                    \
    X(MEDIA_TYPE,   415,  2, "unsupported-media-type", "The body must be application/json")        \
    X(IDEMPOTENCY,  422,  1, "idempotency-key-reused", "The Idempotency-Key came with another request before") \
    X(REFUSED,      403,  6, "refused",                "Refused by policy")                        \
    X(INTERNAL,     500,  1, "internal",               "Internal error")                           \
    X(INTEGRITY,    500,  5, "integrity",              "Stored data does not authenticate")        \
    X(BUSY,         503,  4, "busy",                   "Too busy; try again")                      \
    X(UNSOUND,      503,  5, "rows-altered",           "Stored rows do not add up; nothing is served") \
    X(OUTSIDE,      502, 75, "outside-unavailable",    "A service outside did not answer as it should") \
    X(STORE,        503, 75, "store-unavailable",      "The store cannot be written or read")      \
    X(AUDIT,        503, 75, "audit-unavailable",      "The audit log cannot be written")
/* clang-format on */

enum cofre_outcome {
#define COFRE_OUT_ENUM(name, http, exit, code, title) COFRE_OUT_##name,
    COFRE_OUT_LIST(COFRE_OUT_ENUM)
#undef COFRE_OUT_ENUM
        COFRE_OUTS
};
struct cofre_outcome_info {
    unsigned http;
    unsigned exit;
    const char *code; /* "" for success */
    const char *title;
};
const struct cofre_outcome_info *cofre_outcome(enum cofre_outcome out);

/* ---- the call ---- */

enum {
    COFRE_NAME_MAX = 64,
    COFRE_FAULTS_MAX = 16,
    COFRE_POINTER_MAX = 160,
    COFRE_SUBJECTS_MAX = 1000,
    COFRE_TAG = 16
};

/* Who acts: a token, or an admin at the machine. */
struct cofre_actor {
    char id[COFRE_NAME_MAX + 1];   /* token id, or "uid-1000" */
    enum cofre_role role;
    char view[COFRE_NAME_MAX + 1]; /* of a crm token; else empty */
    uint64_t purposes;             /* bit n: purpose number n; of a support token */
    bool may_erase;
};

/* What is wrong with a request: where (RFC 6901 pointer into the body, or "?limit"), and why. */
struct cofre_fault {
    char pointer[COFRE_POINTER_MAX];
    char reason[96]; /* holds nothing of the value */
};

struct cofre_vault;
struct cofre_call;

struct cofre_call {
    /* the caller sets these after cofre_call_init */
    struct cofre_actor actor;
    enum cofre_act act;
    bool http;               /* the entry's code is the HTTP status; else the exit code */
    struct bytes idem_key;   /* the Idempotency-Key header, or empty; borrowed until done */
    struct bytes idem_body;  /* the request's body, which the key stands for; borrowed until done */
    void *user;
    /* Writes body for an outcome that is not a success (body is empty then). May be NULL. */
    void (*render)(struct cofre_call *call);
    /* Runs once, on the committer's thread: must be short, and must not submit and wait. */
    void (*done)(struct cofre_call *call);

    /* the operation sets these */
    enum cofre_outcome outcome;
    struct cofre_fault faults[COFRE_FAULTS_MAX];
    size_t n_faults;
    struct buf body;         /* JSON, unless content_type says otherwise */
    const char *content_type; /* NULL: application/json */
    uint64_t version;        /* of the customer, for ETag; 0: none */
    char etag_id[40];        /* ETag of a view's record (keyed for each view); empty: none */

    /* for the entry; set by the operation */
    char view[COFRE_NAME_MAX + 1];
    char purpose[COFRE_NAME_MAX + 1];
    struct buf fields;       /* names, each followed by NUL */
    uint64_t n;
    struct buf subjects;     /* COFRE_TAG bytes each */
    uint8_t nonce[16];
    uint8_t salt[32];

    /* once done() runs */
    bool recorded;           /* the entry is durable, and these say where */
    uint64_t seq;
    uint8_t leaf[32];

    /* the vault's own */
    struct cofre_call *next;
    void *op;                                          /* a prepared mutation */
    enum cofre_err (*apply)(struct cofre_vault *, struct cofre_call *);
    void (*op_free)(void *op);
    uint8_t reply[32];
    bool has_reply;
    bool silent;             /* a step of a job: no entry of its own */
    bool replayed;           /* answered from the idempotency table */
};

void cofre_call_init(struct cofre_call *call);
/* Wipes and frees everything that the call owns (not the call itself). */
void cofre_call_free(struct cofre_call *call);

/* Sets the outcome, and a fault (pointer may be NULL for none); faults over the maximum are dropped. */
void cofre_call_fail(struct cofre_call *call, enum cofre_outcome outcome, const char *pointer,
                     const char *reason);
/* Names a field in the entry. */
void cofre_call_field(struct cofre_call *call, struct bytes name);
bool cofre_call_ok(const struct cofre_call *call);

/*
 * Queues the call for its entry (and its mutation).  call and everything it borrows must live until
 * done().  After cofre_vault_stop, done() runs at once with COFRE_OUT_AUDIT.
 */
void cofre_submit(struct cofre_vault *vault, struct cofre_call *call);
/* Submits and waits; done is set by this function. */
void cofre_submit_wait(struct cofre_vault *vault, struct cofre_call *call);

#endif
