#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "control.h"
#include "open.h"
#include "run.h"
#include "secretin.h"

#include "export.h"

/* Where a command writes what we read: memory, so that it never waits for anybody. */
struct spool {
    int out;
    int err;
};

static bool
spool_open(struct spool *s)
{
    s->out = memfd_create("out", MFD_CLOEXEC);
    s->err = memfd_create("err", MFD_CLOEXEC);
    return s->out >= 0 && s->err >= 0;
}

static void
spool_close(struct spool *s)
{
    if (s->out >= 0)
        close(s->out);
    if (s->err >= 0)
        close(s->err);
}

static enum cofre_err
read_spool(int fd, struct buf *out)
{
    buf_reset(out);
    if (lseek(fd, 0, SEEK_SET) != 0)
        return COFRE_EIO;
    return infiles_read(fd, out, NULL);
}

/* The words that a piece is asked for with. */
struct words {
    char from[24];
    char limit[24];
    const char *all[8];
    size_t n;
};

static void
put_words(struct words *w, uint64_t from, uint64_t limit, bool follow)
{
    snprintf(w->from, sizeof w->from, "%" PRIu64, from);
    snprintf(w->limit, sizeof w->limit, "%" PRIu64, limit);
    memcpy(w->all, (const char *[]){"audit", "export", "--from", w->from, "--limit", w->limit},
           6 * sizeof *w->all);
    w->n = 6;
    if (follow)
        w->all[w->n++] = "--follow";
}

/* Opens the vault in this process: no server runs. */
static int
open_here(struct export_fetch *f)
{
    const struct options *o = f->cmd->options;
    struct say say = say_for(f->cmd);
    struct cofre_why why = {""};
    struct config config;
    enum cofre_err err;

    if (f->opened == NULL && ((err = config_read(secretin_vault(o), &config, &why)) != COFRE_OK ||
                              (err = open_vault(o, &config, &f->opened, &why)) != COFRE_OK))
        return say_why(&say, err, &why);
    return EXIT_DONE;
}

static int
run_here(struct export_fetch *f, const struct words *w, const struct spool *s)
{
    struct options options;
    struct cmd cmd = *f->cmd;
    int exit_code;

    if ((exit_code = open_here(f)) != EXIT_DONE)
        return exit_code;
    if (options_parse(w->all, w->n, &options, NULL) != COFRE_OK)
        return EXIT_FAILED;
    cmd.options = &options;
    cmd.vault = f->opened;
    cmd.out_fd = s->out;
    cmd.out = fdopen(dup(s->out), "w");
    cmd.err = fdopen(dup(s->err), "w");
    exit_code = EXIT_FAILED;
    if (cmd.out != NULL && cmd.err != NULL)
        exit_code = run_command(&cmd);
    if (cmd.out != NULL)
        fclose(cmd.out);
    if (cmd.err != NULL)
        fclose(cmd.err);
    return exit_code;
}

static int
run_somewhere(struct export_fetch *f, const struct words *w, const struct spool *s)
{
    const char *dir = secretin_vault(f->cmd->options);
    const struct infiles none = {.n = 0};
    const struct control_ask ask = {dir, w->all, w->n, &none, s->out, s->err};
    int exit_code = EXIT_FAILED;
    enum cofre_err err;

    if (f->opened != NULL)
        return run_here(f, w, s);
    err = control_client_ask(&ask, &exit_code);
    if (err == COFRE_ENOENT && !f->follow)
        return run_here(f, w, s);
    if (err == COFRE_ENOENT && !cofre_vault_exists(dir)) {
        dprintf(s->err, "cofre: audit export: %s holds no vault\n", dir);
        return EXIT_FAILED;
    }
    if (err == COFRE_ENOENT)
        dprintf(s->err, "cofre: audit export: waiting for a server: none runs on %s\n", dir);
    return err == COFRE_OK ? exit_code : EXIT_AGAIN;
}

/* Passed on once, however often it is tried again. */
static void
pass_on(struct export_fetch *f, int fd)
{
    struct buf now = BUF_INIT;

    if (read_spool(fd, &now) == COFRE_OK && now.len > 0 &&
        !bytes_equal(buf_bytes(&now), buf_bytes(&f->said))) {
        fwrite(now.p, 1, now.len, f->cmd->err);
        fflush(f->cmd->err);
    }
    buf_free(&f->said);
    f->said = now; /* moved */
}

int
export_fetch_piece(struct export_fetch *f, uint64_t from, uint64_t limit, bool again)
{
    struct spool s = {-1, -1};
    struct words w;
    int exit_code = EXIT_AGAIN;

    if (spool_open(&s)) {
        put_words(&w, from, limit, f->follow && again);
        exit_code = run_somewhere(f, &w, &s);
        pass_on(f, s.err);
        if (exit_code == EXIT_DONE && read_spool(s.out, &f->piece) != COFRE_OK)
            exit_code = EXIT_AGAIN;
    }
    spool_close(&s);
    return exit_code;
}

int
export_fetch_end(struct export_fetch *f)
{
    struct say say = say_for(f->cmd);
    struct cofre_why why = {""};
    enum cofre_err err = cofre_vault_close(f->opened, &why);

    f->opened = NULL;
    buf_free(&f->piece);
    buf_free(&f->said);
    return err == COFRE_OK ? EXIT_DONE : say_why(&say, err, &why);
}
