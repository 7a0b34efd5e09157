/* Asks with type 1 and a number, and shows the answer of type 2. client KEY NUMBER... */
#include <stdio.h>
#include <stdlib.h>
#include <sys/msg.h>

struct message {
    long type;
    int number;
};

int main(int argc, char **argv)
{
    int msqid = msgget(strtol(argv[1], NULL, 0), 0);

    for (int i = 2; i < argc; i++) {
        struct message message = {1, atoi(argv[i])};
        if (msgsnd(msqid, &message, sizeof(int), 0) != 0)
            return 1;
        if (msgrcv(msqid, &message, sizeof(int), 2, 0) != sizeof(int))
            return 1;
        printf("%d\n", message.number);
    }
    return 0;
}
