/* labels: race */
#include <pthread.h>

#include "audit_dir.h"
#include "tlog_log.h"
#include "vectors.h"

#include "audit/witness_request.h"
#include "cofre/witness.h"
#include "crypto/cosign.h"

enum { LEAVES = 64, FORK = 4, THREADS = 4, STEPS = 40 };

static const uint8_t KEY[NOTE_SEED] = {1}, NEXT_KEY[NOTE_SEED] = {2}, OTHER_KEY[NOTE_SEED] = {3};

/* A log, and another under the same keys that differs from entry FORK on. */
static struct note_signer signer, next, other;
static uint8_t leaves[2][LEAVES * HASH_LEN];
static struct note_verifier witness_key;
static char dir[64];

static struct tlog_source sources[2] = {{.leaves = leaves[0], .n = LEAVES},
                                        {.leaves = leaves[1], .n = LEAVES}};

static struct tree_source
source_of(unsigned fork)
{
    return (struct tree_source){tlog_node, &sources[fork]};
}

static void
vkey_of(const struct note_signer *s, struct buf *out)
{
    note_vkey_put(out, &s->verifier);
    buf_putc(out, '\n');
}

static int
setup(void **state)
{
    (void)state;
    assert_int_equal(note_signer_init(&signer, "log.example/a", KEY), COFRE_OK);
    assert_int_equal(note_signer_init(&next, "log.example/a", NEXT_KEY), COFRE_OK);
    assert_int_equal(note_signer_init(&other, "log.example/b", OTHER_KEY), COFRE_OK);
    for (unsigned i = 0; i < LEAVES * HASH_LEN; i++) {
        leaves[0][i] = (uint8_t)(i * 7 + i / HASH_LEN);
        leaves[1][i] = (uint8_t)(leaves[0][i] ^ (i >= FORK * HASH_LEN));
    }
    strcpy(dir, "witness-XXXXXX");
    assert_non_null(mkdtemp(dir));
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    note_signer_free(&signer);
    note_signer_free(&next);
    note_signer_free(&other);
    return nftw(dir, audit_dir_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static enum cofre_err
try_open(struct cofre_witness **out, struct bytes logs, struct cofre_why *why)
{
    const struct cofre_witness_config config = {
        .dir = dir, .name = "w.example", .logs = &logs, .n_logs = logs.len > 0};

    why->text[0] = '\0';
    return cofre_witness_open(&config, out, why);
}

/* Trusts the two keys of log.example/a, and never that of b. */
static struct cofre_witness *
open_witness(void)
{
    struct cofre_witness *w;
    struct cofre_why why;
    struct buf logs = BUF_INIT, vkey = BUF_INIT;

    vkey_of(&signer, &logs);
    vkey_of(&next, &logs);
    if (try_open(&w, buf_bytes(&logs), &why) != COFRE_OK)
        fail_msg("open: %s", why.text);
    cofre_witness_vkey(w, &vkey);
    assert_int_equal(note_vkey_parse(buf_bytes(&vkey), &witness_key), COFRE_OK);
    buf_free(&logs);
    buf_free(&vkey);
    return w;
}

static void
checkpoint(unsigned fork, uint64_t size, const struct note_signer *s, struct buf *out)
{
    const struct tree_source source = source_of(fork);
    uint8_t root[HASH_LEN];

    assert_int_equal(tree_root_make(&source, size, root), COFRE_OK);
    checkpoint_sign(out, s, size, root);
}

/* The request that continues fork from `from` to `to`. */
static void
request(unsigned fork, uint64_t from, uint64_t to, struct buf *out)
{
    const struct tree_source source = source_of(fork);
    struct tree_proof proof = {.n = 0};
    struct buf text = BUF_INIT;

    if (from > 0 && from < to)
        assert_int_equal(tree_consistency_make(&source, from, to, &proof), COFRE_OK);
    checkpoint(fork, to, &signer, &text);
    witness_request_put(out, from, &proof, buf_bytes(&text));
    buf_free(&text);
}

/* Sends a body; where it was cosigned, the line must verify under the body's checkpoint. */
static enum cofre_witness_answer
send_body(struct cofre_witness *w, struct bytes body, struct buf *reply)
{
    enum cofre_witness_answer answer;
    struct cofre_why why = {""};
    struct witness_request r;
    struct buf whole = BUF_INIT;
    uint64_t seconds = 0;
    struct note n;

    buf_reset(reply);
    answer = cofre_witness_add(w, body, reply, &why);
    if (answer != COFRE_WITNESS_COSIGNED)
        return answer;
    assert_int_equal(witness_request_parse(body, &r), COFRE_OK);
    buf_putb(&whole, r.checkpoint);
    buf_putb(&whole, buf_bytes(reply));
    assert_int_equal(note_parse(buf_bytes(&whole), &n), COFRE_OK);
    assert_true(cosign_verify(&n, &witness_key, &seconds));
    assert_true(seconds > 1700000000);
    buf_free(&whole);
    return answer;
}

static enum cofre_witness_answer
send_step(struct cofre_witness *w, unsigned fork, uint64_t from, uint64_t to, struct buf *reply)
{
    struct buf body = BUF_INIT;
    enum cofre_witness_answer answer;

    request(fork, from, to, &body);
    answer = send_body(w, buf_bytes(&body), reply);
    buf_free(&body);
    return answer;
}

static bool
says(const struct buf *reply, const char *text)
{
    return bytes_equal(buf_bytes(reply), bytes_str(text));
}

static void
each_step_is_proved_and_nothing_goes_back(void **state)
{
    struct cofre_witness *w = open_witness();
    struct buf reply = BUF_INIT;

    (void)state;
    assert_int_equal(send_step(w, 0, 3, 7, &reply), COFRE_WITNESS_CONFLICT);
    assert_true(says(&reply, "0\n"));
    assert_int_equal(send_step(w, 0, 0, 7, &reply), COFRE_WITNESS_COSIGNED);
    assert_int_equal(send_step(w, 0, 7, 7, &reply), COFRE_WITNESS_COSIGNED);
    assert_int_equal(send_step(w, 0, 0, 7, &reply), COFRE_WITNESS_CONFLICT);
    assert_true(says(&reply, "7\n"));
    assert_int_equal(send_step(w, 0, 7, 64, &reply), COFRE_WITNESS_COSIGNED);
    assert_int_equal(send_step(w, 0, 7, 64, &reply), COFRE_WITNESS_CONFLICT);
    assert_true(says(&reply, "64\n"));
    assert_int_equal(send_step(w, 0, 7, 20, &reply), COFRE_WITNESS_CONFLICT);
    assert_true(says(&reply, "64\n"));
    cofre_witness_close(w);
    /* And so it is after it was opened again, trusting what it trusted. */
    w = open_witness();
    assert_int_equal(cofre_witness_logs(w), 2);
    assert_int_equal(send_step(w, 0, 0, 64, &reply), COFRE_WITNESS_CONFLICT);
    assert_true(says(&reply, "64\n"));
    cofre_witness_close(w);
    buf_free(&reply);
}

static void
another_log_is_not_followed(void **state)
{
    struct cofre_witness *w = open_witness();
    struct buf reply = BUF_INIT, body = BUF_INIT, text = BUF_INIT;
    const struct tree_source source = source_of(0);
    struct tree_proof proof;

    (void)state;
    assert_int_equal(send_step(w, 0, 0, 7, &reply), COFRE_WITNESS_COSIGNED);
    /* of the same size */
    assert_int_equal(send_step(w, 1, 7, 7, &reply), COFRE_WITNESS_CONFLICT);
    assert_true(says(&reply, "7\n"));
    /* with its own proof, with the true log's, with none, with one hash too many */
    assert_int_equal(send_step(w, 1, 7, 9, &reply), COFRE_WITNESS_UNPROVEN);
    assert_int_equal(reply.len, 0);
    checkpoint(1, 9, &signer, &text);
    assert_int_equal(tree_consistency_make(&source, 7, 9, &proof), COFRE_OK);
    witness_request_put(&body, 7, &proof, buf_bytes(&text));
    assert_int_equal(send_body(w, buf_bytes(&body), &reply), COFRE_WITNESS_UNPROVEN);
    buf_reset(&body);
    buf_reset(&text);
    checkpoint(0, 9, &signer, &text);
    proof.n++;
    witness_request_put(&body, 7, &proof, buf_bytes(&text));
    assert_int_equal(send_body(w, buf_bytes(&body), &reply), COFRE_WITNESS_UNPROVEN);
    proof.n = 0;
    buf_reset(&body);
    witness_request_put(&body, 7, &proof, buf_bytes(&text));
    assert_int_equal(send_body(w, buf_bytes(&body), &reply), COFRE_WITNESS_UNPROVEN);
    assert_int_equal(send_step(w, 0, 7, 9, &reply), COFRE_WITNESS_COSIGNED);
    cofre_witness_close(w);
    buf_free(&reply);
    buf_free(&body);
    buf_free(&text);
}

static void
from_nothing_the_proof_is_empty_and_nothing_has_one_root(void **state)
{
    struct cofre_witness *w = open_witness();
    struct buf reply = BUF_INIT, body = BUF_INIT, text = BUF_INIT;
    struct tree_proof one = {.n = 1}, none = {.n = 0};

    (void)state;
    checkpoint(0, 9, &signer, &text);
    witness_request_put(&body, 0, &one, buf_bytes(&text));
    assert_int_equal(send_body(w, buf_bytes(&body), &reply), COFRE_WITNESS_UNPROVEN);
    buf_reset(&body);
    buf_reset(&text);
    checkpoint_sign(&text, &signer, 0, leaves[0]);
    witness_request_put(&body, 0, &none, buf_bytes(&text));
    assert_int_equal(send_body(w, buf_bytes(&body), &reply), COFRE_WITNESS_UNPROVEN);
    assert_int_equal(send_step(w, 0, 0, 0, &reply), COFRE_WITNESS_COSIGNED);
    assert_int_equal(send_step(w, 0, 0, 9, &reply), COFRE_WITNESS_COSIGNED);
    /* old beyond the checkpoint's size is the client's mistake, and comes before what is remembered */
    buf_reset(&body);
    buf_reset(&text);
    checkpoint(0, 5, &signer, &text);
    witness_request_put(&body, 9, &none, buf_bytes(&text));
    assert_int_equal(send_body(w, buf_bytes(&body), &reply), COFRE_WITNESS_MALFORMED);
    cofre_witness_close(w);
    buf_free(&reply);
    buf_free(&body);
    buf_free(&text);
}

/* A request from nothing to size 9 with these lines; spoil: one hash of the text is another's. */
static enum cofre_witness_answer
send_signed(struct cofre_witness *w, const struct note_signer *first,
            const struct note_signer *second, bool spoil)
{
    struct buf reply = BUF_INIT, body = BUF_INIT, text = BUF_INIT;
    struct tree_proof none = {.n = 0};
    enum cofre_witness_answer answer;
    struct note n;

    checkpoint(0, 9, first, &text);
    assert_int_equal(note_parse(buf_bytes(&text), &n), COFRE_OK);
    if (second != NULL && spoil)
        note_sign_add(&text, second, BYTES_LIT("another\n"));
    else if (second != NULL)
        note_sign_add(&text, second, (struct bytes){text.p, n.text.len});
    witness_request_put(&body, 0, &none, buf_bytes(&text));
    answer = send_body(w, buf_bytes(&body), &reply);
    buf_free(&reply);
    buf_free(&body);
    buf_free(&text);
    return answer;
}

static void
only_trusted_keys_of_the_origin_count(void **state)
{
    struct cofre_witness *w = open_witness();
    struct note_signer stranger;

    (void)state;
    assert_int_equal(note_signer_init(&stranger, "log.example/a", OTHER_KEY), COFRE_OK);
    assert_int_equal(send_signed(w, &other, NULL, false), COFRE_WITNESS_UNKNOWN);
    assert_int_equal(send_signed(w, &other, &signer, false), COFRE_WITNESS_UNKNOWN);
    assert_int_equal(send_signed(w, &stranger, NULL, false), COFRE_WITNESS_UNTRUSTED);
    assert_int_equal(send_signed(w, &signer, &next, true), COFRE_WITNESS_UNTRUSTED);
    assert_int_equal(send_signed(w, &signer, &stranger, true), COFRE_WITNESS_COSIGNED);
    cofre_witness_close(w);
    note_signer_free(&stranger);
}

static void
either_key_of_a_rotated_log_will_do(void **state)
{
    struct cofre_witness *w = open_witness();
    struct buf reply = BUF_INIT, body = BUF_INIT, text = BUF_INIT, newest = BUF_INIT;
    const struct tree_source source = source_of(0);
    struct tree_proof proof;
    uint8_t digest[HASH_LEN];
    struct buf hash = BUF_INIT;

    (void)state;
    assert_int_equal(send_signed(w, &next, &signer, false), COFRE_WITNESS_COSIGNED);
    checkpoint(0, 20, &next, &text);
    assert_int_equal(tree_consistency_make(&source, 9, 20, &proof), COFRE_OK);
    witness_request_put(&body, 9, &proof, buf_bytes(&text));
    assert_int_equal(send_body(w, buf_bytes(&body), &reply), COFRE_WITNESS_COSIGNED);
    /* What it remembers can be had: the checkpoint, with the log's line and its own. */
    hash_of(bytes_str("log.example/a"), digest);
    buf_put_hex(&hash, BYTES_OF(digest));
    assert_true(cofre_witness_newest(w, buf_bytes(&hash), &newest));
    buf_putb(&text, buf_bytes(&reply));
    assert_true(bytes_equal(buf_bytes(&newest), buf_bytes(&text)));
    hash.p[0] ^= 1;
    assert_false(cofre_witness_newest(w, buf_bytes(&hash), &newest));
    cofre_witness_close(w);
    buf_free(&reply);
    buf_free(&body);
    buf_free(&text);
    buf_free(&newest);
    buf_free(&hash);
}

static void
what_is_no_request_is_malformed(void **state)
{
    static const char *const heads[] = {
        "",
        "old",
        "old \n\n",
        "old 1",
        "old 01\n\n",
        "old -1\n\n",
        "Old 0\n\n",
        "old 0\r\n\n",
        "old 0 \n\n",
        "old 0\n",
        "old 0\nAA\n\n",
        "old 0\n \n",
        "old 18446744073709551616\n\n",
    };
    struct cofre_witness *w = open_witness();
    struct buf reply = BUF_INIT, body = BUF_INIT, text = BUF_INIT;
    struct tree_proof most = {.n = WITNESS_REQUEST_PROOF_MAX};

    (void)state;
    checkpoint(0, 9, &signer, &text);
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        buf_reset(&body);
        buf_puts(&body, heads[i]);
        buf_putb(&body, buf_bytes(&text));
        if (send_body(w, buf_bytes(&body), &reply) != COFRE_WITNESS_MALFORMED)
            fail_msg("case %zu is taken", i);
    }
    /* 63 hashes are a proof, 64 are none */
    buf_reset(&body);
    memset(most.hash, 0, sizeof most.hash);
    witness_request_put(&body, 0, &most, buf_bytes(&text));
    assert_int_equal(send_body(w, buf_bytes(&body), &reply), COFRE_WITNESS_UNPROVEN);
    buf_reset(&body);
    most.n++;
    witness_request_put(&body, 0, &most, buf_bytes(&text));
    assert_int_equal(send_body(w, buf_bytes(&body), &reply), COFRE_WITNESS_MALFORMED);
    /* every shorter body */
    buf_reset(&body);
    request(0, 0, 9, &body);
    for (size_t len = 0; len < body.len; len++) {
        struct bytes exact = unit_exact((struct bytes){body.p, len});

        if (send_body(w, exact, &reply) == COFRE_WITNESS_COSIGNED)
            fail_msg("cut at %zu it is taken", len);
        unit_exact_free(exact);
    }
    for (int i = 0; i <= COFRE_WITNESS_BODY_MAX; i++)
        buf_putc(&body, 'x');
    assert_int_equal(send_body(w, buf_bytes(&body), &reply), COFRE_WITNESS_MALFORMED);
    cofre_witness_close(w);
    buf_free(&reply);
    buf_free(&body);
    buf_free(&text);
}

static struct cofre_witness *vector_witness;

static void
send_vector(const struct vector *v)
{
    struct buf body = BUF_INIT, text = BUF_INIT, reply = BUF_INIT;
    struct tree_proof none = {.n = 0};
    struct witness_request r;
    struct checkpoint c;
    struct note n;

    vector_bytes(v, "body", &body);
    if (vector_is(v, "what", "request")) {
        assert_int_equal(witness_request_parse(buf_bytes(&body), &r), COFRE_OK);
        assert_int_equal(r.old_size, vector_number(v, "old"));
        assert_int_equal(note_parse(r.checkpoint, &n), COFRE_OK);
        assert_int_equal(checkpoint_parse(n.text, &c), COFRE_OK);
        assert_int_equal(c.size, vector_number(v, "size"));
        witness_request_put(&text, r.old_size, &r.proof, r.checkpoint);
        assert_true(bytes_equal(buf_bytes(&text), buf_bytes(&body)));
        /* Nothing was cosigned yet; the checkpoint of size 1000 comes behind this line. */
        assert_int_equal(send_body(vector_witness, buf_bytes(&body), &reply),
                         COFRE_WITNESS_CONFLICT);
    } else {
        witness_request_put(&text, 0, &none, buf_bytes(&body));
        assert_int_equal(send_body(vector_witness, buf_bytes(&text), &reply),
                         COFRE_WITNESS_COSIGNED);
    }
    buf_free(&body);
    buf_free(&text);
    buf_free(&reply);
}

static void
send_vector_again(const struct vector *v)
{
    struct buf body = BUF_INIT, reply = BUF_INIT;

    if (!vector_is(v, "what", "request"))
        return;
    assert_int_equal(send_body(vector_witness, vector_bytes(v, "body", &body), &reply),
                     COFRE_WITNESS_COSIGNED);
    buf_free(&body);
    buf_free(&reply);
}

static void
a_request_of_another_implementation(void **state)
{
    static const char vkey[] =
        "vault.example/audit+99f33cb1+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
    struct cofre_why why;
    struct buf own = BUF_INIT;

    (void)state;
    assert_int_equal(try_open(&vector_witness, bytes_str(vkey), &why), COFRE_OK);
    cofre_witness_vkey(vector_witness, &own);
    assert_int_equal(note_vkey_parse(buf_bytes(&own), &witness_key), COFRE_OK);
    assert_int_equal(vectors_each("tlog-witness.txt", send_vector), 2);
    assert_int_equal(vectors_each("tlog-witness.txt", send_vector_again), 2);
    cofre_witness_close(vector_witness);
    buf_free(&own);
}

/* ---- the directory ---- */

static void
read_file(const char *name, struct buf *out)
{
    char path[128];
    FILE *f;
    int c;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    buf_reset(out);
    f = fopen(path, "r");
    assert_non_null(f);
    while ((c = getc(f)) != EOF)
        buf_putc(out, (char)c);
    fclose(f);
}

static void
write_file(const char *name, struct bytes b)
{
    char path[128];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(b.p, 1, b.len, f), b.len);
    fclose(f);
}

static void
refused(enum cofre_err want, const char *what)
{
    struct cofre_witness *w;
    struct cofre_why why;
    enum cofre_err err = try_open(&w, BYTES_NONE, &why);

    if (err != want)
        fail_msg("%s: %s (%s)", what, cofre_err_text(err), why.text);
    assert_null(w);
    assert_true(why.text[0] != '\0');
}

static void
every_flipped_byte_of_key_state_and_mark_is_refused(void **state)
{
    static const char *const names[] = {"key", "state", "mark"};
    struct cofre_witness *w = open_witness();
    struct buf file = BUF_INIT, reply = BUF_INIT;
    struct cofre_why why;

    (void)state;
    assert_int_equal(send_step(w, 0, 0, 9, &reply), COFRE_WITNESS_COSIGNED);
    cofre_witness_close(w);
    for (size_t k = 0; k < 3; k++) {
        read_file(names[k], &file);
        for (size_t i = 0; i < file.len; i++) {
            file.p[i] ^= 1;
            write_file(names[k], buf_bytes(&file));
            refused(COFRE_EINTEGRITY, names[k]);
            file.p[i] ^= 1;
        }
        for (size_t len = 0; len < file.len; len += 7) {
            write_file(names[k], (struct bytes){file.p, len});
            refused(COFRE_EINTEGRITY, names[k]);
        }
        write_file(names[k], buf_bytes(&file));
    }
    assert_int_equal(try_open(&w, BYTES_NONE, &why), COFRE_OK);
    cofre_witness_close(w);
    buf_free(&file);
    buf_free(&reply);
}

static void
an_older_state_is_refused_and_a_missing_one_not_made_again(void **state)
{
    struct cofre_witness *w = open_witness();
    struct buf then = BUF_INIT, mark = BUF_INIT, now = BUF_INIT, reply = BUF_INIT;
    struct cofre_why why;
    char path[128];

    (void)state;
    assert_int_equal(send_step(w, 0, 0, 9, &reply), COFRE_WITNESS_COSIGNED);
    read_file("state", &then);
    read_file("mark", &mark);
    assert_int_equal(send_step(w, 0, 9, 12, &reply), COFRE_WITNESS_COSIGNED);
    cofre_witness_close(w);
    read_file("state", &now);
    write_file("state", buf_bytes(&then));
    refused(COFRE_EINTEGRITY, "an older state");
    write_file("state", buf_bytes(&now));
    /* A crash between the two leaves a mark that is one behind; two is none of ours. */
    write_file("mark", buf_bytes(&mark));
    assert_int_equal(try_open(&w, BYTES_NONE, &why), COFRE_OK);
    assert_int_equal(send_step(w, 0, 12, 13, &reply), COFRE_WITNESS_COSIGNED);
    cofre_witness_close(w);
    write_file("mark", buf_bytes(&mark));
    refused(COFRE_EINTEGRITY, "an older mark");
    snprintf(path, sizeof path, "%s/state", dir);
    assert_int_equal(unlink(path), 0);
    refused(COFRE_EINTEGRITY, "no state");
    snprintf(path, sizeof path, "%s/key", dir);
    assert_int_equal(unlink(path), 0);
    refused(COFRE_EEXIST, "no key");
    buf_free(&then);
    buf_free(&mark);
    buf_free(&now);
    buf_free(&reply);
}

static void
who_else_may_open_it(void **state)
{
    struct cofre_witness *w = open_witness(), *second;
    struct cofre_witness_config renamed = {.dir = dir, .name = "x.example"};
    struct cofre_why why;
    char path[128];

    (void)state;
    assert_int_equal(try_open(&second, BYTES_NONE, &why), COFRE_EBUSY);
    cofre_witness_close(w);
    assert_int_equal(cofre_witness_open(&renamed, &w, &why), COFRE_EINVAL);
    assert_int_equal(try_open(&w, BYTES_LIT("nonsense\n"), &why), COFRE_EINVAL);
    snprintf(path, sizeof path, "%s/key", dir);
    assert_int_equal(chmod(path, 0640), 0);
    refused(COFRE_EREFUSED, "a key that others may read");
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(chmod(dir, 0755), 0);
    refused(COFRE_EREFUSED, "a directory that is open to others");
    assert_int_equal(chmod(dir, 0700), 0);
}

/* ---- all at once ---- */

struct racer {
    pthread_t thread;
    struct cofre_witness *w;
    unsigned fork;
    unsigned seed;
    uint64_t cosigned[STEPS];
    size_t n;
};

/* Continues its own fork from wherever the witness says that it is, and remembers what was cosigned. */
static void *
race(void *arg)
{
    struct racer *r = arg;
    struct buf body = BUF_INIT, reply = BUF_INIT;
    struct cofre_why why = {""};
    uint64_t at = 0;

    for (int i = 0; i < STEPS && at < LEAVES; i++) {
        uint64_t to = at + 1 + (r->seed = r->seed * 1103515245 + 12345) / 65536 % 3;
        enum cofre_witness_answer answer;

        to = to > LEAVES ? LEAVES : to;
        buf_reset(&body);
        buf_reset(&reply);
        request(r->fork, at, to, &body);
        answer = cofre_witness_add(r->w, buf_bytes(&body), &reply, &why);
        if (answer == COFRE_WITNESS_COSIGNED)
            r->cosigned[r->n++] = at = to;
        else if (answer == COFRE_WITNESS_CONFLICT) {
            buf_putc(&reply, '\0');
            at = strtoull((const char *)reply.p, NULL, 10);
        } else
            break; /* the other fork was followed */
    }
    buf_free(&body);
    buf_free(&reply);
    return NULL;
}

static void
racing_forks_never_both_get_a_cosignature(void **state)
{
    struct cofre_witness *w = open_witness();
    struct racer racers[THREADS] = {{.n = 0}};
    uint64_t beyond[2] = {0, 0};
    bool seen[LEAVES + 1] = {false};

    (void)state;
    for (unsigned i = 0; i < THREADS; i++) {
        racers[i] = (struct racer){.w = w, .fork = i % 2, .seed = i + 1};
        assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(racers[i].thread, NULL), 0);
        for (size_t k = 0; k < racers[i].n; k++) {
            beyond[racers[i].fork] += racers[i].cosigned[k] > FORK;
            /* Each step is somebody's alone. */
            assert_false(seen[racers[i].cosigned[k]]);
            seen[racers[i].cosigned[k]] = true;
        }
    }
    assert_true((beyond[0] == 0) != (beyond[1] == 0));
    cofre_witness_close(w);
}

static void
a_key_is_forgotten_by_name_and_while_nobody_serves(void **state)
{
    struct cofre_witness *w = open_witness();
    struct cofre_why why = {""};
    struct buf former = BUF_INIT, strange = BUF_INIT, reply = BUF_INIT;

    (void)state;
    vkey_of(&signer, &former);
    vkey_of(&other, &strange);
    assert_int_equal(send_step(w, 0, 0, 7, &reply), COFRE_WITNESS_COSIGNED);
    assert_int_equal(cofre_witness_forget(dir, buf_bytes(&former), &why), COFRE_EBUSY);
    assert_int_equal(cofre_witness_logs(w), 2);
    cofre_witness_close(w);
    buf_putb(&strange, buf_bytes(&former));
    assert_int_equal(cofre_witness_forget(dir, buf_bytes(&strange), &why), COFRE_ENOENT);
    assert_int_equal(cofre_witness_forget(dir, BYTES_LIT("no key\n"), &why), COFRE_EINVAL);
    assert_int_equal(cofre_witness_forget(dir, BYTES_NONE, &why), COFRE_EINVAL);
    assert_int_equal(cofre_witness_forget("nowhere", buf_bytes(&former), &why), COFRE_ENOENT);
    assert_int_equal(try_open(&w, BYTES_NONE, &why), COFRE_OK);
    assert_int_equal(cofre_witness_logs(w), 2);
    cofre_witness_close(w);

    assert_int_equal(cofre_witness_forget(dir, buf_bytes(&former), &why), COFRE_OK);
    assert_int_equal(cofre_witness_forget(dir, buf_bytes(&former), &why), COFRE_ENOENT);
    assert_int_equal(try_open(&w, BYTES_NONE, &why), COFRE_OK);
    assert_int_equal(cofre_witness_logs(w), 1);
    assert_int_equal(send_step(w, 0, 7, 64, &reply), COFRE_WITNESS_UNTRUSTED);
    cofre_witness_close(w);
    buf_free(&former);
    buf_free(&strange);
    buf_free(&reply);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_step_is_proved_and_nothing_goes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(another_log_is_not_followed, setup, teardown),
        cmocka_unit_test_setup_teardown(from_nothing_the_proof_is_empty_and_nothing_has_one_root,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(only_trusted_keys_of_the_origin_count, setup, teardown),
        cmocka_unit_test_setup_teardown(either_key_of_a_rotated_log_will_do, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_request_is_malformed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_request_of_another_implementation, setup, teardown),
        cmocka_unit_test_setup_teardown(every_flipped_byte_of_key_state_and_mark_is_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_older_state_is_refused_and_a_missing_one_not_made_again,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(who_else_may_open_it, setup, teardown),
        cmocka_unit_test_setup_teardown(a_key_is_forgotten_by_name_and_while_nobody_serves, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(racing_forks_never_both_get_a_cosignature, setup, teardown),
    };

    return cmocka_run_group_tests(tests, unit_setup, NULL);
}
