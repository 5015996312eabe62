#ifndef CLI_CONFIG_H
#define CLI_CONFIG_H

#include "cofre/bytes.h"

/*
 * The settings in the vault's cofre.conf, an INI file that need not be there:
 *
 *   [server]  listen, threads, max_connections, tls_cert, tls_key, client_ca
 *   [audit]   checkpoint_ms, reserve_mib, low_disk_mib
 *   [witness] policy, ca, required, timeout_ms, grace_s
 *
 * Paths that are not absolute begin at the vault's directory.
 */
enum { CONFIG_TEXT_MAX = 4096 };

struct config {
    char listen[256];
    char tls_cert[CONFIG_TEXT_MAX]; /* paths; empty: not set */
    char tls_key[CONFIG_TEXT_MAX];
    char client_ca[CONFIG_TEXT_MAX];
    unsigned threads; /* 0: not set, as below */
    unsigned max_connections;
    unsigned checkpoint_ms;
    char witness_policy[CONFIG_TEXT_MAX];
    char witness_ca[CONFIG_TEXT_MAX];
    bool witness_required;
    unsigned witness_timeout_ms;
    unsigned witness_grace_s;
    unsigned reserve_mib;
    unsigned low_disk_mib;
};

/*
 * Reads DIR/cofre.conf over the defaults.
 * COFRE_EINVAL: a line that is not understood; why has its number.  COFRE_EREFUSED: others may write
 * the file.  COFRE_EIO.
 */
COFRE_CHECKED enum cofre_err config_read(const char *dir, struct config *out,
                                         struct cofre_why *why);

#endif
