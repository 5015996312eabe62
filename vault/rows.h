#ifndef VAULT_ROWS_H
#define VAULT_ROWS_H

#include "vault/commit_internal.h"
#include "vault/findings.h"

/*
 * Do the rows add up?  (vault/store/store.h has the sums.)  At the start: the tables in which a row takes a
 * right away always, all of them where they are few; the rest by a thread of low priority, at once and then daily;
 * and when somebody asks.  When they do not, an entry says so, and nothing is served until the next start.
 */
enum { ROWS_AT_START = 200000, ROWS_EVERY_MS = 24 * 3600 * 1000 };

void rows_init(struct cofre_vault *v, const struct cofre_vault_config *config);
/*
 * The check at the start; of all tables when findings are collected.  COFRE_EINTEGRITY: the finding, unless they
 * are collected.
 */
COFRE_CHECKED enum cofre_err rows_check(struct cofre_vault *v, struct findings *found,
                                        struct cofre_why *why);
/* Makes the sums of a vault of a version that had none, once its start is accepted. */
COFRE_CHECKED enum cofre_err rows_upgrade(struct cofre_vault *v, struct cofre_why *why);

/* The thread; after commit_start, and stopped before commit_stop. */
COFRE_CHECKED enum cofre_err rows_start(struct cofre_vault *v, struct cofre_why *why);
void rows_stop(struct cofre_vault *v);

/* False once rows were found that do not add up; why names the table. */
bool rows_sound(struct cofre_vault *v, struct cofre_why *why);
/* Makes the calls of a batch refused ones, but for what an admin needs to look at it; the committer's. */
void rows_refuse(struct cofre_vault *v, struct commit_batch *b);

#endif
