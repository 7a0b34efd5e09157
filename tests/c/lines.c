/* Lines as messages, as bare as it gets. lines send KEY | recv KEY COUNT [each] | peek KEY */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/msg.h>
#include <unistd.h>

struct message {
    long type;
    char body[8193];
};

int main(int argc, char **argv)
{
    struct message message = {1, ""};
    int msqid = msgget(strtol(argv[2], NULL, 0), 0);

    if (argv[1][0] == 's') {
        while (fgets(message.body, sizeof message.body, stdin))
            if (msgsnd(msqid, &message, strcspn(message.body, "\n"), 0) != 0)
                return 1;
        return 0;
    }
    if (argv[1][0] == 'p') {
        ssize_t length;
        for (long n = 0; (length = msgrcv(msqid, &message, 8192, n, MSG_COPY | IPC_NOWAIT)) >= 0; n++) {
            message.body[length++] = '\n';
            fwrite(message.body, length, 1, stdout);
        }
        return 0;
    }
    for (long count = atol(argv[3]); count > 0; count--) {
        ssize_t length = msgrcv(msqid, &message, 8192, 0, 0);
        if (length < 0)
            return 1;
        message.body[length++] = '\n';
        if (argc > 4 ? write(1, message.body, length) < 0 : !fwrite(message.body, length, 1, stdout))
            return 1;
    }
    return 0;
}
