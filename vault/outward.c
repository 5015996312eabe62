#include <pthread.h>
#include <strings.h>

#include <curl/curl.h>

#include "vault/outward.h"

enum { URL_MAX = 2048, TIMEOUT_MS = 10000 };

struct collecting {
    struct buf *reply;
    size_t max;
    bool over;
};

static void
setup(void)
{
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

bool
outward_url_valid(const char *url)
{
    size_t len = strnlen(url, URL_MAX + 1);
    size_t scheme = strncasecmp(url, "https://", 8) == 0  ? 8
                    : strncasecmp(url, "http://", 7) == 0 ? 7
                                                          : 0;

    if (scheme == 0 || len > URL_MAX || len == scheme || url[scheme] == '/')
        return false;
    for (size_t i = 0; i < len; i++)
        if (url[i] <= ' ' || url[i] > '~')
            return false;
    return true;
}

/* Taking fewer bytes than came ends the transfer. */
static size_t
collect(char *p, size_t one, size_t n, void *user)
{
    struct collecting *c = user;
    const size_t len = one * n;

    if (len > c->max - c->reply->len) {
        c->over = true;
        return 0;
    }
    buf_put(c->reply, p, len);
    return c->reply->failed ? 0 : len;
}

/* Each of these fails only where the library was built without it, or has no memory. */
static bool
prepare(CURL *curl, const struct outward_request *r, struct curl_slist *headers,
        struct collecting *c)
{
    const long timeout = r->timeout_ms > 0 ? (long)r->timeout_ms : TIMEOUT_MS;

    return curl_easy_setopt(curl, CURLOPT_URL, r->url) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, timeout) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_USERAGENT, "cofre/" COFRE_VERSION) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.len) ==
               CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_POSTFIELDS,
                            r->body.len > 0 ? (const char *)r->body.p : "") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEDATA, c) == CURLE_OK;
}

static enum cofre_err
result(CURLcode code, const struct collecting *c, struct cofre_why *why)
{
    if (code == CURLE_OK)
        return COFRE_OK;
    if (c->over)
        return cofre_why_set(why, COFRE_ELIMIT, "the reply is longer than %zu bytes", c->max);
    if (code == CURLE_OUT_OF_MEMORY || c->reply->failed)
        return COFRE_ENOMEM;
    return cofre_why_set(why, COFRE_EIO, "%s", curl_easy_strerror(code));
}

/* Two headers: what the body is, and none of "Expect", which would cost a round trip. */
static struct curl_slist *
headers_of(const struct outward_request *r)
{
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");
    struct buf type = BUF_INIT;

    buf_puts(&type, "Content-Type: ");
    buf_puts(&type, r->content_type);
    buf_putc(&type, 0);
    if (list != NULL && (type.failed || curl_slist_append(list, (const char *)type.p) == NULL)) {
        curl_slist_free_all(list);
        list = NULL;
    }
    buf_free(&type);
    return list;
}

enum cofre_err
outward_post(const struct outward_request *request, unsigned *status, struct buf *reply,
             struct cofre_why *why)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct collecting c = {.reply = reply, .max = request->reply_max};
    struct curl_slist *headers;
    enum cofre_err err = COFRE_ENOMEM;
    long code = 0;
    CURL *curl;

    *status = 0;
    buf_reset(reply);
    if (!outward_url_valid(request->url))
        return cofre_why_set(why, COFRE_EINVAL, "not an http:// or https:// URL");
    pthread_once(&once, setup);
    curl = curl_easy_init();
    headers = headers_of(request);
    if (curl != NULL && headers != NULL && prepare(curl, request, headers, &c)) {
        err = result(curl_easy_perform(curl), &c, why);
        (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
        *status = (unsigned)code;
    }
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return err;
}
