#include <curl/curl.h>
#include <stdio.h>
#include <time.h>

#include "audit/lines.h"
#include "audit/tiles.h"
#include "audit/witness_request.h"
#include "crypto/cosign.h"

#include "vault/witnesses_ask.h"

enum { REPLY_MAX = 16384, POLL_MS = 1000, FUTURE_S = 86400 };

enum cofre_err
witnesses_ask_setup(struct cofre_why *why)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return cofre_why_set(why, COFRE_EIO, "the HTTP client library does not start");
    return COFRE_OK;
}

void
witnesses_ask_free(struct witnesses_peer *p)
{
    curl_easy_cleanup(p->http);
    p->http = NULL;
    buf_free(&p->line);
    buf_free(&p->request);
    buf_free(&p->reply);
}

/* ---- the request ---- */

static enum cofre_err
make_proof(const struct witnesses_asking *a, uint64_t from, struct tree_proof *out)
{
    struct tiles_source *source;
    struct tree_source tree;
    enum cofre_err err;

    out->n = 0;
    if (from == 0 || from == a->target->size)
        return COFRE_OK;
    if ((err = tiles_source_new(a->audit, a->target->size, &source)) != COFRE_OK)
        return err;
    tree = tiles_source_tree(source);
    err = tree_consistency_make(&tree, from, a->target->size, out);
    tiles_source_free(source);
    return err;
}

static bool
make_request(const struct witnesses_asking *a, struct witnesses_peer *p)
{
    struct tree_proof proof;

    buf_reset(&p->request);
    buf_reset(&p->reply);
    if (make_proof(a, p->size, &proof) != COFRE_OK) {
        p->trouble = "the proof for it could not be made";
        return false;
    }
    witness_request_put(&p->request, p->size, &proof, buf_bytes(&a->target->own_note));
    if (buf_error(&p->request) != COFRE_OK)
        p->trouble = "out of memory";
    return p->trouble == NULL;
}

static size_t
on_reply(char *data, size_t one, size_t n, void *arg)
{
    struct witnesses_peer *p = arg;

    (void)one;
    if (p->reply.len + n > REPLY_MAX)
        return 0;
    buf_put(&p->reply, data, n);
    return buf_error(&p->reply) == COFRE_OK ? n : 0;
}

static bool
set_options(const struct witnesses_asking *a, struct witnesses_peer *p, struct curl_slist *headers)
{
    char url[WITNESSES_POLICY_URL + 32];
    CURL *c = p->http;

    (void)snprintf(url, sizeof url, "%s/add-checkpoint", p->who->url);
    return curl_easy_setopt(c, CURLOPT_URL, url) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)a->timeout_ms) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)p->request.len) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_POSTFIELDS, (const char *)p->request.p) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_reply) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_WRITEDATA, p) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_PRIVATE, p) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_USERAGENT, "cofre/" COFRE_VERSION) == CURLE_OK &&
           (a->ca == NULL || curl_easy_setopt(c, CURLOPT_CAINFO, a->ca) == CURLE_OK);
}

/* ---- the answer ---- */

bool
witnesses_ask_take(struct witnesses_peer *p, const struct note *n)
{
    const struct note_verifier *v = &p->who->key;
    uint64_t seconds;

    if (!cosign_verify(n, v, &seconds) || seconds == 0 || seconds > (uint64_t)time(NULL) + FUTURE_S)
        return false;
    buf_reset(&p->line);
    for (size_t i = 0; i < n->count; i++)
        if (bytes_equal(n->signatures[i].name, bytes_str(v->name)) &&
            memcmp(n->signatures[i].id, v->id, NOTE_KEY_ID) == 0) {
            buf_reset(&p->line); /* one line is enough: the last */
            cosign_line_put(&p->line, &n->signatures[i]);
        }
    p->has_line = buf_error(&p->line) == COFRE_OK;
    p->seconds = seconds;
    return p->has_line;
}

/* Text, empty line and the reply's lines are a note. */
static const char *
take_lines(const struct witnesses_asking *a, struct witnesses_peer *p)
{
    struct buf whole = BUF_INIT;
    struct note n;
    bool taken;

    buf_putb(&whole, a->target->text);
    buf_putc(&whole, '\n');
    buf_putb(&whole, buf_bytes(&p->reply));
    taken = buf_error(&whole) == COFRE_OK && note_parse(buf_bytes(&whole), &n) == COFRE_OK &&
            bytes_equal(n.text, a->target->text) && witnesses_ask_take(p, &n);
    buf_free(&whole);
    if (!taken)
        return "its answer holds no valid signature of its key";
    p->size = a->target->size;
    p->ahead = false;
    return NULL;
}

static const char *
take_size(const struct witnesses_asking *a, struct witnesses_peer *p)
{
    struct bytes text = buf_bytes(&p->reply);
    struct bytes line;
    uint64_t size;

    if (!lines_take(&text, &line) || text.len > 0 || !lines_number(line, &size))
        return "its answer is malformed";
    p->ahead = size > a->target->size;
    if (p->ahead)
        return "it has cosigned more entries than there are: this log is older, or another";
    if (size == p->size)
        return "it has cosigned another log of this size: this log was changed";
    p->size = size;
    p->behind = true;
    return NULL;
}

static const char *
take_answer(const struct witnesses_asking *a, struct witnesses_peer *p)
{
    static const struct {
        long status;
        const char *trouble;
    } refusals[] = {
        {400, "it finds the request malformed"},
        {403, "it does not trust the log's signing key"},
        {404, "it does not know this log's origin"},
        {422, "it says that this log is no continuation of what it cosigned"},
    };
    long status = 0;

    (void)curl_easy_getinfo(p->http, CURLINFO_RESPONSE_CODE, &status);
    if (status == 200)
        return take_lines(a, p);
    if (status == 409)
        return take_size(a, p);
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        if (refusals[i].status == status)
            return refusals[i].trouble;
    return "it answers with another status than 200";
}

/* ---- all of them ---- */

static void
take_finished(const struct witnesses_asking *a, CURLM *multi)
{
    const CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(multi, &left)) != NULL) {
        struct witnesses_peer *p;
        char *ours = NULL;

        if (message->msg != CURLMSG_DONE ||
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &ours) != CURLE_OK)
            continue;
        p = (void *)ours;
        p->trouble = message->data.result == CURLE_OK ? take_answer(a, p)
                                                      : curl_easy_strerror(message->data.result);
    }
}

static void
run(const struct witnesses_asking *a, CURLM *multi)
{
    int running = 0;

    do {
        if (curl_multi_perform(multi, &running) != CURLM_OK)
            break;
        take_finished(a, multi);
    } while (running > 0 && curl_multi_poll(multi, NULL, 0, POLL_MS, NULL) == CURLM_OK);
}

static bool
add(const struct witnesses_asking *a, CURLM *multi, struct witnesses_peer *p,
    struct curl_slist *headers)
{
    p->trouble = NULL;
    p->behind = false;
    if (!make_request(a, p))
        return false;
    p->trouble = "it was not asked: out of memory";
    if (p->http == NULL)
        p->http = curl_easy_init();
    return p->http != NULL && set_options(a, p, headers) &&
           curl_multi_add_handle(multi, p->http) == CURLM_OK;
}

static void
pass(const struct witnesses_asking *a, struct witnesses_peer *peers, size_t n,
     struct curl_slist *headers)
{
    bool added[WITNESSES_POLICY_MAX] = {false};
    CURLM *multi = curl_multi_init();

    for (size_t i = 0; multi != NULL && i < n; i++)
        added[i] = peers[i].asked && !peers[i].has_line && add(a, multi, &peers[i], headers);
    if (multi != NULL)
        run(a, multi);
    for (size_t i = 0; i < n; i++)
        if (added[i])
            (void)curl_multi_remove_handle(multi, peers[i].http);
    (void)curl_multi_cleanup(multi);
}

void
witnesses_ask(const struct witnesses_asking *a, struct witnesses_peer *peers, size_t n)
{
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: text/plain");
    struct curl_slist *more = curl_slist_append(headers, "Expect:");
    bool again = false;

    for (size_t i = 0; i < n; i++)
        if (peers[i].asked)
            peers[i].trouble = "it was not asked: out of memory";
    if (headers != NULL && more != NULL) {
        pass(a, peers, n, more);
        for (size_t i = 0; i < n; i++) {
            again = again || (peers[i].asked && peers[i].behind);
            peers[i].asked = peers[i].asked && peers[i].behind;
        }
        if (again)
            pass(a, peers, n, more);
        for (size_t i = 0; i < n; i++)
            if (peers[i].asked && peers[i].behind)
                peers[i].trouble = "it says another size each time";
    }
    curl_slist_free_all(headers);
}
