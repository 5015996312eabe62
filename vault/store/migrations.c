#include <assert.h>

#include "vault/store/store_internal.h"

/*
 * The form of the database, step by step; docs/FORMAT.md says what each column means.
 * A step that has been released never changes: another one is added behind it.
 *
 * Tables of something about a person hang on customer with ON DELETE CASCADE, and each has an
 * index that begins with its customer column, so that an erasure finds the rows without a scan.
 */
static const char version_1[] =
    "CREATE TABLE head ("
    " one INTEGER PRIMARY KEY CHECK (one = 1),"
    " generation INTEGER NOT NULL,"
    " log_size INTEGER NOT NULL,"
    " log_root BLOB NOT NULL) STRICT;"
    "INSERT INTO head VALUES (1, 0, 0, zeroblob(32));"

    /* The short columns first: reading them never goes to an overflow page. */
    "CREATE TABLE customer ("
    " num INTEGER PRIMARY KEY,"
    " id BLOB NOT NULL UNIQUE,"
    " version INTEGER NOT NULL,"
    " kek INTEGER NOT NULL,"
    " flags INTEGER NOT NULL,"
    " created INTEGER NOT NULL,"
    " updated INTEGER NOT NULL,"
    " bundle BLOB NOT NULL,"
    " identifiers BLOB NOT NULL,"
    " rest BLOB NOT NULL,"
    " sensitive BLOB NOT NULL) STRICT;"
    "CREATE INDEX customer_kek ON customer (kek);"

    "CREATE TABLE index_value ("
    " field INTEGER NOT NULL,"
    " value BLOB NOT NULL,"
    " customer INTEGER NOT NULL REFERENCES customer (num) ON DELETE CASCADE,"
    " PRIMARY KEY (field, value)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX index_value_customer ON index_value (customer, field);"

    "CREATE TABLE lookup_value ("
    " field INTEGER NOT NULL,"
    " value BLOB NOT NULL,"
    " customer INTEGER NOT NULL REFERENCES customer (num) ON DELETE CASCADE,"
    " PRIMARY KEY (field, value, customer)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX lookup_value_customer ON lookup_value (customer, field);"

    "CREATE TABLE consent ("
    " customer INTEGER NOT NULL REFERENCES customer (num) ON DELETE CASCADE,"
    " purpose INTEGER NOT NULL,"
    " basis INTEGER NOT NULL,"
    " status INTEGER NOT NULL CHECK (status IN (0, 1)),"
    " time INTEGER NOT NULL,"
    " source TEXT NOT NULL,"
    " PRIMARY KEY (customer, purpose)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE consent_history ("
    " num INTEGER PRIMARY KEY,"
    " customer INTEGER NOT NULL REFERENCES customer (num) ON DELETE CASCADE,"
    " purpose INTEGER NOT NULL,"
    " basis INTEGER NOT NULL,"
    " status INTEGER NOT NULL,"
    " time INTEGER NOT NULL,"
    " source TEXT NOT NULL) STRICT;"
    "CREATE INDEX consent_history_customer ON consent_history (customer, purpose);"

    "CREATE TABLE event ("
    " num INTEGER PRIMARY KEY,"
    " customer INTEGER NOT NULL REFERENCES customer (num) ON DELETE CASCADE,"
    " key BLOB NOT NULL UNIQUE,"
    " content BLOB NOT NULL,"
    " kind INTEGER NOT NULL,"
    " time INTEGER NOT NULL,"
    " sealed BLOB NOT NULL) STRICT;"
    "CREATE INDEX event_customer ON event (customer, time);"
    "CREATE INDEX event_time ON event (time);"

    /* UNIQUE: a customer has one pseudonym in a view's epoch, or events would show up twice. */
    "CREATE TABLE link ("
    " view INTEGER NOT NULL,"
    " epoch INTEGER NOT NULL,"
    " ps BLOB NOT NULL,"
    " customer INTEGER NOT NULL REFERENCES customer (num) ON DELETE CASCADE,"
    " PRIMARY KEY (view, epoch, ps)) STRICT, WITHOUT ROWID;"
    "CREATE UNIQUE INDEX link_customer ON link (customer, view, epoch);"

    "CREATE TABLE reason ("
    " nonce BLOB PRIMARY KEY NOT NULL,"
    " customer INTEGER NOT NULL REFERENCES customer (num) ON DELETE CASCADE,"
    " sealed BLOB NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE INDEX reason_customer ON reason (customer);"

    "CREATE TABLE doc ("
    " kind TEXT NOT NULL,"
    " num INTEGER NOT NULL,"
    " version INTEGER NOT NULL,"
    " dropped INTEGER NOT NULL,"
    " name TEXT NOT NULL,"
    " body BLOB NOT NULL,"
    " PRIMARY KEY (kind, num, version),"
    " UNIQUE (kind, name, version)) STRICT;"

    "CREATE TABLE token ("
    " id TEXT PRIMARY KEY NOT NULL,"
    " hash BLOB NOT NULL,"
    " pepper INTEGER NOT NULL,"
    " role INTEGER NOT NULL,"
    " flags INTEGER NOT NULL,"
    " name TEXT NOT NULL,"
    " view TEXT NOT NULL,"
    " purposes TEXT NOT NULL,"
    " issued INTEGER NOT NULL,"
    " expires INTEGER NOT NULL,"
    " revoked INTEGER NOT NULL) STRICT;"

    "CREATE TABLE idem ("
    " num INTEGER PRIMARY KEY,"
    " key BLOB NOT NULL UNIQUE,"
    " request BLOB NOT NULL,"
    " status INTEGER NOT NULL,"
    " expires INTEGER NOT NULL,"
    " body BLOB NOT NULL) STRICT;"
    "CREATE INDEX idem_expires ON idem (expires);"

    "CREATE TABLE job ("
    " num INTEGER PRIMARY KEY,"
    " kind TEXT NOT NULL,"
    " from_version INTEGER NOT NULL,"
    " to_version INTEGER NOT NULL,"
    " state INTEGER NOT NULL,"
    " done INTEGER NOT NULL,"
    " total INTEGER NOT NULL,"
    " started INTEGER NOT NULL,"
    " updated INTEGER NOT NULL) STRICT;"
    "CREATE UNIQUE INDEX job_running ON job (kind) WHERE state = 0;"

    "CREATE TABLE outbox ("
    " seq INTEGER PRIMARY KEY,"
    " line BLOB NOT NULL) STRICT;"

    /* STORE_APPLICATION, "Cofr". */
    "PRAGMA application_id = 1131374194;"
    "PRAGMA user_version = 1;";

static_assert(STORE_APPLICATION == 1131374194, "the number in the text above");

/*
 * Sums over the rows; they are empty until they are computed, at the first start that is accepted.  The index
 * holds the few customers whose data may not be served.
 */
static const char version_2[] =
    "ALTER TABLE head ADD COLUMN incarnation INTEGER NOT NULL DEFAULT 1;"
    "ALTER TABLE head ADD COLUMN rowtag INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE head ADD COLUMN sums BLOB NOT NULL DEFAULT x'';"
    "ALTER TABLE head ADD COLUMN mac BLOB NOT NULL DEFAULT x'';"
    "CREATE INDEX customer_restricted ON customer (id) WHERE flags & 2;"
    "PRAGMA user_version = 2;";

const char *const store_migrations[STORE_VERSION] = {version_1, version_2};
