/* A struct with an int, sent and received. struct send|recv KEY [NUMBER] */
#include <stdio.h>
#include <stdlib.h>
#include <sys/msg.h>

struct message {
    long type;
    int number;
};

int main(int argc, char **argv)
{
    struct message message = {1, argc > 3 ? atoi(argv[3]) : 0};
    int msqid = msgget(strtol(argv[2], NULL, 0), 0);

    if (argv[1][0] == 's')
        return msgsnd(msqid, &message, sizeof(int), 0) != 0;
    if (msgrcv(msqid, &message, sizeof(int), 0, 0) != sizeof(int))
        return 1;
    return printf("%d\n", message.number) < 0;
}
