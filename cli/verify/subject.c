#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/journal.h"
#include "audit/prover.h"
#include "audit/tiles_edge.h"
#include "audit/verify_report.h"
#include "cofre/encode.h"

#include "inputs.h"

#include "subject.h"

/* ---- the key file ---- */

/* The numbers of its lines "epoch N K", in a file that was found good. */
static void
take_epochs(struct buf *out, struct bytes text)
{
    static const char word[] = "\nepoch ";
    const uint8_t *at;

    while ((at = memmem(text.p, text.len, word, sizeof word - 1)) != NULL) {
        text.len -= (size_t)(at - text.p) + sizeof word - 1;
        text.p = at + sizeof word - 1;
        if (out->len > 0)
            buf_putc(out, ' ');
        for (size_t i = 0; i < text.len && text.p[i] != ' '; i++)
            buf_putc(out, (char)text.p[i]);
    }
}

bool
subject_list_open(const char *path, struct subject_list *l)
{
    struct buf text = BUF_INIT;
    struct cofre_why why = {""};
    bool ok = inputs_read(path, SUBJECT_FILE_MAX, &text);

    if (ok && subject_parse(buf_bytes(&text), &l->subject, &why) != COFRE_OK)
        ok = inputs_told(path, why.text[0] != '\0' ? why.text : "not a subject's key file");
    if (ok)
        take_epochs(&l->epochs, buf_bytes(&text));
    buf_free(&text);
    return ok;
}

void
subject_list_free(struct subject_list *l)
{
    subject_free(l->subject);
    buf_free(&l->epochs);
    buf_free(&l->seqs);
}

void
subject_list_add(struct subject_list *l, uint64_t seq)
{
    buf_put(&l->seqs, &seq, sizeof seq);
    l->n++;
}

/* ---- the entries, read again ---- */

struct reading {
    const struct subject_source *s;
    struct buf bundle;
    uint64_t index; /* of the bundle, UINT64_MAX: none */
    struct journal_reader *journal;
    struct entry_parsed *parsed;
    struct prover *prover;
    struct buf proof;
    struct buf out;
};

static enum cofre_err
read_bundle(struct reading *r, uint64_t index)
{
    struct tiles_name name = {TILES_ENTRIES, index, TILES_WIDTH};
    enum cofre_err err = tiles_read(r->s->dir, &name, &r->bundle, NULL);

    if (err == COFRE_ENOENT && index == r->s->signed_size / TILES_WIDTH) {
        name = tiles_edge_last(TILES_ENTRIES, r->s->signed_size);
        err = tiles_read(r->s->dir, &name, &r->bundle, NULL);
    }
    r->index = err == COFRE_OK ? index : UINT64_MAX;
    return err;
}

/* What no checkpoint covers yet is only in the journal. */
static enum cofre_err
read_journal(struct reading *r, uint64_t seq, struct bytes *line)
{
    struct journal_item item;
    enum cofre_err err = COFRE_OK;

    journal_reader_free(r->journal);
    r->journal = NULL;
    err = journal_reader_new(r->s->dir, seq, UINT64_MAX, &r->journal, NULL);
    if (err == COFRE_OK)
        err = journal_reader_next(r->journal, &item, NULL);
    if (err == COFRE_OK)
        *line = item.entry;
    return err;
}

static enum cofre_err
read_line(struct reading *r, uint64_t seq, struct bytes *line)
{
    const uint64_t index = seq / TILES_WIDTH;
    enum cofre_err err = COFRE_OK;

    if (seq >= r->s->signed_size)
        return read_journal(r, seq, line);
    if (index != r->index)
        err = read_bundle(r, index);
    return err == COFRE_OK
               ? tiles_bundle_entry(buf_bytes(&r->bundle), (size_t)(seq % TILES_WIDTH), line)
               : err;
}

typedef void put_fn(struct reading *r, struct bytes line);

/* Each entry goes out as it comes: there may be many, and large ones. */
static enum cofre_err
put_one(struct reading *r, uint64_t seq, put_fn *put)
{
    struct bytes line;
    enum cofre_err err = read_line(r, seq, &line);

    if (err != COFRE_OK)
        return err;
    if (entry_parse(line, r->parsed) != COFRE_OK || r->parsed->e.seq != seq)
        return COFRE_EINTEGRITY;
    r->proof.len = 0;
    if (r->prover != NULL && seq < r->s->signed_size &&
        (err = prover_put(r->prover, seq, &r->proof, NULL)) != COFRE_OK)
        return err;
    put(r, line);
    if ((err = buf_error(&r->out)) == COFRE_OK &&
        fwrite(r->out.p, 1, r->out.len, stdout) != r->out.len)
        err = COFRE_EIO;
    r->out.len = 0;
    return err;
}

static bool
put_all(const struct subject_list *l, const struct subject_source *s, bool prove, put_fn *put)
{
    struct reading r = {.s = s, .index = UINT64_MAX, .parsed = malloc(sizeof *r.parsed)};
    enum cofre_err err = r.parsed != NULL ? buf_error(&l->seqs) : COFRE_ENOMEM;
    uint64_t seq;

    if (err == COFRE_OK && prove && s->signed_size > 0)
        err = prover_new(s->dir, s->checkpoint, &r.prover, NULL);
    for (size_t i = 0; i < l->n && err == COFRE_OK; i++) {
        memcpy(&seq, l->seqs.p + i * sizeof seq, sizeof seq);
        if (i > 0 && prove)
            buf_putc(&r.out, ',');
        err = put_one(&r, seq, put);
    }
    journal_reader_free(r.journal);
    prover_free(r.prover);
    free(r.parsed);
    buf_free(&r.bundle);
    buf_free(&r.proof);
    buf_free(&r.out);
    return err == COFRE_OK || inputs_told("the entries that were found", cofre_err_text(err));
}

/* ---- for people ---- */

static void
put_cell(struct buf *out, struct bytes b, unsigned width)
{
    buf_putf(out, "  %-*.*s", (int)width, b.len > 0 ? (int)b.len : 1,
             b.len > 0 ? (const char *)b.p : "-");
}

static void
put_row(struct reading *r, struct bytes line)
{
    const struct entry *e = &r->parsed->e;

    (void)line;
    buf_putf(&r->out, "%10" PRIu64 "  ", e->seq);
    verify_report_time(&r->out, e->ts - e->ts % 1000);
    put_cell(&r->out, e->act, 16);
    buf_putf(&r->out, "  %-3s  %4u", e->ok ? "yes" : "no", e->code);
    put_cell(&r->out, e->actor, 12);
    put_cell(&r->out, e->role, 10);
    put_cell(&r->out, e->view, 10);
    put_cell(&r->out, e->purpose, 10);
    buf_puts(&r->out, "  ");
    for (size_t i = 0; i < e->n_fields; i++) {
        if (i > 0)
            buf_putc(&r->out, ',');
        buf_putb(&r->out, e->fields[i]);
    }
    buf_putc(&r->out, '\n');
}

bool
subject_list_text(const struct subject_list *l, const struct subject_source *s)
{
    const uint64_t from = s->report->pruned;

    printf("\n%zu entries concern this person, of those from %" PRIu64 " to %" PRIu64
           " that the server tagged under log epochs %.*s\n",
           l->n, from, s->report->size, (int)l->epochs.len,
           l->epochs.p != NULL ? (const char *)l->epochs.p : "");
    if (l->n > 0)
        printf("%10s  %-20s  %-16s  %-3s  %4s  %-12s  %-10s  %-10s  %-10s  %s\n", "SEQ", "TIME",
               "ACT", "OK", "CODE", "ACTOR", "ROLE", "VIEW", "PURPOSE", "FIELDS");
    return put_all(l, s, false, put_row) && fflush(stdout) == 0;
}

/* ---- for programs ---- */

static void
put_name(struct buf *out, const char *name, struct bytes value)
{
    buf_putf(out, ",\"%s\":", name);
    encode_json_string(out, value);
}

static void
put_object(struct reading *r, struct bytes line)
{
    const struct entry *e = &r->parsed->e;
    struct buf *out = &r->out;

    buf_putf(out, "{\"seq\":%" PRIu64 ",\"time\":\"", e->seq);
    verify_report_time(out, e->ts);
    buf_puts(out, "\"");
    put_name(out, "act", e->act);
    buf_putf(out, ",\"ok\":%s,\"code\":%u", e->ok ? "true" : "false", e->code);
    put_name(out, "actor", e->actor);
    put_name(out, "role", e->role);
    put_name(out, "view", e->view);
    put_name(out, "purpose", e->purpose);
    buf_puts(out, ",\"fields\":[");
    for (size_t i = 0; i < e->n_fields; i++) {
        if (i > 0)
            buf_putc(out, ',');
        encode_json_string(out, e->fields[i]);
    }
    buf_putf(out, "],\"n\":%" PRIu64, e->n);
    put_name(out, "entry", line);
    if (r->proof.len > 0)
        put_name(out, "proof", buf_bytes(&r->proof));
    else
        buf_puts(out, ",\"proof\":null");
    buf_putc(out, '}');
}

bool
subject_list_json(const struct subject_list *l, const struct subject_source *s)
{
    printf(",\"subject\":{\"from\":%" PRIu64 ",\"size\":%" PRIu64 ",\"epochs\":[",
           s->report->pruned, s->report->size);
    for (size_t i = 0; i < l->epochs.len; i++)
        putchar(l->epochs.p[i] == ' ' ? ',' : l->epochs.p[i]);
    fputs("]},\"accesses\":[", stdout);
    if (!put_all(l, s, true, put_object))
        return false;
    fputs("]", stdout);
    return fflush(stdout) == 0;
}
