/* The collector's side of an export: what counts as read, and the cursor. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "unit.h"

#include "../../cli/export_cursor.c"
#include "../../cli/export_out.c"
#include "../../cli/export_syslog.c"

/* As cli/options.c has it. */
enum cofre_err
options_decimal(const char *text, uint64_t *n)
{
    char *end;

    *n = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == 0 ? COFRE_OK : COFRE_EINVAL;
}

static bool
go_on(void *ctx)
{
    (void)ctx;
    return false;
}

static bool
stop_now(void *ctx)
{
    (void)ctx;
    return true;
}

static int
listen_as(int type, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, type, 0);

    strcpy(address.sun_path, path);
    (void)unlink(path);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    if (type == SOCK_STREAM)
        assert_int_equal(listen(fd, 4), 0);
    return fd;
}

static struct export_out
to_socket(void)
{
    return (struct export_out){.fd = -1, .socket = "collector", .stop = go_on};
}

/* ---- what counts as read ---- */

static void
a_datagram_that_was_read_is_settled(void **state)
{
    struct export_out o = to_socket();
    int collector = listen_as(SOCK_DGRAM, "collector");
    char text[16];

    (void)state;
    assert_int_equal(export_out_open(&o, NULL), COFRE_OK);
    assert_false(o.stream);
    assert_int_equal(export_out_put(&o, BYTES_LIT("one")), COFRE_OK);
    o.stall_ms = 50;
    assert_int_equal(export_out_settle(&o), COFRE_EAGAIN); /* not yet */
    assert_int_equal(recv(collector, text, sizeof text, 0), 3);
    assert_int_equal(export_out_settle(&o), COFRE_OK);
    close(collector);
    export_out_close(&o);
}

static void
what_a_dead_collector_left_unread_is_not(void **state)
{
    static const int types[] = {SOCK_DGRAM, SOCK_STREAM};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct export_out o = to_socket();
        int collector = listen_as(types[i], "collector");

        assert_int_equal(export_out_open(&o, NULL), COFRE_OK);
        assert_int_equal(o.stream, types[i] == SOCK_STREAM);
        assert_int_equal(export_out_put(&o, BYTES_LIT("one")), COFRE_OK);
        close(collector);
        assert_int_equal(unread(&o), 0); /* the kernel dropped it: looks read */
        assert_int_equal(export_out_settle(&o), COFRE_EIO);
        assert_true(export_out_gone(&o, 0));
        export_out_close(&o);
        assert_int_equal(o.fd, -1);
        assert_int_equal(export_out_open(&o, NULL), COFRE_EIO);
    }
}

/* Another process has bound the name: it did not get what was sent to the first. */
static void
another_collector_of_that_name_is_another(void **state)
{
    struct export_out o = to_socket();
    int first = listen_as(SOCK_DGRAM, "collector");
    int second;

    (void)state;
    assert_int_equal(export_out_open(&o, NULL), COFRE_OK);
    assert_int_equal(export_out_put(&o, BYTES_LIT("one")), COFRE_OK);
    close(first);
    second = listen_as(SOCK_DGRAM, "collector");
    assert_int_equal(export_out_settle(&o), COFRE_EIO);
    close(second);
    export_out_close(&o);
}

static void
a_pipe_is_settled_when_it_is_empty(void **state)
{
    int fds[2];
    struct export_out o = {.stop = go_on, .stall_ms = 50};
    char text[16];

    (void)state;
    assert_int_equal(pipe(fds), 0);
    o.fd = fds[1];
    assert_int_equal(export_out_put(&o, BYTES_LIT("line\n")), COFRE_OK);
    assert_int_equal(export_out_settle(&o), COFRE_EAGAIN);
    assert_int_equal(read(fds[0], text, sizeof text), 5);
    assert_int_equal(export_out_settle(&o), COFRE_OK);
    assert_int_equal(export_out_put(&o, BYTES_LIT("line\n")), COFRE_OK);
    close(fds[0]);
    assert_int_equal(export_out_settle(&o), COFRE_EIO);
    assert_int_equal(export_out_put(&o, BYTES_LIT("line\n")), COFRE_EIO);
    close(fds[1]);
}

static void
a_pipe_that_nobody_reads_gives_up_or_stops(void **state)
{
    static char much[256 * 1024];
    const struct bytes b = {(const uint8_t *)much, sizeof much};
    int fds[2];
    struct export_out o = {.stop = go_on, .stall_ms = 50};

    (void)state;
    assert_int_equal(pipe(fds), 0);
    o.fd = fds[1];
    assert_int_equal(export_out_put(&o, b), COFRE_EAGAIN);
    o.stall_ms = 0;
    o.stop = stop_now;
    assert_int_equal(export_out_put(&o, b), COFRE_EAGAIN);
    close(fds[0]);
    close(fds[1]);
}

/* ---- the cursor ---- */

static void
put_file(const char *text)
{
    FILE *f = fopen("cursor", "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void
the_cursor_is_replaced_and_read_again(void **state)
{
    struct export_cursor c = {.origin = "shop.example/log", .next = 9007199254740991};
    struct export_cursor again;
    struct stat st;

    (void)state;
    (void)unlink("cursor");
    assert_int_equal(export_cursor_read("cursor", &again, NULL), COFRE_ENOENT);
    for (unsigned i = 0; i < sizeof c.leaf; i++)
        c.leaf[i] = (uint8_t)(i * 7 + 1);
    for (int i = 0; i < 2; i++, c.next = 1) {
        memset(&again, 0xff, sizeof again);
        assert_int_equal(export_cursor_write("cursor", &c, NULL), COFRE_OK);
        assert_int_equal(export_cursor_read("cursor", &again, NULL), COFRE_OK);
        assert_string_equal(again.origin, c.origin);
        assert_int_equal(again.next, c.next);
        assert_memory_equal(again.leaf, c.leaf, sizeof c.leaf);
    }
    assert_int_equal(stat("cursor", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_not_equal(stat("cursor.new", &st), 0);
    assert_int_equal(export_cursor_write("no/such/cursor", &c, NULL), COFRE_EIO);
}

static void
what_is_no_cursor_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "cofre-audit-cursor/v1\nlog\n5\n" HASH,        /* cut */
        "cofre-audit-cursor/v1\nlog\n5\n" HASH "\n\n", /* more */
        "cofre-audit-cursor/v2\nlog\n5\n" HASH "\n",
        "cofre-audit-cursor/v1\n\n5\n" HASH "\n",
        "cofre-audit-cursor/v1\nlog\n0\n" HASH "\n",
        "cofre-audit-cursor/v1\nlog\n-5\n" HASH "\n",
        "cofre-audit-cursor/v1\nlog\n5x\n" HASH "\n",
        "cofre-audit-cursor/v1\nlog\n5\n" HASH "00\n",
        "cofre-audit-cursor/v1\nlog\n5\n00\n",
        "cofre-audit-cursor/v1\nlog\n5\nzz" HASH "\n",
    };
    struct export_cursor c;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        put_file(bad[i]);
        if (export_cursor_read("cursor", &c, NULL) != COFRE_EFORMAT)
            fail_msg("row %zu", i);
    }
    put_file("cofre-audit-cursor/v1\nlog\n5\n" HASH "\n");
    assert_int_equal(export_cursor_read("cursor", &c, NULL), COFRE_OK);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_datagram_that_was_read_is_settled),
        cmocka_unit_test(what_a_dead_collector_left_unread_is_not),
        cmocka_unit_test(another_collector_of_that_name_is_another),
        cmocka_unit_test(a_pipe_is_settled_when_it_is_empty),
        cmocka_unit_test(a_pipe_that_nobody_reads_gives_up_or_stops),
        cmocka_unit_test(the_cursor_is_replaced_and_read_again),
        cmocka_unit_test(what_is_no_cursor_is_refused),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, unit_setup, NULL);
}
