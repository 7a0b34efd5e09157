"""Programs that `pytest -m real` runs where they are installed."""

from pyipcs.model import Kind
from tests.system.programs.program import IN_USE, ORPHANED, SUSPECT, Made, Program

_LAST_RUN = "2026-11-30"

UWSGI = Program(
    name="uwsgi, ipcsem locks",
    tools=("uwsgi",),
    command=(
        *("uwsgi", "--plugin", "python3", "--socket", "{folder}/socket", "--wsgi-file", "app.py"),
        *("--master", "--processes", "2", "--lock-engine", "ipcsem", "--locks", "2"),
        "--thunder-lock",
    ),
    files={
        "app.py": """
def application(environment, start_response):
    start_response("200 OK", [])
    return [b"hello"]
"""
    },
    ready="spawned uWSGI worker 2",
    made={Kind.SEMAPHORE: Made(11, (IN_USE,), (SUSPECT,))},
    last_run=_LAST_RUN,
)

APACHE = Program(
    name="apache2, Mutex sysvsem",
    tools=("apache2",),
    command=("apache2", "-D", "FOREGROUND", "-f", "{folder}/apache.conf"),
    files={
        "apache.conf": """
ServerRoot /usr/lib/apache2
LoadModule mpm_prefork_module modules/mod_mpm_prefork.so
LoadModule authz_core_module modules/mod_authz_core.so
ServerName localhost
Listen 127.0.0.1:18080
Listen 127.0.0.1:18081
PidFile {folder}/pid
ErrorLog /dev/stderr
Mutex sysvsem
User nobody
Group nogroup
DocumentRoot {folder}
"""
    },
    ready="resuming normal operations",
    made={Kind.SEMAPHORE: Made(1, (IN_USE,), (SUSPECT,))},
    last_run=_LAST_RUN,
)

ZABBIX = Program(
    name="zabbix_agentd",
    tools=("zabbix_agentd",),
    command=("zabbix_agentd", "-f", "-c", "{folder}/zabbix.conf"),
    files={
        "zabbix.conf": """
Server=127.0.0.1
ListenIP=127.0.0.1
ListenPort=18082
Hostname=tested
LogType=console
PidFile={folder}/pid
AllowRoot=1
"""
    },
    ready="started [listener #3]",
    made={Kind.SEGMENT: Made(2, (IN_USE,), ())},
    note="its segments are marked for removal (SHM_DEST)",
    last_run=_LAST_RUN,
)

XVFB = Program(
    name="Xvfb -shmem and a client with MIT-SHM",
    tools=("Xvfb",),
    command=("/usr/bin/python3", "client.py"),
    files={
        "client.py": """
import ctypes, os, subprocess, time

class XShmSegmentInfo(ctypes.Structure):
    _fields_ = [("seg", ctypes.c_ulong), ("id", ctypes.c_int), ("address", ctypes.c_void_p),
                ("read_only", ctypes.c_int)]

read, write = os.pipe()
server = ["Xvfb", "-displayfd", str(write), "-shmem", "-nolock", "-nolisten", "unix"]
subprocess.Popen(server, pass_fds=[write])
display_name = b":" + os.read(read, 16).strip()
libc, x11, xext = map(ctypes.CDLL, (None, "libX11.so.6", "libXext.so.6"))
libc.shmat.restype = x11.XOpenDisplay.restype = ctypes.c_void_p
display = ctypes.c_void_p(x11.XOpenDisplay(display_name))
shmid = libc.shmget(0, 65536, 0o1600)
info = XShmSegmentInfo(0, shmid, libc.shmat(shmid, None, 0), 0)
assert xext.XShmAttach(display, ctypes.byref(info)) == 1
x11.XSync(display, 0)
print("ready", flush=True)
time.sleep(600)
"""
    },
    made={Kind.SEGMENT: Made(2, (IN_USE,), (ORPHANED,))},
    last_run=_LAST_RUN,
)

STAR = Program(
    name="STAR --genomeLoad LoadAndKeep",
    tools=("STAR", "/usr/bin/python3"),
    files={
        "genome.py": """
import random

genome = "".join(random.Random(1).choices("ACGT", k=20000))
with open("genome.fa", "w") as file:
    print(">chromosome", genome, sep="\\n", file=file)
with open("reads.fq", "w") as file:
    for start in range(1000):
        print(f"@{start}", genome[start:start + 60], "+", "I" * 60, sep="\\n", file=file)
"""
    },
    prepare=r"""
/usr/bin/python3 genome.py
mkfifo reads
mkdir genome
STAR --runMode genomeGenerate --genomeDir genome --genomeFastaFiles genome.fa \
    --genomeSAindexNbases 6
""",
    # The writer keeps the pipe open: STAR waits for more reads.
    command=(
        *("sh", "-c"),
        "(cat reads.fq; sleep 600) > reads & exec STAR --genomeDir genome"
        " --genomeLoad LoadAndKeep --readFilesIn reads --outSAMtype None",
    ),
    ready="started mapping",
    made={Kind.SEGMENT: Made(2, (IN_USE,), (ORPHANED,))},
    note="also after a normal end, on purpose: put `--private` or `--idle` beside `--orphaned`",
    last_run=_LAST_RUN,
)

JOBLIB = Program(
    name="joblib with loky",
    tools=("/usr/bin/python3",),
    check=("/usr/bin/python3", "-c", "import joblib, numpy"),
    command=("/usr/bin/python3", "program.py"),
    files={
        "program.py": """
import time
import joblib, numpy

def work(array, number):
    if number == 1:
        print("ready", flush=True)
    time.sleep(600)

array = numpy.zeros(1 << 20)
joblib.Parallel(n_jobs=2)(joblib.delayed(work)(array, number) for number in range(2))
"""
    },
    made={Kind.POSIX_SEMAPHORE: Made(8, (IN_USE,), (ORPHANED,))},
    note="a folder with arrays in /dev/shm, which is no object, stays",
    last_run=_LAST_RUN,
)

OPEN_MPI = Program(
    name="Open MPI, 2 ranks",
    tools=("mpirun", "mpicc"),
    files={
        "program.c": """
#include <mpi.h>
#include <stdio.h>
#include <unistd.h>
int main(int argc, char **argv) {
    int rank, sum = 1;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    if (rank == 0 && sum == 2) {
        puts("ready");
        fflush(stdout);
    }
    sleep(600);
    MPI_Finalize();
}
"""
    },
    prepare="mpicc program.c -o program",
    command=("mpirun", "--oversubscribe", "-n", "2", "./program"),
    environment={"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"},
    made={Kind.POSIX_SEGMENT: Made(2, (IN_USE,), (ORPHANED,))},
    last_run=_LAST_RUN,
)

BY_HAND = [UWSGI, APACHE, ZABBIX, XVFB, STAR, JOBLIB, OPEN_MPI]
