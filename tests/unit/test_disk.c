/*
 * The small files of a vault's directory.
 *
 * wrap: fsync
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

#include "vault/disk.h"

static bool no_directory_syncs;

int __real_fsync(int fd);
int __wrap_fsync(int fd);

int
__wrap_fsync(int fd)
{
    struct stat st;

    if (!no_directory_syncs || fstat(fd, &st) != 0 || !S_ISDIR(st.st_mode))
        return __real_fsync(fd);
    errno = EIO;
    return -1;
}

static void
assert_holds(int fd, const char *text, bool same)
{
    char there[64] = {0};

    assert_int_equal(pread(fd, there, sizeof there - 1, 0), (ssize_t)strlen(text));
    assert_int_equal(strcmp(there, text) == 0, same);
}

/* The former key: until its file's new contents are there to stay, a crash may bring it back. */
static void
former_bytes_stay_whole_until_the_new_ones_are_durable(void **state)
{
    char path[] = "/tmp/cofre-disk-XXXXXX";
    struct stat st;
    int dir, former;

    (void)state;
    assert_non_null(mkdtemp(path));
    dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(disk_replace(dir, "key", BYTES_LIT("the former one"), NULL), COFRE_OK);
    former = openat(dir, "key", O_RDONLY | O_CLOEXEC);

    no_directory_syncs = true;
    assert_int_equal(disk_replace_shred(dir, "key", BYTES_LIT("the next"), NULL), COFRE_EIO);
    assert_holds(former, "the former one", true);
    assert_int_equal(fstatat(dir, "key.old", &st, 0), 0);
    assert_int_equal(disk_replace_shred(dir, "key", BYTES_LIT("another"), NULL), COFRE_EIO);
    assert_holds(former, "the former one", true);

    no_directory_syncs = false;
    disk_shred_leftovers(dir, "key");
    assert_holds(former, "the former one", false);
    assert_int_equal(fstatat(dir, "key.old", &st, 0), -1);

    assert_int_equal(unlinkat(dir, "key", 0), 0);
    close(former);
    close(dir);
    assert_int_equal(rmdir(path), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(former_bytes_stay_whole_until_the_new_ones_are_durable),
    };

    return cmocka_run_group_tests(tests, unit_setup, NULL);
}
