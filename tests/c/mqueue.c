/* Lines as messages of a POSIX queue, as bare as it gets.
   mqueue send NAME [PRIORITY] | recv NAME COUNT [priorities] | notify NAME */
#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char body[8193];

static int notify(mqd_t queue)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    sigset_t set;
    int number;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    if (mq_notify(queue, &event) != 0)
        return 1;
    puts("ready");
    fflush(stdout);
    sigwait(&set, &number);
    puts("notified");
    return 0;
}

int main(int argc, char **argv)
{
    unsigned priority = argc > 3 ? atoi(argv[3]) : 0;
    mqd_t queue = mq_open(argv[2], argv[1][0] == 's' ? O_WRONLY : O_RDONLY);

    if (argv[1][0] == 'n')
        return notify(queue);
    if (argv[1][0] == 's') {
        while (fgets(body, sizeof body, stdin))
            if (mq_send(queue, body, strcspn(body, "\n"), priority) != 0)
                return 1;
        return 0;
    }
    for (long count = atol(argv[3]); count > 0; count--) {
        ssize_t length = mq_receive(queue, body, 8192, &priority);
        if (length < 0)
            return 1;
        body[length++] = '\n';
        if (argc > 4)
            printf("%u ", priority);
        if (!fwrite(body, length, 1, stdout))
            return 1;
    }
    return 0;
}
