/*
 * The sizes that docs/FORMAT.md lists are those of the code, and it lists them all.
 */
#include "vectors.h"

#include "audit/checkpoint.h"
#include "audit/entry.h"
#include "audit/journal.h"
#include "audit/proof.h"
#include "audit/seal.h"
#include "audit/tiles.h"
#include "cli/control.h"
#include "cofre/encode.h"
#include "crypto/bundle.h"
#include "crypto/keyring_codec.h"
#include "crypto/keyslot_codec.h"
#include "crypto/note.h"
#include "crypto/pad.h"
#include "crypto/pseudonym.h"
#include "crypto/token.h"
#include "vault/records/record.h"
#include "vault/records/schema.h"
#include "vault/views/cursor.h"
#include "vault/views/view.h"

/* The size of the anchor stands in the .c alone. */
#include "vault/anchor.c"

static const struct {
    const char *what;
    uint64_t size;
} sizes[] = {
    {"key", KEY_LEN},
    {"hash", HASH_LEN},
    {"box: header", BOX_HEADER},
    {"box: nonce", BOX_NONCE},
    {"box: tag", BOX_TAG},
    {"box: more than its plaintext", BOX_OVERHEAD},
    {"padding: block", PAD_BLOCK},
    {"bundle", BUNDLE_SEALED},
    {"bundle: salt", BUNDLE_SALT},
    {"vault id, customer id", BUNDLE_ID},
    {"pseudonym, event ref", PSEUDONYM_LEN},
    {"id as text: characters behind the prefix", ENCODE_ID_CHARS},
    {"token: random bytes", TOKEN_SECRET},
    {"token: characters", TOKEN_CHARS},
    {"note: most that is read", NOTE_MAX},
    {"note: signatures at most", NOTE_SIGNATURES_MAX},
    {"note: longest name", NOTE_NAME_MAX},
    {"keyslots: before the slots", KEYSLOT_CODEC_HEADER},
    {"keyslots: a slot", KEYSLOT_CODEC_SLOT},
    {"keyslots: slots at most", KEYSLOT_MAX},
    {"keyslots: with one slot", KEYSLOT_CODEC_HEADER + KEYSLOT_CODEC_SLOT + HASH_LEN},
    {"key file", KEYSLOT_FILE_LEN},
    {"passphrase: shortest", KEYSLOT_PASS_MIN},
    {"passphrase: longest", KEYSLOT_PASS_MAX},
    {"keyring: before the entries", KEYRING_CODEC_HEADER},
    {"keyring: an entry", KEYRING_CODEC_ENTRY},
    {"keyring: entries at most", KEYRING_ENTRIES_MAX},
    {"record: values at most", RECORD_FIELDS_MAX},
    {"record: longest value", RECORD_VALUE_MAX},
    {"schema: longest document", SCHEMA_DOC_MAX},
    {"schema: fields at most", SCHEMA_FIELDS_MAX},
    {"schema: kinds at most", SCHEMA_KINDS_MAX},
    {"view: longest document", VIEW_DOC_MAX},
    {"cursor: position", CURSOR_POSITION},
    {"cursor: characters", CURSOR_TEXT},
    {"entry: longest", ENTRY_MAX},
    {"entry: where prev begins", ENTRY_PREV_AT},
    {"entry: nonce", ENTRY_NONCE},
    {"entry: tag of a person", ENTRY_TAG},
    {"entry: tags at most", ENTRY_SUBJECTS_MAX},
    {"entry: field names at most", ENTRY_FIELDS_MAX},
    {"entry: longest name", ENTRY_NAME_MAX},
    {"journal: before an entry", JOURNAL_HEADER},
    {"journal: behind an entry", JOURNAL_TRAILER},
    {"journal: file after which another is begun", JOURNAL_FILE_MAX},
    {"journal: digits of a file's name", JOURNAL_NAME_LEN},
    {"tile: hashes, or entries", TILES_WIDTH},
    {"tile: full one of hashes", TILES_HASHES_LEN},
    {"checkpoint: most that is read", CHECKPOINT_MAX},
    {"proof: most that is read", PROOF_MAX},
    {"seal: most that is read", SEAL_MAX},
    {"keys/pruned: most that is read", SEAL_PRUNED_MAX},
    {"keys/pruned: restores at most", SEAL_RESTORED_MAX},
    {"seal: epochs of a log at most", SEAL_EPOCHS_MAX},
    {"anchor", ANCHOR_LEN},
    {"anchor: before the MAC", ANCHOR_BODY},
    {"control: request at most", CONTROL_MESSAGE_MAX},
    {"control: words at most", CONTROL_WORDS_MAX},
    {"control: reply at most", CONTROL_REPLY_MAX},
};
enum { SIZES = sizeof sizes / sizeof *sizes };

/* Which of ours a line "| what | size |" of the section is; SIZES: none. */
static size_t
row_of(const char *line)
{
    char ours[160];
    size_t i;

    for (i = 0; i < SIZES; i++) {
        snprintf(ours, sizeof ours, "| %s | %llu |\n", sizes[i].what,
                 (unsigned long long)sizes[i].size);
        if (strcmp(line, ours) == 0)
            break;
    }
    return i;
}

static void
the_document_lists_the_sizes_of_the_code(void **state)
{
    char path[4096];
    char line[1024];
    bool seen[SIZES + 1] = {false};
    bool inside = false;
    FILE *file;

    (void)state;
    snprintf(path, sizeof path, "%s/docs/FORMAT.md", vector_source());
    assert_non_null(file = fopen(path, "r"));
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "## ", 3) == 0)
            inside = strstr(line, "Sizes") != NULL;
        if (!inside || line[0] != '|' || strncmp(line, "|--", 3) == 0 ||
            strncmp(line, "| what |", 8) == 0)
            continue;
        seen[row_of(line)] = true;
        if (seen[SIZES])
            fail_msg("not what the code has: %s", line);
    }
    fclose(file);
    for (size_t i = 0; i < SIZES; i++)
        if (!seen[i])
            fail_msg("docs/FORMAT.md does not list: %s", sizes[i].what);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_document_lists_the_sizes_of_the_code),
    };

    return cmocka_run_group_tests(tests, unit_setup, NULL);
}
