/* cli/control*.c: commands run by a server for a client, over the socket in the vault's directory. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "unit.h"

#include "../../cli/commands.c"
#include "../../cli/control.c"
#include "../../cli/control_client.c"
#include "../../cli/control_server.c"
#include "../../cli/infiles.c"
#include "../../cli/options.c"
#include "../../cli/run.c"
#include "../../cli/say.c"
#include "../../cli/stream.c"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* What the commands of this test do, in the server's thread. */
static char the_vault;
static atomic_int running;
static atomic_bool let_go;

static void
pause_ms(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};

    nanosleep(&t, NULL);
}

int
cmd_status(struct cmd *cmd)
{
    assert_ptr_equal(cmd->vault, &the_vault);
    fprintf(cmd->out, "%s%s\n", cmd->actor, cmd->json ? " json" : "");
    fputs("said\n", cmd->err);
    return 6;
}

/* Copies its FILE to stdout. */
int
cmd_view_apply(struct cmd *cmd)
{
    struct buf text = BUF_INIT;

    assert_int_equal(infiles_read(cmd->files.fd[0], &text, NULL), COFRE_OK);
    fwrite(text.p, 1, text.len, cmd->out);
    buf_free(&text);
    return 0;
}

/* Runs until it is stopped. */
int
cmd_import(struct cmd *cmd)
{
    atomic_fetch_add(&running, 1);
    while (!cmd->stop(cmd->stop_ctx))
        pause_ms(5);
    atomic_fetch_sub(&running, 1);
    return 75;
}

/* Runs until it is let go, or nobody asks any more. */
int
cmd_doctor(struct cmd *cmd)
{
    (void)cmd;
    atomic_fetch_add(&running, 1);
    while (!atomic_load(&let_go))
        pause_ms(5);
    atomic_fetch_sub(&running, 1);
    return 0;
}

/* Fills whatever it writes to. */
int
cmd_audit_show(struct cmd *cmd)
{
    atomic_fetch_add(&running, 1);
    for (int i = 0; i < 100000 && !ferror(cmd->out); i++)
        fputs("a line that fills a pipe soon enough\n", cmd->out);
    atomic_fetch_sub(&running, 1);
    return 0;
}

#define NOT_RUN(name)               \
    int cmd_##name(struct cmd *cmd) \
    {                               \
        (void)cmd;                  \
        return -1;                  \
    }
#define OTHERS(X)                                                                           \
    X(init) X(restore)                                                                      \
    X(serve) X(selftest) X(schema_show) X(schema_apply) X(purpose_list) X(purpose_add)      \
        X(view_list) X(view_show) X(view_drop) X(token_issue) X(token_list) X(token_revoke) \
            X(customer_show) X(customer_accesses) X(audit_timestamp) X(key_status) X(key_rotate) X(key_resume) X(audit_verify)      \
                X(audit_prove) X(audit_recover) X(audit_checkpoint) X(audit_export) X(audit_prune) X(witness_serve) X(witness_forget) X(witness_vkey) X(help) X(version)
OTHERS(NOT_RUN)

/* Nor by its caller. */
int
export_drive(struct cmd *cmd)
{
    (void)cmd;
    return -1;
}

struct place {
    char dir[64];
    struct control_server *server;
};

static int
begin(void **state)
{
    struct place *p = calloc(1, sizeof *p);

    signal(SIGPIPE, SIG_IGN);
    strcpy(p->dir, "control-XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    atomic_store(&running, 0);
    atomic_store(&let_go, false);
    assert_int_equal(
        control_server_start(p->dir, (struct cofre_vault *)(void *)&the_vault, &p->server, NULL),
        COFRE_OK);
    *state = p;
    return 0;
}

static int
end(void **state)
{
    struct place *p = *state;

    atomic_store(&let_go, true);
    control_server_stop(p->server);
    assert_int_equal(rmdir(p->dir), 0); /* the socket is gone */
    free(p);
    return 0;
}

/* A client as a process of its own, with out as its stdout and stderr; its exit code by wait. */
static pid_t
client(const struct place *p, const char *const *words, size_t n, int out)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        struct options o;
        struct infiles files = {.n = 0};
        int exit_code = 99;

        if (dup2(out, STDOUT_FILENO) < 0 || dup2(out, STDERR_FILENO) < 0)
            _exit(98);
        if (options_parse(words, n, &o, NULL) == COFRE_OK &&
            infiles_open(&o, &files, NULL) == COFRE_OK &&
            control_client_run(p->dir, words, n, &files, &exit_code) == COFRE_OK)
            infiles_finish(&o, &files);
        fflush(stderr);
        _exit(exit_code);
    }
    return pid;
}

static int
exit_of(pid_t pid)
{
    int status;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
wait_for_running(int n)
{
    for (int i = 0; i < 2000 && atomic_load(&running) != n; i++)
        pause_ms(5);
    assert_int_equal(atomic_load(&running), n);
}

static size_t
slurp(int fd, char *text, size_t room)
{
    ssize_t n = pread(fd, text, room - 1, 0);

    assert_true(n >= 0);
    text[n] = 0;
    return (size_t)n;
}

static int
scratch(void)
{
    int fd = open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    return fd;
}

static void
output_and_exit_code_are_the_commands(void **state)
{
    static const char *const words[] = {"status", "--json"};
    struct place *p = *state;
    char want[64], text[256];
    int out = scratch();

    snprintf(want, sizeof want, "uid-%u json\n", (unsigned)getuid());
    assert_int_equal(exit_of(client(p, words, COUNT(words), out)), 6);
    slurp(out, text, sizeof text);
    assert_non_null(strstr(text, want));
    assert_non_null(strstr(text, "said\n"));
    close(out);
}

static void
files_go_along(void **state)
{
    struct place *p = *state;
    char name[] = "input-XXXXXX", text[64];
    int in = mkstemp(name), out = scratch();
    const char *words[] = {"view", "apply", name};

    assert_int_equal(write(in, "content", 7), 7);
    assert_int_equal(exit_of(client(p, words, COUNT(words), out)), 0);
    slurp(out, text, sizeof text);
    assert_string_equal(text, "content");
    close(in);
    close(out);
    unlink(name);
}

static void
a_client_that_dies_stops_its_command(void **state)
{
    static const char name[] = "dies.csv";
    static const char *const words[] = {"import", "customers", name};
    struct place *p = *state;
    int in = open(name, O_CREAT | O_RDWR, 0600), out = scratch();
    pid_t pid = client(p, words, COUNT(words), out);

    wait_for_running(1);
    kill(pid, SIGKILL);
    wait_for_running(0);
    exit_of(pid);
    close(in);
    close(out);
    unlink(name);
    unlink("dies.csv.rejected");
}

static void
only_so_many_run_at_once(void **state)
{
    static const char *const words[] = {"doctor"};
    struct place *p = *state;
    pid_t pids[CONTROL_COMMANDS];
    int out = scratch();

    for (int i = 0; i < CONTROL_COMMANDS; i++)
        pids[i] = client(p, words, 1, out);
    wait_for_running(CONTROL_COMMANDS);
    assert_int_equal(exit_of(client(p, words, 1, out)), EXIT_BUSY);
    atomic_store(&let_go, true);
    for (int i = 0; i < CONTROL_COMMANDS; i++)
        assert_int_equal(exit_of(pids[i]), 0);
    assert_int_equal(exit_of(client(p, words, 1, out)), 0);
    close(out);
}

/* Someone reads a page of the output, and the server is to stop. */
static void
a_reader_that_waits_does_not_hold_the_server_up(void **state)
{
    static const char *const words[] = {"audit", "show"};
    struct place *p = *state;
    struct timespec before, after;
    int ends[2];
    pid_t pid;

    assert_int_equal(pipe(ends), 0);
    pid = client(p, words, COUNT(words), ends[1]);
    wait_for_running(1);
    pause_ms(50);
    clock_gettime(CLOCK_MONOTONIC, &before);
    control_server_stop(p->server);
    p->server = NULL;
    clock_gettime(CLOCK_MONOTONIC, &after);
    assert_true(after.tv_sec - before.tv_sec < 30);
    exit_of(pid);
    close(ends[0]);
    close(ends[1]);
}

static void
what_is_no_request_is_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        size_t n_fds;
    } rows[] = {
        {"x", 1, 0},
        {"xxxxxxxxxxxx", 12, 2},
        {"cfr1\0\0\0\0\1\0\0\0", 12, 2}, /* a word is missing */
        {"cfr1\0\0\0\0\1\0\0\0\xff\xff\xff\xffstatus", 22, 2},
        {"cfr1\0\0\0\0\xff\xff\xff\xff", 12, 2},
        {"cfr1\0\0\0\0\1\0\0\0\6\0\0\0status ", 23, 2}, /* more than was announced */
        {"cfr1\0\0\0\0\1\0\0\0\10\0\0\0status\0x", 24, 2},
        {"cfr1\0\0\0\0\1\0\0\0\6\0\0\0status", 22, 0},                     /* no descriptors */
        {"cfr1\0\0\0\0\1\0\0\0\6\0\0\0status", 22, 3},                     /* too many */
        {"cfr1\0\0\0\0\3\0\0\0\4\0\0\0view\5\0\0\0apply\1\0\0\0f", 34, 2}, /* too few */
        {"cfr1\0\0\0\0\1\0\0\0\4\0\0\0init", 20, 2},                       /* not for a server */
    };
    struct place *p = *state;
    struct control_message *m = calloc(1, sizeof *m);
    int out = scratch();

    for (size_t i = 0; i < COUNT(rows); i++) {
        int fd = connect_to(p->dir);

        assert_true(fd >= 0);
        memcpy(m->bytes, rows[i].bytes, rows[i].len);
        m->len = rows[i].len;
        for (m->n_fds = 0; m->n_fds < rows[i].n_fds; m->n_fds++)
            m->fds[m->n_fds] = out;
        assert_int_equal(control_send(fd, m), COFRE_OK);
        assert_int_equal(control_receive(fd, m), COFRE_OK);
        if (m->len <= 4 || bytes_get_le32(m->bytes) != EXIT_USAGE)
            fail_msg("row %zu: %u", i, (unsigned)bytes_get_le32(m->bytes));
        close(fd);
    }
    close(out);
    free(m);
}

static void
a_dead_servers_socket_is_nobody(void **state)
{
    static const char *const words[] = {"status"};
    struct infiles files = {.n = 0};
    struct control_server *server;
    char dir[] = "stale-XXXXXX", path[64];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int exit_code, fd;

    (void)state;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(control_client_run(dir, words, 1, &files, &exit_code), COFRE_ENOENT);

    snprintf(path, sizeof path, "%s/control", dir);
    strcpy(address.sun_path, path);
    fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 1), 0);
    close(fd);
    assert_int_equal(control_client_run(dir, words, 1, &files, &exit_code), COFRE_ENOENT);

    assert_int_equal(control_server_start(dir, NULL, &server, NULL), COFRE_OK);
    assert_int_equal(control_client_run("no-such-place", words, 1, &files, &exit_code),
                     COFRE_ENOENT);
    control_server_stop(server);
    assert_int_equal(rmdir(dir), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(output_and_exit_code_are_the_commands, begin, end),
        cmocka_unit_test_setup_teardown(files_go_along, begin, end),
        cmocka_unit_test_setup_teardown(a_client_that_dies_stops_its_command, begin, end),
        cmocka_unit_test_setup_teardown(only_so_many_run_at_once, begin, end),
        cmocka_unit_test_setup_teardown(a_reader_that_waits_does_not_hold_the_server_up, begin,
                                        end),
        cmocka_unit_test_setup_teardown(what_is_no_request_is_refused, begin, end),
        cmocka_unit_test(a_dead_servers_socket_is_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
