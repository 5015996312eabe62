#ifndef VAULT_RECOVER_H
#define VAULT_RECOVER_H

#include "vault/findings.h"
#include "vault/vault_internal.h"

/*
 * Holds the log and the database against each other at start (design 8, 9):
 *
 *   - entries in the outbox beyond the journal's end are staged (a crash between COMMIT and journal);
 *   - the log must then have at least the size that the database's last transaction saw, with the
 *     same root: else the log is older, or forked;
 *   - no entry beyond that size may be one that changed rows: else the database is older.
 *
 * Nothing is written: log_commit, once the start is accepted, appends what is staged.
 *
 * COFRE_EINTEGRITY  the first finding, unless they are collected; or something that no declaration helps:
 *                   a page that does not authenticate, an entry that is malformed
 */
COFRE_CHECKED enum cofre_err recover_check(struct cofre_vault *v, struct findings *found,
                                           struct cofre_why *why);

#endif
