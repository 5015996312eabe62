#ifndef AUDIT_VERIFY_H
#define AUDIT_VERIFY_H

#include "cofre/err.h"
#include "crypto/note.h"
#include "audit/tree.h"

/*
 * Checks a log's directory with nothing but a public key.  It streams: memory does not grow with
 * the log.  Bundles are hashed ahead in other threads; progress is called by the caller's.
 * Checked are: that the directory holds exactly the files that belong; each key epoch and its seal,
 * from the first key on; every bundle, every tile, every partial tile, every journal record; that
 * each entry has its fixed form, its seq and its prev; that each entry that stands for a file has
 * it, and each such file its entry; that every signed root is that of the entries; and that every
 * kept checkpoint is a prefix.  (FORMAT.md, "What a verifier checks".)
 */
enum verify_verdict {
    VERIFY_GOOD = 0,
    VERIFY_TAMPERED = 1,    /* also: too few witnesses */
    VERIFY_ROLLED_BACK = 2, /* a kept checkpoint is larger than the log; a restore that was not
                               accepted; nobody vouched for it lately enough */
    VERIFY_FORKED = 3,      /* a kept checkpoint is no prefix of the log */
    VERIFY_UNREADABLE = 66
};

/* ---- what is found besides the verdict; told at the end, when every entry has been read.  Texts are
 * borrowed for the call ---- */

enum verify_finding_kind { VERIFY_EPOCH, VERIFY_VOUCHER, VERIFY_RESTORE, VERIFY_HIT };

/* A stretch of the log under one signing key, in order. */
struct verify_epoch {
    uint32_t number;
    uint8_t id[NOTE_KEY_ID];
    uint64_t from;
    uint64_t size;  /* where it ended; UINT64_MAX: it goes on */
    bool recovered; /* its key was lost: the recovery key vouches for what follows */
    uint64_t last;  /* then: the last size that its own key signed */
};

enum verify_who { VERIFY_BY_LOG, VERIFY_BY_WITNESS, VERIFY_BY_KEPT, VERIFY_BY_TIME };

/* Somebody who vouches for the first size entries. */
struct verify_voucher {
    enum verify_who who;
    const char *name;
    uint64_t size;
    uint64_t seconds; /* since 1970; 0: not known */
    bool outside;     /* false: the log itself, or a time stamp that no authority's certificate
                         was given for */
};

/* An entry by which the operator declares that what follows continues an older state. */
struct verify_restore {
    uint64_t seq;
    uint8_t leaf[HASH_LEN]; /* by which it is accepted */
    uint64_t size;          /* the largest that was known */
    const char *found;      /* its words, with blanks between */
    bool accepted;
};

struct verify_finding {
    enum verify_finding_kind kind;
    union {
        struct verify_epoch epoch;
        struct verify_voucher voucher;
        struct verify_restore restore;
        uint64_t hit; /* seq of an entry that concerns the subject */
    };
};

struct subject;

struct verify_config {
    int dir;                          /* the log's directory, borrowed */
    const struct note_verifier *keys; /* the first is the first epoch's; more of them: what the
                                         log's next ones must be */
    size_t n_keys;
    const struct bytes *since; /* kept checkpoints, as bytes */
    size_t n_since;
    const struct note_verifier *witnesses;
    size_t n_witnesses;
    uint64_t quorum;     /* so many of them must have signed; 0: all */
    struct bytes tsa_ca; /* PEM; empty: time stamps are read, and their authority is not checked */
    const uint8_t (*accepted)[HASH_LEN]; /* restores, by leaf hash */
    size_t n_accepted;
    uint64_t max_age;              /* seconds; 0: any */
    uint64_t now;                  /* since 1970; 0: the clock is asked */
    const struct subject *subject; /* NULL: nobody is looked for */
    unsigned wait_ms; /* before a log that seems tampered with is looked at once more: somebody may
                         be writing to it; 0: only what changed by then counts */
    unsigned threads;              /* 1: only the caller's; 0: as many as there are processors */
    void (*progress)(void *ctx, uint64_t done, uint64_t total); /* may be NULL */
    void *ctx;
    void (*found)(void *ctx, const struct verify_finding *finding); /* may be NULL */
    void *found_ctx;
    struct buf
        *checkpoint; /* gets the text of the log's checkpoint as it was verified; may be NULL */
};

struct verify_report {
    enum verify_verdict verdict;
    char reason[256];       /* what is wrong, and where: file, entry; empty when good */
    bool whole;             /* nothing was tampered with: the verdict is about the rest */
    uint64_t signed_size;   /* entries under the checkpoint's signature */
    uint64_t size;          /* entries in all; those from signed_size on are chained, not signed */
    uint8_t root[HASH_LEN]; /* at signed_size */
    uint64_t first_ts;      /* ms, of the first entry that is there; 0 when none is */
    uint64_t last_ts;
    uint64_t signed_ts;     /* of the last entry under the signature */
    uint64_t bytes;         /* of entries */
    uint64_t pruned;        /* entries that were given up and are gone: known by their hashes */
    uint64_t complete_size; /* signed_size, or where the quorum of witnesses was met */
    uint64_t outside_size;  /* somebody outside vouches up to here */
    uint64_t seconds;       /* when somebody vouched last, since 1970; 0: nobody ever */
    uint64_t age;           /* seconds from then to now */
    char newest[NOTE_NAME_MAX + 1]; /* by whom */
    bool torn;                      /* a last record is cut short: a crash, not a change */
    bool unfinished; /* a crash came into a key rotation, a pruning or a time stamp; the next start
                         goes on with it */
};

/* Always fills *report; the verdicts are taken in the order 66, 1, 3, 2.  COFRE_ENOMEM alone is an
 * error. */
COFRE_CHECKED enum cofre_err verify_log(const struct verify_config *config,
                                        struct verify_report *report);

#endif
