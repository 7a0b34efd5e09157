/* POSIX objects by the C library, as other programs make them. Prints an errno name on failure.
   shm sem NAME MODE VALUE | value NAME | post NAME | take NAME | segment NAME MODE SIZE | map NAME
   map: stores each line of standard input at the start of the segment, and prints what was there */
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int failed(void)
{
    printf("%d\n", errno);
    return 1;
}

static int segment(const char *name, mode_t mode, off_t size)
{
    int descriptor = shm_open(name, O_RDWR | O_CREAT | O_EXCL, mode);

    return descriptor < 0 || ftruncate(descriptor, size) < 0 ? failed() : 0;
}

static int map(const char *name)
{
    char line[256];
    struct stat status;
    int descriptor = shm_open(name, O_RDWR, 0);
    char *memory;

    if (descriptor < 0 || fstat(descriptor, &status) < 0)
        return failed();
    memory = mmap(NULL, status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (memory == MAP_FAILED)
        return failed();
    while (fgets(line, sizeof line, stdin)) {
        printf("%.*s\n", (int) strcspn(line, "\n"), memory);
        fflush(stdout);
        memcpy(memory, line, strcspn(line, "\n"));
    }
    return 0;
}

static int semaphore(char **argv)
{
    int value;
    sem_t *sem = argv[1][0] == 's'
        ? sem_open(argv[2], O_CREAT | O_EXCL, (mode_t) strtol(argv[3], NULL, 8), atoi(argv[4]))
        : sem_open(argv[2], 0);

    if (sem == SEM_FAILED)
        return failed();
    if (argv[1][0] == 'p' && sem_post(sem) < 0)
        return failed();
    if (argv[1][0] == 't' && sem_wait(sem) < 0)
        return failed();
    if (sem_getvalue(sem, &value) < 0)
        return failed();
    printf("%d\n", value);
    return 0;
}

int main(int argc, char **argv)
{
    umask(0);
    if (argc > 4 && strcmp(argv[1], "segment") == 0)
        return segment(argv[2], (mode_t) strtol(argv[3], NULL, 8), atoll(argv[4]));
    if (strcmp(argv[1], "map") == 0)
        return map(argv[2]);
    return semaphore(argv);
}
