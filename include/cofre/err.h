#ifndef COFRE_ERR_H
#define COFRE_ERR_H

/*
 * Errors: a code to act on, and a small text to read.
 *
 * Every function that can fail returns an enum cofre_err.  Functions of vault/, audit/ and api/
 * also take a struct cofre_why * as their last argument (it may be NULL): the first cause wins,
 * and each level may put what it was doing in front of it.  No text ever holds a field value, a
 * token, a key or a passphrase; it names places (a field, a line, a file) and reasons.
 */

#define COFRE_CHECKED __attribute__((warn_unused_result))
#define COFRE_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* clang-format off */
#define COFRE_ERR_LIST(X)                                                                          \
    X(OK,         "success")                                                                       \
    X(ENOMEM,     "out of memory")                                                                 \
    X(EINVAL,     "not valid")                                                                     \
    X(ERANGE,     "out of range")                                                                  \
    X(EFORMAT,    "malformed")                                                                     \
    X(EAUTH,      "does not authenticate: altered, or another key")                                \
    X(ENOKEY,     "the key version that is needed is not in the keyring")                          \
    X(ENOENT,     "not found")                                                                     \
    X(EEXIST,     "exists already")                                                                \
    X(ECONFLICT,  "changed meanwhile")                                                             \
    X(EBUSY,      "in use by another process")                                                     \
    X(EREFUSED,   "refused by policy")                                                             \
    X(EIO,        "input/output error")                                                            \
    X(ENOSPC,     "no space left on device")                                                       \
    X(EINTEGRITY, "integrity failure")                                                             \
    X(ESTOPPED,   "the audit log cannot be written")                                               \
    X(ELIMIT,     "a limit was reached")                                                           \
    X(EAGAIN,     "interrupted; try again")
/* clang-format on */

enum cofre_err {
#define COFRE_ERR_ENUM(name, text) COFRE_##name,
    COFRE_ERR_LIST(COFRE_ERR_ENUM)
#undef COFRE_ERR_ENUM
        COFRE_ERR_COUNT
};

/* The text of err, never NULL; for a value outside the list, "unknown error". */
const char *cofre_err_text(enum cofre_err err);

/* Room for the cause of a failure; owned by the caller, who sets text[0] = 0 before the call. */
struct cofre_why {
    char text[256];
};

/*
 * Sets the cause, unless there is one already (first cause wins); why may be NULL.
 * Returns err, so that a failing branch can be one line.  Too long a text is cut.
 */
enum cofre_err cofre_why_set(struct cofre_why *why, enum cofre_err err, const char *fmt, ...)
    COFRE_PRINTF(3, 4);

/* Like cofre_why_set, and appends ": " and the text of the errno value os_error. */
enum cofre_err cofre_why_os(struct cofre_why *why, enum cofre_err err, int os_error,
                            const char *fmt, ...) COFRE_PRINTF(4, 5);

/* Puts "what was done: " in front of the cause; why may be NULL.  Returns err. */
enum cofre_err cofre_why_add(struct cofre_why *why, enum cofre_err err, const char *fmt, ...)
    COFRE_PRINTF(3, 4);

#endif
