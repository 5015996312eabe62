#ifndef AUDIT_SEAL_H
#define AUDIT_SEAL_H

#include "audit/checkpoint.h"

/*
 * The notes in keys/ that change how the rest of the log is to be read.  Each is a checkpoint (C2SP
 * tlog-checkpoint v1.0.0) with extension lines:
 *
 *   keys/seal.N   ends epoch N (from 1) at exactly SIZE entries, and names the key of epoch N + 1:
 *
 *       ORIGIN "\n" SIZE "\n" base64(root) "\n"
 *       "cofre-seal/v1 " N " rotate" "\n"          or " recover"
 *       vkey of epoch N + 1 "\n"
 *
 *     signed by the key of epoch N (rotate) or the recovery key (recover), then by that of N + 1;
 *     these two signatures and no other.  Entry SIZE - 1 is the "audit-rotate" or "audit-recover"
 *     entry, whose fields are "epoch-<N+1>" and the SHA-256 (hex) of the next vkey's text.
 *
 *   keys/pruned   entries below 256 * BUNDLES may be gone:
 *
 *       ORIGIN "\n" SIZE "\n" base64(root) "\n"
 *       "cofre-pruned/v1 " BUNDLES "\n"
 *       "recovery " SHA-256 (hex) of the recovery vkey's text, or "none" "\n"
 *       { "restored " SEQ " " leaf hash (hex) " " DECLARED " " root (hex) "\n" }
 *
 *     signed by the key of the epoch that entry SIZE - 1 belongs to.  That entry is the "audit-prune"
 *     entry, whose field is "bundles-<BUNDLES>".  Each line "restored" stands for a "restore" entry
 *     below 256 * BUNDLES, ascending: its hash, and the size and root that it declares.  So what it
 *     declares is known for as long as the log is.
 */
enum {
    SEAL_MAX = 4096,
    SEAL_PRUNED_MAX = 16384,
    SEAL_RESTORED_MAX = 64,
    SEAL_EPOCHS_MAX = 1024
};

enum seal_kind { SEAL_ROTATE, SEAL_RECOVER };

struct seal {
    uint64_t size;
    uint8_t root[HASH_LEN];
    uint32_t epoch; /* the one that ends */
    enum seal_kind kind;
    struct note_verifier next;
};

/* Appends the note.  certifier: the ending epoch's signer, or the recovery key's.  Check buf_error. */
void seal_make(struct buf *out, const struct seal *s, const struct note_signer *certifier,
               const struct note_signer *next);
/*
 * Opens what seal_make made: form, origin (that of certifier), both signatures and no other.  The
 * kind says which certifier is needed: recovery may be NULL when the log names none.  Size, root and
 * the entry are the caller's to check.
 *
 * COFRE_EFORMAT  not such a note
 * COFRE_EAUTH    a signature is missing or wrong, or the recovery key is needed and there is none;
 *                a key that follows itself
 * COFRE_ENOMEM
 */
COFRE_CHECKED enum cofre_err seal_open(struct bytes note, const struct note_verifier *present,
                                       const struct note_verifier *recovery, struct seal *out);

struct seal_restored {
    uint64_t seq;
    uint8_t leaf[HASH_LEN];
    uint64_t size; /* as it declares: of the log that was known */
    uint8_t root[HASH_LEN];
};

struct seal_pruned {
    uint64_t size;
    uint8_t root[HASH_LEN];
    uint64_t bundles;
    bool has_recovery;
    uint8_t recovery[HASH_LEN]; /* of the genesis entry, which may be gone */
    struct seal_restored restored[SEAL_RESTORED_MAX];
    size_t n_restored;
};
void seal_pruned_make(struct buf *out, const struct seal_pruned *p, const struct note_signer *s);
/* One signature and no other; 256 * BUNDLES < SIZE; restores ascend.  COFRE_EFORMAT, COFRE_EAUTH, COFRE_ENOMEM. */
COFRE_CHECKED enum cofre_err seal_pruned_open(struct bytes note, const struct note_verifier *v,
                                              struct seal_pruned *out);
/* The same without checking the signature: to learn by which epoch's key it must be signed. */
COFRE_CHECKED enum cofre_err seal_pruned_peek(struct bytes note, struct seal_pruned *out);

/* SHA-256 of a vkey's text (no line end), as entries name it. */
void seal_vkey_hash(const struct note_verifier *v, uint8_t out[static HASH_LEN]);

#endif
