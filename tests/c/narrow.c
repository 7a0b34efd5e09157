/* Waits for a message as a program of 32 bits does: narrow MSQID [direct]. */
#include <stdlib.h>

static long narrow(long number, long first, long second, long third, long fourth, long fifth)
{
    long result;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(number), "b"(first), "c"(second), "d"(third), "S"(fourth), "D"(fifth)
                     : "memory", "r8", "r9", "r10", "r11");
    return result;
}

int main(int argc, char **argv)
{
    long msqid = atol(argv[1]);
    if (argc > 2)
        return (int)narrow(401, msqid, 0, 0, 99, 0); /* msgrcv(2) */
    return (int)narrow(117, 12 | 1 << 16, msqid, 0, 0, 0); /* ipc(2), MSGRCV */
}
