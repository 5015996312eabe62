#include <stdlib.h>
#include <string.h>

#include "vault/anchor.h"

/* The anchor at the start: is anything older than it says, or it than anything? */

/* When the entries that an anchor does not cover were written. */
struct uncovered {
    struct entry_parsed *parsed;
    uint64_t first_ts;
    uint64_t last_ts;
    bool any;
    bool stopped; /* the last one is a clean stop */
};

static enum cofre_err
look_at(void *ctx, uint64_t seq, struct bytes line)
{
    struct uncovered *u = ctx;

    (void)seq;
    if (entry_parse(line, u->parsed) != COFRE_OK)
        return COFRE_EINTEGRITY;
    if (!u->any)
        u->first_ts = u->parsed->e.ts;
    u->any = true;
    u->last_ts = u->parsed->e.ts;
    u->stopped = bytes_equal(u->parsed->e.act, bytes_str(cofre_act_text(COFRE_ACT_STOP)));
    return COFRE_OK;
}

/*
 * A crash leaves an anchor that is half a second old, and the vault stops by itself before it gets much
 * older.  One that is older than that was put back.
 */
static enum cofre_err
check_lag(struct cofre_vault *v, const struct anchor *then, const struct anchor *now,
          struct findings *f, struct cofre_why *why)
{
    struct uncovered u = {.parsed = malloc(sizeof *u.parsed)};
    uint64_t most = ANCHOR_LAG_MS;
    struct cofre_why cause = {""};
    enum cofre_err err;

    if (u.parsed == NULL)
        return COFRE_ENOMEM;
    err = now->log_size == then->log_size ? COFRE_OK
                                          : log_entries(v->log, then->log_size, 1, look_at, &u, &cause);
    if (err == COFRE_OK && u.any)
        err = log_entries(v->log, now->log_size - 1, 1, look_at, &u, &cause);
    if (u.stopped)
        most = ANCHOR_STOP_LAG_MS;
    free(u.parsed);
    if (err == COFRE_ENOENT) /* nothing is pruned that the anchor does not cover yet */
        return findings_add(f, FOUND_BAD_ANCHOR, why,
                            "the anchor is older than audit/: it saw %llu entries of %llu, and some that it "
                            "lacks were pruned since; put the newer anchor back" FINDINGS_LAST_WAY,
                            (unsigned long long)then->log_size, (unsigned long long)now->log_size);
    if (err != COFRE_OK)
        return cofre_why_set(why, err, "%s", cause.text);
    if (!u.any || u.last_ts <= u.first_ts || u.last_ts - u.first_ts <= most)
        return COFRE_OK;
    return findings_add(f, FOUND_BAD_ANCHOR, why,
                        "the anchor is older than audit/: it saw %llu entries of %llu, and those that it "
                        "lacks span %llu seconds; put the newer anchor back" FINDINGS_LAST_WAY,
                        (unsigned long long)then->log_size, (unsigned long long)now->log_size,
                        (unsigned long long)((u.last_ts - u.first_ts) / 1000));
}

/* The log against what the anchor saw of it. */
static enum cofre_err
check_log(struct cofre_vault *v, const struct anchor *then, const struct anchor *now,
          struct findings *f, struct cofre_why *why)
{
    uint8_t root[HASH_LEN];
    enum cofre_err err;

    if (now->log_size < then->log_size)
        return findings_add(f, FOUND_OLDER_LOG, why,
                            "audit/ ends at entry %llu and is older than the anchor, which saw %llu: "
                            "%llu are missing; put the newer audit/ back" FINDINGS_LAST_WAY,
                            (unsigned long long)now->log_size, (unsigned long long)then->log_size,
                            (unsigned long long)(then->log_size - now->log_size));
    if ((err = log_root_at(v->log, then->log_size, root, why)) != COFRE_OK)
        return err;
    if (memcmp(root, then->log_root, HASH_LEN) != 0)
        return findings_add(f, FOUND_FORKED, why,
                            "audit/ is another history than the one the anchor saw (at entry %llu); put "
                            "that one back" FINDINGS_LAST_WAY,
                            (unsigned long long)then->log_size);
    return check_lag(v, then, now, f, why);
}

static enum cofre_err
check_database(const struct anchor *then, const struct anchor *now, struct findings *f,
               struct cofre_why *why)
{
    if (now->generation < then->generation || now->incarnation < then->incarnation)
        return findings_add(f, FOUND_OLDER_DATABASE, why,
                            "vault.db (generation %llu) is older than the anchor (%llu) by %llu "
                            "transactions; put the newer database back, with its -wal file"
                            FINDINGS_LAST_WAY,
                            (unsigned long long)now->generation,
                            (unsigned long long)then->generation,
                            (unsigned long long)(then->generation - now->generation));
    if (then->summed && !now->summed)
        return findings_add(f, FOUND_ROWS, why,
                            "vault.db holds no sums over its rows, and had some; put the database that "
                            "was there back" FINDINGS_LAST_WAY);
    return COFRE_OK;
}

static enum cofre_err
check_keyring(const struct anchor *then, const struct anchor *now, struct findings *f,
              struct cofre_why *why)
{
    if (now->keyring_generation >= then->keyring_generation)
        return COFRE_OK;
    return findings_add(f, FOUND_OLDER_KEYRING, why,
                        "keyring (generation %llu) is older than the anchor (%llu); put the newer "
                        "keyring back" FINDINGS_LAST_WAY,
                        (unsigned long long)now->keyring_generation,
                        (unsigned long long)then->keyring_generation);
}

/* No anchor that can be held against anything. */
static enum cofre_err
unusable(enum cofre_err err, const struct cofre_why *cause, struct findings *f,
         struct cofre_why *why)
{
    if (err == COFRE_ENOENT)
        return findings_add(f, FOUND_NO_ANCHOR, why,
                            "the anchor is missing; give --anchor FILE as at init, or put the file back"
                            FINDINGS_LAST_WAY);
    if (err == COFRE_EINTEGRITY)
        return findings_add(f, FOUND_BAD_ANCHOR, why, "%s; put the newest one back" FINDINGS_LAST_WAY,
                            cause->text);
    return cofre_why_set(why, err, "%s", cause->text);
}

enum cofre_err
anchor_check(struct cofre_vault *v, struct findings *f, struct cofre_why *why)
{
    struct cofre_why cause = {{0}};
    struct anchor then;
    struct anchor now;
    enum cofre_err err;

    if ((err = anchor_read(v, &then, &cause)) != COFRE_OK)
        return unusable(err, &cause, f, why);
    if ((err = anchor_now(v, &now, why)) != COFRE_OK)
        return err;
    findings_log(f, then.log_size, then.log_root);
    findings_database(f, then.generation, then.incarnation);
    if (then.incarnation < now.incarnation)
        return findings_add(f, FOUND_BAD_ANCHOR, why,
                            "the anchor is of incarnation %u and older than vault.db, of %u; put the "
                            "newer anchor back" FINDINGS_LAST_WAY,
                            (unsigned)then.incarnation, (unsigned)now.incarnation);
    if ((err = check_log(v, &then, &now, f, why)) != COFRE_OK ||
        (err = check_database(&then, &now, f, why)) != COFRE_OK)
        return err;
    return check_keyring(&then, &now, f, why);
}
