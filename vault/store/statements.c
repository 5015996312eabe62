#include "vault/store/store_internal.h"

/*
 * Every statement.  Parameters are numbered where one is used twice or shared by a family; in
 * statements over a view's scope ?1 to ?4 are view, epoch, purpose and without_row.
 */
#define CUSTOMER                                                                                   \
    "c.num, c.id, c.version, c.kek, c.flags, c.created, c.updated, c.bundle, c.identifiers, "      \
    "c.rest, c.sensitive"
#define EVENT "e.num, e.customer, e.key, e.content, e.kind, e.time, e.sealed"
#define CONSENT "customer, purpose, basis, status, time, source"
#define TOKEN "id, hash, pepper, role, flags, name, view, purposes, issued, expires, revoked"
#define JOB "kind, from_version, to_version, state, done, total, started, updated"

/* STORE_RESTRICTED is 2; a consent's status is 1 when granted. */
#define VISIBLE "(c.flags & 2 = 0 AND ifnull(k.status, ?4))"
#define CONSENT_OF(customer) "LEFT JOIN consent k ON k.customer = " customer " AND k.purpose = ?3 "
#define LINKED "CROSS JOIN customer c ON c.num = l.customer " CONSENT_OF("l.customer")
#define EVENT_LINKED                                                                               \
    "CROSS JOIN link l ON l.customer = e.customer AND l.view = ?1 AND l.epoch = ?2 " LINKED

const char *const store_sql_text[SQL_COUNT_OF_STATEMENTS] = {
    [SQL_READER_BEGIN] = "BEGIN DEFERRED",
    [SQL_WRITER_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ROLLBACK] = "ROLLBACK",
    [SQL_SAVEPOINT] = "SAVEPOINT mutation",
    [SQL_RELEASE] = "RELEASE mutation",
    [SQL_UNDO] = "ROLLBACK TO mutation",
    [SQL_HEAD_GET] = "SELECT generation, log_size, log_root, incarnation, length(sums) > 0 "
                     "FROM head WHERE one = 1",
    [SQL_HEAD_SET] = "UPDATE head SET generation = ?1, log_size = ?2, log_root = ?3, rowtag = ?4, "
                     "sums = ?5, mac = ?6 WHERE one = 1",
    [SQL_HEAD_SUMS] = "SELECT rowtag, sums, mac FROM head WHERE one = 1",
    [SQL_HEAD_INCARNATE] = "UPDATE head SET incarnation = ?1, generation = ?2 WHERE one = 1",

    [SQL_CUSTOMER_INSERT] =
        "INSERT INTO customer (id, version, kek, flags, created, updated, bundle, identifiers, "
        "rest, sensitive) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
    [SQL_CUSTOMER_UPDATE] =
        "UPDATE customer SET version = ?2, updated = ?3, identifiers = ?4, rest = ?5, "
        "sensitive = ?6 WHERE num = ?1 AND version = ?2 - 1",
    [SQL_CUSTOMER_FLAG] = "UPDATE customer SET flags = ?2 WHERE num = ?1",
    [SQL_CUSTOMER_REWRAP] =
        "UPDATE customer SET kek = ?3, bundle = ?4 WHERE num = ?1 AND kek = ?2",
    [SQL_CUSTOMER_GET] = "SELECT " CUSTOMER " FROM customer c WHERE id = ?",
    [SQL_CUSTOMER_GET_NUM] = "SELECT " CUSTOMER " FROM customer c WHERE num = ?",
    [SQL_CUSTOMER_EACH] = "SELECT " CUSTOMER " FROM customer c WHERE num > ? ORDER BY num LIMIT ?",
    [SQL_CUSTOMER_UNDER] =
        "SELECT " CUSTOMER " FROM customer c WHERE kek = ? ORDER BY num LIMIT ?",
    [SQL_COUNT] = "SELECT (SELECT count(*) FROM customer), (SELECT count(*) FROM event), "
                  "(SELECT count(*) FROM consent)",
    [SQL_COUNT_UNDER] = "SELECT count(*) FROM customer WHERE kek = ?",

    [SQL_UNIQUE_PUT] = "INSERT INTO index_value (field, value, customer) VALUES (?, ?, ?) "
                       "ON CONFLICT (field, value) DO NOTHING",
    [SQL_UNIQUE_OWNER] = "SELECT customer FROM index_value WHERE field = ? AND value = ?",
    [SQL_UNIQUE_DROP] = "DELETE FROM index_value WHERE field = ? AND customer = ?",
    [SQL_LOOKUP_PUT] = "INSERT INTO lookup_value (field, value, customer) VALUES (?, ?, ?) "
                       "ON CONFLICT (field, value, customer) DO NOTHING",
    [SQL_LOOKUP_DROP] = "DELETE FROM lookup_value WHERE field = ? AND customer = ?",
    [SQL_INDEX_FIND] = "SELECT customer FROM index_value WHERE field = ?1 AND value = ?2 "
                       "UNION SELECT customer FROM lookup_value WHERE field = ?1 AND value = ?2 "
                       "LIMIT 2",

    [SQL_CONSENT_KEEP] = "INSERT INTO consent_history (" CONSENT ") SELECT " CONSENT
                         " FROM consent WHERE customer = ? AND purpose = ?",
    [SQL_CONSENT_ADD] = "INSERT INTO consent (" CONSENT ") VALUES (?, ?, ?, ?, ?, ?) "
                        "ON CONFLICT (customer, purpose) DO NOTHING",
    [SQL_CONSENT_SET] = "UPDATE consent SET basis = ?3, status = ?4, time = ?5, source = ?6 "
                        "WHERE customer = ?1 AND purpose = ?2",
    [SQL_CONSENT_GET] = "SELECT " CONSENT " FROM consent WHERE customer = ? AND purpose = ?",
    [SQL_CONSENT_EACH] = "SELECT " CONSENT " FROM consent WHERE customer = ? ORDER BY purpose",
    [SQL_CONSENT_COUNT] = "SELECT count(*) FROM consent WHERE purpose = ? AND status = 1",

    [SQL_EVENT_INSERT] = "INSERT INTO event (customer, key, content, kind, time, sealed) "
                         "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING",
    [SQL_EVENT_FIND] = "SELECT " EVENT " FROM event e WHERE key = ?",
    [SQL_EVENT_EACH] = "SELECT " EVENT " FROM event e WHERE customer = ? AND time >= ? AND "
                       "time < ? ORDER BY time, num",
    [SQL_EVENT_NEXT_TIME] = "SELECT time FROM event WHERE time >= ? ORDER BY time LIMIT 1",

    [SQL_LINK_PUT] = "INSERT INTO link (view, epoch, ps, customer) VALUES (?, ?, ?, ?) "
                     "ON CONFLICT (view, epoch, ps) DO NOTHING",
    [SQL_LINK_OWNER] = "SELECT customer FROM link WHERE view = ? AND epoch = ? AND ps = ?",
    [SQL_LINK_DROP] = "DELETE FROM link WHERE view = ? AND epoch = ?",
    [SQL_LINK_DROP_ALL] = "DELETE FROM link WHERE view = ?",

    /*
     * One row, always.  A pseudonym that is not there leads to a customer all the same, chosen by
     * ?6, so that the look-ups of a refusal do not tell which refusal it was.
     */
    [SQL_MEMBER_GET] =
        "SELECT l.customer, " VISIBLE ", ?5, " CUSTOMER " FROM (SELECT 1) "
        "LEFT JOIN link l ON l.view = ?1 AND l.epoch = ?2 AND l.ps = ?5 "
        "LEFT JOIN customer c ON c.num = "
        "ifnull(l.customer, 1 + ?6 % (SELECT max(num) FROM customer)) " CONSENT_OF("c.num"),
    [SQL_MEMBER_EACH] = "SELECT l.ps, " CUSTOMER " FROM link l " LINKED
                        "WHERE l.view = ?1 AND l.epoch = ?2 AND l.ps > ?5 AND " VISIBLE
                        " ORDER BY l.ps LIMIT ?6",
    [SQL_MEMBER_COUNT] = "SELECT count(*) FROM link l " LINKED
                         "WHERE l.view = ?1 AND l.epoch = ?2 AND " VISIBLE,
    [SQL_VIEW_EVENT_KEYS] = "SELECT e.num, e.key, e.kind FROM event e " EVENT_LINKED
                            "WHERE e.time >= ?5 AND e.time < ?6 AND " VISIBLE,
    [SQL_VIEW_EVENT] = "SELECT " EVENT ", l.ps, " CUSTOMER " FROM event e " EVENT_LINKED
                       "WHERE e.num = ?5 AND " VISIBLE,

    [SQL_DOC_FIND] = "SELECT num, max(version) FROM doc WHERE kind = ? AND name = ?",
    [SQL_DOC_NEXT] = "SELECT 1 + ifnull(max(num), 0) FROM doc WHERE kind = ?",
    [SQL_DOC_PUT] = "INSERT INTO doc (kind, num, version, dropped, name, body) "
                    "VALUES (?, ?, ?, ?, ?, ?)",
    [SQL_DOC_EACH] = "SELECT num, version, dropped, name, body FROM doc d WHERE kind = ?1 AND "
                     "version = (SELECT max(version) FROM doc WHERE kind = ?1 AND num = d.num) "
                     "ORDER BY num",

    [SQL_TOKEN_INSERT] = "INSERT INTO token (" TOKEN ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
                         "ON CONFLICT (id) DO NOTHING",
    [SQL_TOKEN_REVOKE] = "UPDATE token SET revoked = ?2 WHERE id = ?1 AND revoked = 0",
    [SQL_TOKEN_FIND] = "SELECT 1 FROM token WHERE id = ?",
    [SQL_TOKEN_EACH] = "SELECT " TOKEN " FROM token ORDER BY issued, id",

    [SQL_REASON_PUT] = "INSERT INTO reason (nonce, customer, sealed) VALUES (?, ?, ?)",

    [SQL_IDEM_GET] = "SELECT key, request, status, expires, body FROM idem "
                     "WHERE key = ?1 AND expires > ?2",
    [SQL_IDEM_EXPIRE] = "DELETE FROM idem WHERE num IN "
                        "(SELECT num FROM idem WHERE expires <= ? ORDER BY expires LIMIT 8)",
    [SQL_IDEM_PUT] =
        "INSERT INTO idem (key, request, status, expires, body) VALUES (?1, ?2, ?3, ?4, ?5) "
        "ON CONFLICT (key) DO UPDATE SET request = ?2, status = ?3, expires = ?4, body = ?5 "
        "WHERE expires <= ?6",

    [SQL_JOB_INSERT] = "INSERT INTO job (" JOB ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [SQL_JOB_UPDATE] = "UPDATE job SET kind = ?1, from_version = ?2, to_version = ?3, state = ?4, "
                       "done = ?5, total = ?6, started = ?7, updated = ?8 WHERE num = ?9",
    [SQL_JOB_EACH] = "SELECT num, " JOB " FROM job ORDER BY num",

    [SQL_OUTBOX_ADD] = "INSERT INTO outbox (seq, line) VALUES (?, ?)",
    [SQL_OUTBOX_EACH] = "SELECT seq, line FROM outbox WHERE seq >= ? ORDER BY seq",
    [SQL_OUTBOX_TRIM] = "DELETE FROM outbox WHERE seq < ?",
};
