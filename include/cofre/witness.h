#ifndef COFRE_WITNESS_H
#define COFRE_WITNESS_H

#include "cofre/bytes.h"
#include "cofre/err.h"

/*
 * A witness of other logs (C2SP tlog-witness): it remembers the newest checkpoint of each log that it
 * trusts, and cosigns one only when that is a continuation of it.  It needs no vault.
 *
 * Its directory, mode 0700, made by the first cofre_witness_open (FORMAT.md):
 *
 *     lock    one process at a time
 *     key     its private key, mode 0600
 *     logs    the verifier keys that it trusts, one a line; several of one origin where keys rotated
 *     state   the newest cosigned checkpoint of each origin, under a MAC
 *     mark    the generation of `state`: an older one that is put back shows
 */
struct cofre_witness;

struct cofre_witness_config {
    const char *dir;
    const char *name; /* NULL: that of its key, or "cofre-witness.invalid/<random>" for a new one */
    const struct bytes *logs; /* texts of verifier keys, one a line, to be trusted from now on */
    size_t n_logs;
};

/*
 * Opens the directory, or makes it where it is missing or empty.  *out is NULL on error.
 *
 * COFRE_EBUSY       another process has it open
 * COFRE_EINVAL      a bad name, another name than the key's, or a log's key that is none
 * COFRE_EINTEGRITY  the key, the state or the mark is missing, was altered, or is older than another
 * COFRE_EREFUSED    the directory or the key is open to others
 * COFRE_EEXIST      the directory holds something else
 * COFRE_ELIMIT      too many logs
 * COFRE_EIO, COFRE_ENOSPC, COFRE_ENOMEM
 */
COFRE_CHECKED enum cofre_err cofre_witness_open(const struct cofre_witness_config *config,
                                                struct cofre_witness **out, struct cofre_why *why);
/* NULL is fine. */
void cofre_witness_close(struct cofre_witness *w);

/*
 * Trusts these keys (one a line) no longer: after a log's key was rotated, and a checkpoint by the next one
 * was cosigned.  What was cosigned stays remembered.  The directory is never made.
 *
 * COFRE_EBUSY   another process, a server, has it open
 * COFRE_ENOENT  no such directory, or a key that is not trusted; then nothing is changed
 * COFRE_EINVAL  a line is no key
 * and as cofre_witness_open
 */
COFRE_CHECKED enum cofre_err cofre_witness_forget(const char *dir, struct bytes logs,
                                                  struct cofre_why *why);

/* Appends its verifier key, without a line end. */
void cofre_witness_vkey(const struct cofre_witness *w, struct buf *out);
/* The same from a directory that another process may have open.  COFRE_ENOENT and as above. */
COFRE_CHECKED enum cofre_err cofre_witness_read_vkey(const char *dir, struct buf *out,
                                                     struct cofre_why *why);
/* How many verifier keys of logs it trusts. */
size_t cofre_witness_logs(const struct cofre_witness *w);

/* A request body is at most so long: 63 hashes, and a checkpoint. */
enum { COFRE_WITNESS_BODY_MAX = 32768 };

enum cofre_witness_answer {
    COFRE_WITNESS_COSIGNED,  /* 200; out has its signature line */
    COFRE_WITNESS_MALFORMED, /* 400; also: the old size is beyond the checkpoint's */
    COFRE_WITNESS_UNTRUSTED, /* 403: no valid signature of a key that is trusted for the origin */
    COFRE_WITNESS_UNKNOWN,   /* 404: no key of this origin is trusted */
    COFRE_WITNESS_CONFLICT,  /* 409; out has the size that was cosigned last, and a line end */
    COFRE_WITNESS_UNPROVEN,  /* 422: not shown to continue what was cosigned last */
    COFRE_WITNESS_FAILED,    /* 500: the state could not be written; *why says what the matter is */
    COFRE_WITNESS_ANSWERS
};

/*
 * The add-checkpoint call.  Any thread; for one origin they are taken one after the other, and the
 * new state is durable before this returns.  Appends to out as said above.
 */
enum cofre_witness_answer cofre_witness_add(struct cofre_witness *w, struct bytes body,
                                            struct buf *out, struct cofre_why *why);
/*
 * Appends the newest checkpoint that was cosigned for the origin whose SHA-256 this is (64 lower-case
 * hexadecimal digits), with the log's signature and its own; false when there is none.
 */
bool cofre_witness_newest(struct cofre_witness *w, struct bytes origin_hash, struct buf *out);

/* ---- over HTTP ---- */

struct cofre_witness_server;

struct cofre_witness_listen {
    const char *listen;    /* "ADDR:PORT", "[IPv6]:PORT", "localhost:PORT"; port 0: any free one */
    struct bytes tls_cert; /* PEM, borrowed during the start only; empty: no TLS */
    struct bytes tls_key;
};

/*
 * Serves POST /add-checkpoint, GET /<origin hash>/checkpoint and GET /healthz, on threads of its own.
 * Keeps w, which must outlive it.  Errors are those of cofre_server_start.
 */
COFRE_CHECKED enum cofre_err cofre_witness_serve(struct cofre_witness *w,
                                                 const struct cofre_witness_listen *listen,
                                                 struct cofre_witness_server **out,
                                                 struct cofre_why *why);
/* "http://127.0.0.1:8421" with the real port; valid until it is stopped. */
const char *cofre_witness_url(const struct cofre_witness_server *s);
/* Accepts nothing more, answers what is under way, frees.  NULL is fine. */
void cofre_witness_stop(struct cofre_witness_server *s);

#endif
