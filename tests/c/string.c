/* Strings with their NUL, sent and received. string send|recv KEY [TEXT] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/msg.h>

struct message {
    long type;
    char text[256];
};

int main(int argc, char **argv)
{
    struct message message = {1, ""};
    int msqid = msgget(strtol(argv[2], NULL, 0), 0);

    if (argv[1][0] == 's') {
        strcpy(message.text, argv[3]);
        return msgsnd(msqid, &message, strlen(message.text) + 1, 0) != 0;
    }
    memset(message.text, 'x', sizeof message.text);
    if (msgrcv(msqid, &message, sizeof message.text, 0, 0) < 0)
        return 1;
    return puts(message.text) < 0;
}
