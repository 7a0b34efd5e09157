/* The textbook's priority queue: lower types first. priority enter KEY NAME TYPE | serve KEY */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/msg.h>

#define MAXOBN 50
#define MAXPRIOR 10

struct entry {
    long type;
    char name[MAXOBN + 1];
};

int main(int argc, char **argv)
{
    struct entry entry;
    ssize_t length;
    int msqid = msgget(strtol(argv[2], NULL, 0), 0);

    if (argv[1][0] == 'e') {
        entry.type = atol(argv[4]);
        strncpy(entry.name, argv[3], MAXOBN);
        return msgsnd(msqid, &entry, strlen(argv[3]), 0) != 0;
    }
    while ((length = msgrcv(msqid, &entry, MAXOBN, -MAXPRIOR, MSG_NOERROR | IPC_NOWAIT)) >= 0) {
        entry.name[length] = '\0';
        printf("%ld %s\n", entry.type, entry.name);
    }
    return errno != ENOMSG;
}
