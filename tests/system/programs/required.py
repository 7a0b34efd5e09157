"""The programs that `.ci/run` installs: each run of the tests runs them."""

import sys
from collections.abc import Mapping
from pathlib import Path

from pyipcs.model import Kind
from tests.system.programs.program import (
    IN_DOUBT,
    IN_USE,
    ORPHANED,
    SUSPECT,
    UNKNOWN,
    Made,
    Program,
)

# Debian installs the server outside of PATH.
_INITDB = next(map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))[-1:]), "initdb")
_POSTGRES = _INITDB.replace("initdb", "postgres")

POSTGRESQL = Program(
    name="PostgreSQL",
    tools=(_INITDB, _POSTGRES),
    prepare=f"{_INITDB} -D data -A trust -U tester --no-sync",
    command=(
        *(_POSTGRES, "-D", "data", "-F", "-k", "{folder}", "-c", "listen_addresses="),
        *("-c", "shared_memory_type=sysv", "-c", "autovacuum=off"),
    ),
    ready="ready to accept connections",
    refuses_root=True,
    made={
        Kind.SEGMENT: Made(1, (IN_USE,), (ORPHANED,)),
        Kind.POSIX_SEGMENT: Made(2, (IN_USE,), (ORPHANED,)),
    },
    note="it finds its segments again by key and name: put `--idle` beside `--orphaned`",
)

STRESS_NG_SYSV = Program(
    name="stress-ng --msg --sem-sysv --shm-sysv",
    tools=("stress-ng",),
    command=(
        *("nice", "stress-ng", "--msg", "1", "--sem-sysv", "1"),
        *("--shm-sysv", "1", "--shm-sysv-bytes", "1M", "-t", "600"),
    ),
    ready="dispatching hogs",
    is_busy=True,
    made={
        Kind.QUEUE: Made(1, IN_DOUBT, (SUSPECT, UNKNOWN), changes=True),
        Kind.SEGMENT: Made(1, IN_DOUBT, (ORPHANED, UNKNOWN), changes=True),
        Kind.SEMAPHORE: Made(1, IN_DOUBT, (SUSPECT,)),
    },
    note="1,024 queues that it never uses, and a segment that it has not attached, stay",
)

STRESS_NG_POSIX = Program(
    name="stress-ng --mq --sem --shm",
    tools=("stress-ng",),
    command=(
        *("nice", "stress-ng", "--mq", "1", "--sem", "1"),
        *("--shm", "1", "--shm-bytes", "1M", "--shm-objs", "8", "-t", "600"),
    ),
    ready="dispatching hogs",
    is_busy=True,
    made={
        Kind.POSIX_QUEUE: Made(1, (IN_USE,), (ORPHANED, SUSPECT)),
        Kind.POSIX_SEGMENT: Made(1, (IN_USE, ORPHANED), (ORPHANED,), changes=True),
    },
    note="--shm closes its segments and maps other memory: nobody has them open while it runs",
)

FAKEROOT = Program(
    name="fakeroot-sysv",
    tools=("fakeroot-sysv",),
    command=(
        *("fakeroot-sysv", "sh", "-c"),
        "mknod device b 1 1 && LC_ALL=C stat -c %F device && exec sleep 600",
    ),
    ready="block special file",
    made={
        Kind.QUEUE: Made(2, (IN_USE,), (SUSPECT,)),
        Kind.SEMAPHORE: Made(1, IN_DOUBT, (SUSPECT,)),
    },
    note="its commands are the last users of the set: in doubt by its queues",
)

PHP = Program(
    name="php",
    tools=("php",),
    check=("php", "-r", 'exit(function_exists("sem_get") ? 0 : 1);'),
    command=("php", "program.php"),
    files={
        "program.php": """<?php
$lock = sem_get(0x70001);
sem_acquire($lock);
$memory = shm_attach(0x70002, 4096);
shm_put_var($memory, 1, "text");
$queue = msg_get_queue(0x70003);
msg_send($queue, 1, "hello");
echo "ready\\n";
sleep(600);
"""
    },
    made={
        Kind.QUEUE: Made(1, (IN_USE,), (SUSPECT,)),
        Kind.SEGMENT: Made(1, (IN_USE,), (ORPHANED,)),
        Kind.SEMAPHORE: Made(1, (IN_USE,), (SUSPECT,)),
    },
)

PERL = Program(
    name="perl with IPC::SysV",
    tools=("perl",),
    check=("perl", "-MIPC::SysV", "-e", "1"),
    command=("perl", "program.pl"),
    files={
        "program.pl": """
use IPC::SysV qw(IPC_CREAT IPC_PRIVATE);
use IPC::Msg;
use IPC::Semaphore;
use IPC::SharedMem;
my $queue = IPC::Msg->new(IPC_PRIVATE, 0600 | IPC_CREAT);
$queue->snd(5, "hello");
my $set = IPC::Semaphore->new(IPC_PRIVATE, 3, 0600 | IPC_CREAT);
$set->setall(1, 2, 3);
$set->op(0, -1, 0);
my $memory = IPC::SharedMem->new(IPC_PRIVATE, 4096, 0600 | IPC_CREAT);
$memory->attach;
$memory->write("text", 0, 4);
$| = 1;
print "ready\\n";
sleep 600;
"""
    },
    made={
        Kind.QUEUE: Made(1, (IN_USE,), (SUSPECT,)),
        Kind.SEGMENT: Made(1, (IN_USE,), (ORPHANED,)),
        Kind.SEMAPHORE: Made(1, (IN_USE,), (SUSPECT,)),
    },
)


def _multiprocessing(method: str, made: Mapping[Kind, Made], note: str) -> Program:
    return Program(
        name=f"multiprocessing, {method}",
        command=(sys.executable, "program.py", method),
        files={
            "program.py": """
import multiprocessing, sys, time
from multiprocessing import shared_memory

def work(lock, name):
    memory = shared_memory.SharedMemory(name)
    with lock:
        memory.buf[0] = 1
    print("ready", flush=True)
    time.sleep(600)

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    memory = shared_memory.SharedMemory(create=True, size=8192)
    lock = context.Lock()
    context.Process(target=work, args=(lock, memory.name)).start()
    time.sleep(600)
"""
        },
        made=made,
        note=note,
    )


FORK = _multiprocessing(
    "fork",
    {Kind.POSIX_SEGMENT: Made(1, (IN_USE,), (ORPHANED,))},
    "its locks have no names",
)
SPAWN = _multiprocessing(
    "spawn",
    {
        Kind.POSIX_SEGMENT: Made(1, (IN_USE,), (ORPHANED,)),
        Kind.POSIX_SEMAPHORE: Made(1, (IN_USE,), (ORPHANED,)),
    },
    "if its resource tracker lives, it removes all",
)

REQUIRED = [POSTGRESQL, STRESS_NG_SYSV, STRESS_NG_POSIX, FAKEROOT, PHP, PERL, FORK, SPAWN]
