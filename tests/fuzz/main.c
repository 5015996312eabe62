/*
 * Stands in for libFuzzer where a build has none: runs a harness once on nothing, and once on each
 * file that the arguments name; a directory stands for the files in it.  Each input lies in a
 * block of exactly its size, so that the address sanitizer sees a read past its end.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

static void
die(const char *path)
{
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    exit(2);
}

static void
run_file(const char *path, size_t size)
{
    uint8_t *data = malloc(size > 0 ? size : 1);
    FILE *file = fopen(path, "rb");

    if (data == NULL || file == NULL || fread(data, 1, size, file) != size)
        die(path);
    fclose(file);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
}

/* How many files were run. */
static unsigned
run_path(const char *path)
{
    struct dirent *entry;
    struct stat status;
    unsigned runs = 0;
    char *child;
    DIR *directory;

    if (stat(path, &status) != 0)
        die(path);
    if (!S_ISDIR(status.st_mode)) {
        run_file(path, (size_t)status.st_size);
        return 1;
    }
    if ((directory = opendir(path)) == NULL)
        die(path);
    while ((entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        if (asprintf(&child, "%s/%s", path, entry->d_name) < 0)
            die(path);
        runs += run_path(child);
        free(child);
    }
    closedir(directory);
    return runs;
}

int
main(int argc, char **argv)
{
    uint8_t nothing = 0;
    unsigned runs = 0;

    if (LLVMFuzzerInitialize != NULL)
        LLVMFuzzerInitialize(&argc, &argv);
    LLVMFuzzerTestOneInput(&nothing, 0);
    for (int i = 1; i < argc; i++)
        runs += run_path(argv[i]);
    printf("%u files\n", runs);
    return runs > 0 ? 0 : 1;
}
