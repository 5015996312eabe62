#ifndef VERIFY_PROOF_H
#define VERIFY_PROOF_H

#include "inputs.h"
#include "options.h"

/* Verifies one proof with its entry, and the reply and its receipt; reports.  The exit status. */
int proof_run(const struct options *o, const struct verify_keys *keys,
              const struct verify_keys *witnesses);

#endif
