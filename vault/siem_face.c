#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/siem.h"
#include "crypto/note.h"

#include "cofre/siem.h"

enum { HOST_MAX = 255 };

struct cofre_siem {
    enum siem_format format;
    char origin[SIEM_ORIGIN_MAX + 1];
    char host[HOST_MAX + 1];
    struct siem_item item;
};

enum cofre_err
cofre_siem_known(const char *format)
{
    enum siem_format f;

    return siem_format_parse(bytes_str(format), &f);
}

/* What a message may name; else nothing. */
static void
find_host(char host[static HOST_MAX + 1])
{
    if (gethostname(host, HOST_MAX) != 0)
        host[0] = 0;
    host[HOST_MAX] = 0;
    for (const char *p = host; *p != 0; p++) {
        if (*p < 33 || *p > 126) {
            host[0] = 0;
            return;
        }
    }
}

enum cofre_err
cofre_siem_new(const char *format, const char *origin, struct cofre_siem **out)
{
    enum siem_format f;
    enum cofre_err err;

    *out = NULL;
    if ((err = siem_format_parse(bytes_str(format), &f)) != COFRE_OK)
        return err;
    if (strlen(origin) > SIEM_ORIGIN_MAX || !note_name_valid(bytes_str(origin)))
        return COFRE_EINVAL;
    if ((*out = calloc(1, sizeof **out)) == NULL)
        return COFRE_ENOMEM;
    (*out)->format = f;
    strcpy((*out)->origin, origin);
    find_host((*out)->host);
    return COFRE_OK;
}

void
cofre_siem_free(struct cofre_siem *s)
{
    free(s);
}

enum cofre_err
cofre_siem_read(struct cofre_siem *s, struct bytes line, struct cofre_siem_entry *out)
{
    enum cofre_err err;

    if ((err = siem_read(line, &s->item)) != COFRE_OK)
        return err;
    out->seq = s->item.parsed.e.seq;
    memcpy(out->prev, s->item.parsed.e.prev, sizeof out->prev);
    memcpy(out->leaf, s->item.leaf, sizeof out->leaf);
    return COFRE_OK;
}

static struct siem_source
source(const struct cofre_siem *s)
{
    return (struct siem_source){bytes_str(s->origin), BYTES_LIT(COFRE_VERSION), bytes_str(s->host)};
}

void
cofre_siem_write(struct cofre_siem *s, struct buf *out)
{
    const struct siem_source from = source(s);

    siem_write(out, s->format, &from, &s->item);
}

void
cofre_siem_syslog(struct cofre_siem *s, struct buf *out)
{
    const struct siem_source from = source(s);

    siem_syslog(out, s->format, &from, &s->item);
}
