#ifndef CLI_SECRETIN_H
#define CLI_SECRETIN_H

#include "cofre/secret.h"
#include "cofre/vault.h"

#include "options.h"

/*
 * The secret that opens a vault: from --key-file, --passphrase-file or --passphrase-fd, else from
 * the terminal with echo off.  Never from argv or the environment.
 */
enum { SECRETIN_KEY_LEN = 32, SECRETIN_PASSPHRASE_MAX = 1024 };

struct secretin {
    enum cofre_secret_kind kind;
    struct secret *secret; /* the caller frees */
};

/*
 * Reads the secret.  A file must be an ordinary one of the caller's or root's, closed to everyone else, and
 * outside the vault's directory.  twice: a passphrase from the terminal is asked for again.  secret_setup
 * must have run.
 *
 * COFRE_EINVAL   none is given and there is no terminal; more than one is; not what it should be
 * COFRE_EREFUSED owner, mode or place of the file
 * COFRE_ENOENT, COFRE_EIO, COFRE_ENOMEM
 */
COFRE_CHECKED enum cofre_err secretin_read(const struct options *o, bool twice,
                                           struct secretin *out, struct cofre_why *why);

/*
 * Makes the key file --key-file names, with random bytes, where there is none.  *made says whether.
 * COFRE_EREFUSED: it would lie in the vault's directory.  COFRE_EIO: nothing is left behind.
 */
COFRE_CHECKED enum cofre_err secretin_make_key(const struct options *o, bool *made,
                                               struct cofre_why *why);

/* Where the vault is: --vault, $COFRE_VAULT, ./cofre-vault. */
const char *secretin_vault(const struct options *o);

/* A passphrase from /dev/tty, with echo off and signals minded.  COFRE_EINVAL: no terminal. */
COFRE_CHECKED enum cofre_err secretin_ask(const char *prompt, struct secret **out,
                                          struct cofre_why *why);

#endif
