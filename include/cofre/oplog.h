#ifndef COFRE_OPLOG_H
#define COFRE_OPLOG_H

#include "cofre/err.h"

/*
 * What the operator reads: one line on stderr for each call, "cofre: level: text".  Never a
 * field value, a token, a key or a passphrase.  Not the audit log.  Safe from any thread.
 */
enum oplog_level { OPLOG_ERROR, OPLOG_WARNING, OPLOG_INFO, OPLOG_DEBUG };

/* Lines above this level are dropped; OPLOG_INFO at start. */
void oplog_level_set(enum oplog_level level);
void oplog_line(enum oplog_level level, const char *fmt, ...) COFRE_PRINTF(2, 3);

#endif
