# Made by `python -m pyipcs.describe`; do not edit.

# The options, values and operands of a command, for _pyipcs.
_pyipcs_grammar() {
  case $1 in
    '')
      options=(
        $'--color\tColor the output'
        $'-V\tShow the version'
        $'--version\tShow the version'
        $'-h\tShow this help'
        $'--help\tShow this help'
      )
      values=(
        [--color]=$'words $\'auto\\ton a terminal\' $\'always\\tanywhere\' $\'never\\tnowhere\''
      )
      operands=(
        $'list\tShow System V IPC objects, limits and usage'
        $'stat\tShow all details of objects'
        $'key\tShow the ftok(3) key of a file'
        $'make\tCreate System V IPC objects'
        $'set\tChange modes, owners, sizes of queues, values of semaphores, locking'
        $'rm\tRemove System V IPC objects, by id, by key, or all'
        $'send\tSend messages to a queue'
        $'recv\tReceive messages from a queue, or peek at them'
        $'op\tOperate on semaphores, or hold them while a command runs'
        $'read\tRead bytes out of a segment'
        $'write\tWrite bytes into a segment'
        $'run\tRun a command, and report the objects it leaves behind'
      )
      many= wraps=
      ;;
    list)
      options=(
        $'-q\tMessage queues'
        $'--queues\tMessage queues'
        $'-m\tShared memory segments'
        $'--shmems\tShared memory segments'
        $'-s\tSemaphore sets'
        $'--semaphores\tSemaphore sets'
        $'-a\tAll kinds'
        $'--all\tAll kinds'
        $'-i\tOne object; needs -q, -m or -s'
        $'--id\tOne object; needs -q, -m or -s'
        $'--owner\tOwned by USER; if repeated, by any of them'
        $'--created-by\tCreated by USER; if repeated, by any of them'
        $'--mine\tCreated or owned by you'
        $'--key\tWith KEY; if repeated, with any of them'
        $'--private\tWithout a key (IPC_PRIVATE)'
        $'--older-than\tLast changed more than DURATION ago: 30s, 10m, 2h, 7d'
        $'--idle\tLast used more than DURATION ago (if never used: last changed), not attached, and with no visible process waiting on it'
        $'--unattached\tSegments that no process has attached'
        $'--empty\tQueues without messages'
        $'--orphaned\tSegments that no process has attached and whose creator and last user are gone'
        $'--suspect\tOrphaned segments, and queues and semaphore sets whose last users are gone and on which no process waits'
        $'--not-in\tNot in an earlier listing of all objects (list -J > FILE)'
        $'--all-ns\tObjects of every IPC namespace that has a process you may inspect'
        $'-t\tTimes of last use and change'
        $'--time\tTimes of last use and change'
        $'-p\tPIDs of creators and last users'
        $'--pid\tPIDs of creators and last users'
        $'-c\tCreators and owners'
        $'--creator\tCreators and owners'
        $'-l\tLimits of the kernel'
        $'--limits\tLimits of the kernel'
        $'-u\tCurrent usage'
        $'--summary\tCurrent usage'
        $'-f\tFormat of the output'
        $'--format\tFormat of the output'
        $'-J\tShort for --format json'
        $'--json\tShort for --format json'
        $'-o\tColumns, as listed below; +COL,... adds to the default ones'
        $'--output\tColumns, as listed below; +COL,... adds to the default ones'
        $'--noheadings\tNo headings, and no column left out for lack of width'
        $'--sort\tSort by a column; -COL sorts in reverse'
        $'--time-format\tFormat of times'
        $'-P\tPermissions as 0644 instead of rw-r--r--'
        $'--numeric-perms\tPermissions as 0644 instead of rw-r--r--'
        $'-b\tSizes in bytes, also in a table'
        $'--bytes\tSizes in bytes, also in a table'
        $'--human\tSizes with units, as 64K, except in JSON'
        $'--watch\tShow a live view until Ctrl-C, updated every SECONDS'
        $'--fail-if-any\tExit with status 23 if there is an object'
        $'--ns\tWork in the IPC namespace of process PID, or of the namespace file PATH'
        $'--color\tColor the output'
        $'-V\tShow the version'
        $'--version\tShow the version'
        $'-h\tShow this help'
        $'--help\tShow this help'
      )
      values=(
        [-i]='id'
        [--id]='id'
        [--owner]='user'
        [--created-by]='user'
        [--key]='key'
        [--older-than]=$'words $\'30s\\tseconds\' $\'10m\\tminutes\' $\'2h\\thours\' $\'7d\\tdays\''
        [--idle]=$'words $\'30s\\tseconds\' $\'10m\\tminutes\' $\'2h\\thours\' $\'7d\\tdays\''
        [--not-in]='file'
        [-f]=$'words $\'table\\ttables for people\' $\'plain\\tlayout of util-linux, for scripts; with -o, columns of text\' $\'json\\tone JSON document\' $\'jsonl\\tone JSON object per line\' $\'csv\\tcomma-separated values with a line of headings\' $\'tsv\\ttab-separated values with a line of headings\' $\'export\\tshell assignments, one line per object\' $\'openmetrics\\tgauges for Prometheus and compatible programs\''
        [--format]=$'words $\'table\\ttables for people\' $\'plain\\tlayout of util-linux, for scripts; with -o, columns of text\' $\'json\\tone JSON document\' $\'jsonl\\tone JSON object per line\' $\'csv\\tcomma-separated values with a line of headings\' $\'tsv\\ttab-separated values with a line of headings\' $\'export\\tshell assignments, one line per object\' $\'openmetrics\\tgauges for Prometheus and compatible programs\''
        [-o]=$'columns $\'KIND\\tKind of object: msg, shm or sem\' $\'KEY\\tKey\' $\'ID\\tId\' $\'OWNER\\tOwner\\\'s name\' $\'PERMS\\tPermissions\' $\'CUID\\tCreator\\\'s uid\' $\'CUSER\\tCreator\\\'s name\' $\'CGID\\tCreator\\\'s gid\' $\'CGROUP\\tCreator\\\'s group\' $\'UID\\tOwner\\\'s uid\' $\'USER\\tOwner\\\'s name\' $\'GID\\tOwner\\\'s gid\' $\'GROUP\\tOwner\\\'s group\' $\'CTIME\\tTime of the last change\' $\'AGE\\tTime since the last change\' $\'STATE\\tin-use, orphaned, suspect or unknown\' $\'REASON\\tWhat speaks for STATE\' $\'NS\\tIPC namespace\' $\'MSGS\\tMessages on the queue\' $\'USEDBYTES\\tBytes in them\' $\'QBYTES\\tBytes, and messages, that the queue may hold\' $\'USE%\\tUSEDBYTES or MSGS in QBYTES, whichever is more\' $\'LSPID\\tProcess of the last send\' $\'LRPID\\tProcess of the last receive\' $\'SEND\\tTime of the last send\' $\'RECV\\tTime of the last receive\' $\'WAITERS\\tPIDs of processes that wait on it\' $\'SIZE\\tSize\' $\'RSS\\tBytes of it in memory\' $\'SWAP\\tBytes of it in swap\' $\'NATTCH\\tAttachments\' $\'STATUS\\tdest: goes with the last one; locked: not swapped\' $\'CPID\\tProcess that created it\' $\'LPID\\tProcess of the last use\' $\'ATTACH\\tTime of the last attachment\' $\'DETACH\\tTime of the last detachment\' $\'COMMAND\\tCommand line of CPID\' $\'ATTACHED\\tPIDs of processes that have it attached\' $\'NSEMS\\tSemaphores\' $\'OTIME\\tTime of the last operation\' $\'VALUES\\tValue of each semaphore\' $\'NCOUNT\\tProcesses that wait for it to grow\' $\'ZCOUNT\\tProcesses that wait for it to be zero\' $\'RESOURCE\\tResource\' $\'DESCRIPTION\\tWhat it is\' $\'UNIT\\tWhat LIMIT and USED are counted in: bytes or pages\' $\'LIMIT\\tThe most there can be\' $\'USED\\tHow many there are\''
        [--output]=$'columns $\'KIND\\tKind of object: msg, shm or sem\' $\'KEY\\tKey\' $\'ID\\tId\' $\'OWNER\\tOwner\\\'s name\' $\'PERMS\\tPermissions\' $\'CUID\\tCreator\\\'s uid\' $\'CUSER\\tCreator\\\'s name\' $\'CGID\\tCreator\\\'s gid\' $\'CGROUP\\tCreator\\\'s group\' $\'UID\\tOwner\\\'s uid\' $\'USER\\tOwner\\\'s name\' $\'GID\\tOwner\\\'s gid\' $\'GROUP\\tOwner\\\'s group\' $\'CTIME\\tTime of the last change\' $\'AGE\\tTime since the last change\' $\'STATE\\tin-use, orphaned, suspect or unknown\' $\'REASON\\tWhat speaks for STATE\' $\'NS\\tIPC namespace\' $\'MSGS\\tMessages on the queue\' $\'USEDBYTES\\tBytes in them\' $\'QBYTES\\tBytes, and messages, that the queue may hold\' $\'USE%\\tUSEDBYTES or MSGS in QBYTES, whichever is more\' $\'LSPID\\tProcess of the last send\' $\'LRPID\\tProcess of the last receive\' $\'SEND\\tTime of the last send\' $\'RECV\\tTime of the last receive\' $\'WAITERS\\tPIDs of processes that wait on it\' $\'SIZE\\tSize\' $\'RSS\\tBytes of it in memory\' $\'SWAP\\tBytes of it in swap\' $\'NATTCH\\tAttachments\' $\'STATUS\\tdest: goes with the last one; locked: not swapped\' $\'CPID\\tProcess that created it\' $\'LPID\\tProcess of the last use\' $\'ATTACH\\tTime of the last attachment\' $\'DETACH\\tTime of the last detachment\' $\'COMMAND\\tCommand line of CPID\' $\'ATTACHED\\tPIDs of processes that have it attached\' $\'NSEMS\\tSemaphores\' $\'OTIME\\tTime of the last operation\' $\'VALUES\\tValue of each semaphore\' $\'NCOUNT\\tProcesses that wait for it to grow\' $\'ZCOUNT\\tProcesses that wait for it to be zero\' $\'RESOURCE\\tResource\' $\'DESCRIPTION\\tWhat it is\' $\'UNIT\\tWhat LIMIT and USED are counted in: bytes or pages\' $\'LIMIT\\tThe most there can be\' $\'USED\\tHow many there are\''
        [--sort]=$'column $\'KIND\\tKind of object: msg, shm or sem\' $\'KEY\\tKey\' $\'ID\\tId\' $\'OWNER\\tOwner\\\'s name\' $\'PERMS\\tPermissions\' $\'CUID\\tCreator\\\'s uid\' $\'CUSER\\tCreator\\\'s name\' $\'CGID\\tCreator\\\'s gid\' $\'CGROUP\\tCreator\\\'s group\' $\'UID\\tOwner\\\'s uid\' $\'USER\\tOwner\\\'s name\' $\'GID\\tOwner\\\'s gid\' $\'GROUP\\tOwner\\\'s group\' $\'CTIME\\tTime of the last change\' $\'AGE\\tTime since the last change\' $\'STATE\\tin-use, orphaned, suspect or unknown\' $\'REASON\\tWhat speaks for STATE\' $\'NS\\tIPC namespace\' $\'MSGS\\tMessages on the queue\' $\'USEDBYTES\\tBytes in them\' $\'QBYTES\\tBytes, and messages, that the queue may hold\' $\'USE%\\tUSEDBYTES or MSGS in QBYTES, whichever is more\' $\'LSPID\\tProcess of the last send\' $\'LRPID\\tProcess of the last receive\' $\'SEND\\tTime of the last send\' $\'RECV\\tTime of the last receive\' $\'WAITERS\\tPIDs of processes that wait on it\' $\'SIZE\\tSize\' $\'RSS\\tBytes of it in memory\' $\'SWAP\\tBytes of it in swap\' $\'NATTCH\\tAttachments\' $\'STATUS\\tdest: goes with the last one; locked: not swapped\' $\'CPID\\tProcess that created it\' $\'LPID\\tProcess of the last use\' $\'ATTACH\\tTime of the last attachment\' $\'DETACH\\tTime of the last detachment\' $\'COMMAND\\tCommand line of CPID\' $\'ATTACHED\\tPIDs of processes that have it attached\' $\'NSEMS\\tSemaphores\' $\'OTIME\\tTime of the last operation\' $\'VALUES\\tValue of each semaphore\' $\'NCOUNT\\tProcesses that wait for it to grow\' $\'ZCOUNT\\tProcesses that wait for it to be zero\' $\'RESOURCE\\tResource\' $\'DESCRIPTION\\tWhat it is\' $\'UNIT\\tWhat LIMIT and USED are counted in: bytes or pages\' $\'LIMIT\\tThe most there can be\' $\'USED\\tHow many there are\''
        [--time-format]=$'words $\'short\\ttime of today, or the day, as in lsipc\' $\'full\\tas in ctime(3)\' $\'iso\\tISO 8601 with the offset of the local zone\' $\'relative\\ttime that has passed since\' $\'epoch\\tseconds since 1970\''
        [--ns]='namespace'
        [--color]=$'words $\'auto\\ton a terminal\' $\'always\\tanywhere\' $\'never\\tnowhere\''
      )
      attached=(
        [--watch]=$'words \'0.5\' \'1\' \'5\''
      )
      many= wraps=
      ;;
    stat)
      options=(
        $'-q\tThe message queue with that id or key'
        $'--queues\tThe message queue with that id or key'
        $'-m\tThe segment with that id or key'
        $'--shmems\tThe segment with that id or key'
        $'-s\tThe semaphore set with that id or key'
        $'--semaphores\tThe semaphore set with that id or key'
        $'-f\tFormat of the output'
        $'--format\tFormat of the output'
        $'-J\tShort for --format json'
        $'--json\tShort for --format json'
        $'-o\tColumns, as listed below; +COL,... adds to the default ones'
        $'--output\tColumns, as listed below; +COL,... adds to the default ones'
        $'--noheadings\tNo headings, and no column left out for lack of width'
        $'--sort\tSort by a column; -COL sorts in reverse'
        $'--time-format\tFormat of times'
        $'-P\tPermissions as 0644 instead of rw-r--r--'
        $'--numeric-perms\tPermissions as 0644 instead of rw-r--r--'
        $'-b\tSizes in bytes, also in a table'
        $'--bytes\tSizes in bytes, also in a table'
        $'--human\tSizes with units, as 64K, except in JSON'
        $'--watch\tShow a live view until Ctrl-C, updated every SECONDS'
        $'--ns\tWork in the IPC namespace of process PID, or of the namespace file PATH'
        $'--color\tColor the output'
        $'-V\tShow the version'
        $'--version\tShow the version'
        $'-h\tShow this help'
        $'--help\tShow this help'
      )
      values=(
        [-f]=$'words $\'table\\ttables for people\' $\'plain\\tlayout of util-linux, for scripts; with -o, columns of text\' $\'json\\tone JSON document\' $\'jsonl\\tone JSON object per line\' $\'csv\\tcomma-separated values with a line of headings\' $\'tsv\\ttab-separated values with a line of headings\' $\'export\\tshell assignments, one line per object\' $\'openmetrics\\tgauges for Prometheus and compatible programs\''
        [--format]=$'words $\'table\\ttables for people\' $\'plain\\tlayout of util-linux, for scripts; with -o, columns of text\' $\'json\\tone JSON document\' $\'jsonl\\tone JSON object per line\' $\'csv\\tcomma-separated values with a line of headings\' $\'tsv\\ttab-separated values with a line of headings\' $\'export\\tshell assignments, one line per object\' $\'openmetrics\\tgauges for Prometheus and compatible programs\''
        [-o]=$'columns $\'KIND\\tKind of object: msg, shm or sem\' $\'KEY\\tKey\' $\'ID\\tId\' $\'OWNER\\tOwner\\\'s name\' $\'PERMS\\tPermissions\' $\'CUID\\tCreator\\\'s uid\' $\'CUSER\\tCreator\\\'s name\' $\'CGID\\tCreator\\\'s gid\' $\'CGROUP\\tCreator\\\'s group\' $\'UID\\tOwner\\\'s uid\' $\'USER\\tOwner\\\'s name\' $\'GID\\tOwner\\\'s gid\' $\'GROUP\\tOwner\\\'s group\' $\'CTIME\\tTime of the last change\' $\'AGE\\tTime since the last change\' $\'STATE\\tin-use, orphaned, suspect or unknown\' $\'REASON\\tWhat speaks for STATE\' $\'NS\\tIPC namespace\' $\'MSGS\\tMessages on the queue\' $\'USEDBYTES\\tBytes in them\' $\'QBYTES\\tBytes, and messages, that the queue may hold\' $\'USE%\\tUSEDBYTES or MSGS in QBYTES, whichever is more\' $\'LSPID\\tProcess of the last send\' $\'LRPID\\tProcess of the last receive\' $\'SEND\\tTime of the last send\' $\'RECV\\tTime of the last receive\' $\'WAITERS\\tPIDs of processes that wait on it\' $\'SIZE\\tSize\' $\'RSS\\tBytes of it in memory\' $\'SWAP\\tBytes of it in swap\' $\'NATTCH\\tAttachments\' $\'STATUS\\tdest: goes with the last one; locked: not swapped\' $\'CPID\\tProcess that created it\' $\'LPID\\tProcess of the last use\' $\'ATTACH\\tTime of the last attachment\' $\'DETACH\\tTime of the last detachment\' $\'COMMAND\\tCommand line of CPID\' $\'ATTACHED\\tPIDs of processes that have it attached\' $\'NSEMS\\tSemaphores\' $\'OTIME\\tTime of the last operation\' $\'VALUES\\tValue of each semaphore\' $\'NCOUNT\\tProcesses that wait for it to grow\' $\'ZCOUNT\\tProcesses that wait for it to be zero\''
        [--output]=$'columns $\'KIND\\tKind of object: msg, shm or sem\' $\'KEY\\tKey\' $\'ID\\tId\' $\'OWNER\\tOwner\\\'s name\' $\'PERMS\\tPermissions\' $\'CUID\\tCreator\\\'s uid\' $\'CUSER\\tCreator\\\'s name\' $\'CGID\\tCreator\\\'s gid\' $\'CGROUP\\tCreator\\\'s group\' $\'UID\\tOwner\\\'s uid\' $\'USER\\tOwner\\\'s name\' $\'GID\\tOwner\\\'s gid\' $\'GROUP\\tOwner\\\'s group\' $\'CTIME\\tTime of the last change\' $\'AGE\\tTime since the last change\' $\'STATE\\tin-use, orphaned, suspect or unknown\' $\'REASON\\tWhat speaks for STATE\' $\'NS\\tIPC namespace\' $\'MSGS\\tMessages on the queue\' $\'USEDBYTES\\tBytes in them\' $\'QBYTES\\tBytes, and messages, that the queue may hold\' $\'USE%\\tUSEDBYTES or MSGS in QBYTES, whichever is more\' $\'LSPID\\tProcess of the last send\' $\'LRPID\\tProcess of the last receive\' $\'SEND\\tTime of the last send\' $\'RECV\\tTime of the last receive\' $\'WAITERS\\tPIDs of processes that wait on it\' $\'SIZE\\tSize\' $\'RSS\\tBytes of it in memory\' $\'SWAP\\tBytes of it in swap\' $\'NATTCH\\tAttachments\' $\'STATUS\\tdest: goes with the last one; locked: not swapped\' $\'CPID\\tProcess that created it\' $\'LPID\\tProcess of the last use\' $\'ATTACH\\tTime of the last attachment\' $\'DETACH\\tTime of the last detachment\' $\'COMMAND\\tCommand line of CPID\' $\'ATTACHED\\tPIDs of processes that have it attached\' $\'NSEMS\\tSemaphores\' $\'OTIME\\tTime of the last operation\' $\'VALUES\\tValue of each semaphore\' $\'NCOUNT\\tProcesses that wait for it to grow\' $\'ZCOUNT\\tProcesses that wait for it to be zero\''
        [--sort]=$'column $\'KIND\\tKind of object: msg, shm or sem\' $\'KEY\\tKey\' $\'ID\\tId\' $\'OWNER\\tOwner\\\'s name\' $\'PERMS\\tPermissions\' $\'CUID\\tCreator\\\'s uid\' $\'CUSER\\tCreator\\\'s name\' $\'CGID\\tCreator\\\'s gid\' $\'CGROUP\\tCreator\\\'s group\' $\'UID\\tOwner\\\'s uid\' $\'USER\\tOwner\\\'s name\' $\'GID\\tOwner\\\'s gid\' $\'GROUP\\tOwner\\\'s group\' $\'CTIME\\tTime of the last change\' $\'AGE\\tTime since the last change\' $\'STATE\\tin-use, orphaned, suspect or unknown\' $\'REASON\\tWhat speaks for STATE\' $\'NS\\tIPC namespace\' $\'MSGS\\tMessages on the queue\' $\'USEDBYTES\\tBytes in them\' $\'QBYTES\\tBytes, and messages, that the queue may hold\' $\'USE%\\tUSEDBYTES or MSGS in QBYTES, whichever is more\' $\'LSPID\\tProcess of the last send\' $\'LRPID\\tProcess of the last receive\' $\'SEND\\tTime of the last send\' $\'RECV\\tTime of the last receive\' $\'WAITERS\\tPIDs of processes that wait on it\' $\'SIZE\\tSize\' $\'RSS\\tBytes of it in memory\' $\'SWAP\\tBytes of it in swap\' $\'NATTCH\\tAttachments\' $\'STATUS\\tdest: goes with the last one; locked: not swapped\' $\'CPID\\tProcess that created it\' $\'LPID\\tProcess of the last use\' $\'ATTACH\\tTime of the last attachment\' $\'DETACH\\tTime of the last detachment\' $\'COMMAND\\tCommand line of CPID\' $\'ATTACHED\\tPIDs of processes that have it attached\' $\'NSEMS\\tSemaphores\' $\'OTIME\\tTime of the last operation\' $\'VALUES\\tValue of each semaphore\' $\'NCOUNT\\tProcesses that wait for it to grow\' $\'ZCOUNT\\tProcesses that wait for it to be zero\''
        [--time-format]=$'words $\'short\\ttime of today, or the day, as in lsipc\' $\'full\\tas in ctime(3)\' $\'iso\\tISO 8601 with the offset of the local zone\' $\'relative\\ttime that has passed since\' $\'epoch\\tseconds since 1970\''
        [--ns]='namespace'
        [--color]=$'words $\'auto\\ton a terminal\' $\'always\\tanywhere\' $\'never\\tnowhere\''
      )
      attached=(
        [--watch]=$'words \'0.5\' \'1\' \'5\''
      )
      operands=(
        'target'
      )
      many=yes wraps=
      ;;
    key)
      options=(
        $'-v\tThen say which objects have it now, one a line'
        $'--verbose\tThen say which objects have it now, one a line'
        $'--ns\tWork in the IPC namespace of process PID, or of the namespace file PATH'
        $'--color\tColor the output'
        $'-V\tShow the version'
        $'--version\tShow the version'
        $'-h\tShow this help'
        $'--help\tShow this help'
      )
      values=(
        [--ns]='namespace'
        [--color]=$'words $\'auto\\ton a terminal\' $\'always\\tanywhere\' $\'never\\tnowhere\''
      )
      operands=(
        'file'
        ''
      )
      many= wraps=
      ;;
    make)
      options=(
        $'-M\tA segment of SIZE bytes'
        $'--shmem\tA segment of SIZE bytes'
        $'-S\tA set of NSEMS semaphores'
        $'--semaphore\tA set of NSEMS semaphores'
        $'-Q\tA message queue'
        $'--queue\tA message queue'
        $'-p\tPermissions, in octal'
        $'--mode\tPermissions, in octal'
        $'-k\tThe key: decimal, 0x hexadecimal, 0 octal, or ftok:PATH[:PROJ]'
        $'--key\tThe key: decimal, 0x hexadecimal, 0 octal, or ftok:PATH[:PROJ]'
        $'--private\tNo key (IPC_PRIVATE)'
        $'--exist-ok\tTake what has the key already, and leave it as it is; less than what is asked for is an error'
        $'--qbytes\tHow many bytes the queue may hold'
        $'--values\tThe values of the semaphores, 0 to 32767 each'
        $'--owner\tThe owner, by name or number, as chown(1) reads it: :GROUP sets the group alone'
        $'-i\tPrint bare ids: the segment\'s, the queue\'s, the set\'s'
        $'--id-only\tPrint bare ids: the segment\'s, the queue\'s, the set\'s'
        $'-J\tPrint the objects as JSON'
        $'--json\tPrint the objects as JSON'
        $'--ns\tWork in the IPC namespace of process PID, or of the namespace file PATH'
        $'--color\tColor the output'
        $'-V\tShow the version'
        $'--version\tShow the version'
        $'-h\tShow this help'
        $'--help\tShow this help'
      )
      values=(
        [-M]=$'words $\'4K\\t4096\' $\'64K\\t65536\' $\'1M\\t1048576\' $\'1G\\t1073741824\''
        [--shmem]=$'words $\'4K\\t4096\' $\'64K\\t65536\' $\'1M\\t1048576\' $\'1G\\t1073741824\''
        [-S]=''
        [--semaphore]=''
        [-p]=$'words $\'600\\towner\' $\'660\\towner and group\' $\'644\\tothers may read\' $\'666\\teveryone\''
        [--mode]=$'words $\'600\\towner\' $\'660\\towner and group\' $\'644\\tothers may read\' $\'666\\teveryone\''
        [-k]='ftok'
        [--key]='ftok'
        [--qbytes]=$'words $\'4K\\t4096\' $\'16K\\t16384\' $\'64K\\t65536\''
        [--values]=''
        [--owner]='owner'
        [--ns]='namespace'
        [--color]=$'words $\'auto\\ton a terminal\' $\'always\\tanywhere\' $\'never\\tnowhere\''
      )
      many= wraps=
      ;;
    set)
      options=(
        $'-q\tThe message queue with that id or key'
        $'--queues\tThe message queue with that id or key'
        $'-m\tThe segment with that id or key'
        $'--shmems\tThe segment with that id or key'
        $'-s\tThe semaphore set with that id or key'
        $'--semaphores\tThe semaphore set with that id or key'
        $'--mode\tPermissions, in octal'
        $'--owner\tThe owner, by name or number, as chown(1) reads it: USER alone leaves the group, and :GROUP the user'
        $'--qbytes\tHow many bytes a queue may hold; over msgmnb it takes CAP_SYS_RESOURCE'
        $'--value\tThe value of one semaphore of a set, 0 to 32767; may be given several times'
        $'--values\tThe values of all semaphores of a set, at once'
        $'--lock\tKeep a segment in memory, out of swap'
        $'--unlock\tLet it be swapped again'
        $'--ns\tWork in the IPC namespace of process PID, or of the namespace file PATH'
        $'--color\tColor the output'
        $'-V\tShow the version'
        $'--version\tShow the version'
        $'-h\tShow this help'
        $'--help\tShow this help'
      )
      values=(
        [--mode]=$'words $\'600\\towner\' $\'660\\towner and group\' $\'644\\tothers may read\' $\'666\\teveryone\''
        [--owner]='owner'
        [--qbytes]=$'words $\'4K\\t4096\' $\'16K\\t16384\' $\'64K\\t65536\''
        [--value]=''
        [--values]=''
        [--ns]='namespace'
        [--color]=$'words $\'auto\\ton a terminal\' $\'always\\tanywhere\' $\'never\\tnowhere\''
      )
      operands=(
        'target'
      )
      many= wraps=
      ;;
    rm)
      options=(
        $'-q\tA message queue by id'
        $'--queue-id\tA message queue by id'
        $'-Q\tA message queue by key'
        $'--queue-key\tA message queue by key'
        $'-m\tA segment by id'
        $'--shmem-id\tA segment by id'
        $'-M\tA segment by key'
        $'--shmem-key\tA segment by key'
        $'-s\tA semaphore set by id'
        $'--semaphore-id\tA semaphore set by id'
        $'-S\tA semaphore set by key'
        $'--semaphore-key\tA semaphore set by key'
        $'-a\tAll objects that you may remove, or all of a kind'
        $'--all\tAll objects that you may remove, or all of a kind'
        $'--owner\tOwned by USER; if repeated, by any of them'
        $'--created-by\tCreated by USER; if repeated, by any of them'
        $'--mine\tCreated or owned by you'
        $'--key\tWith KEY; if repeated, with any of them'
        $'--private\tWithout a key (IPC_PRIVATE)'
        $'--older-than\tLast changed more than DURATION ago: 30s, 10m, 2h, 7d'
        $'--idle\tLast used more than DURATION ago (if never used: last changed), not attached, and with no visible process waiting on it'
        $'--unattached\tSegments that no process has attached'
        $'--empty\tQueues without messages'
        $'--orphaned\tSegments that no process has attached and whose creator and last user are gone'
        $'--suspect\tOrphaned segments, and queues and semaphore sets whose last users are gone and on which no process waits'
        $'--not-in\tNot in an earlier listing of all objects (list -J > FILE)'
        $'-n\tShow the objects to remove, in any format, and remove nothing'
        $'--dry-run\tShow the objects to remove, in any format, and remove nothing'
        $'-y\tDo not ask for confirmation of --all'
        $'--yes\tDo not ask for confirmation of --all'
        $'-v\tPrint the removed objects'
        $'--verbose\tPrint the removed objects'
        $'-f\tFormat of the output'
        $'--format\tFormat of the output'
        $'-J\tShort for --format json'
        $'--json\tShort for --format json'
        $'-o\tColumns, as listed below; +COL,... adds to the default ones'
        $'--output\tColumns, as listed below; +COL,... adds to the default ones'
        $'--noheadings\tNo headings, and no column left out for lack of width'
        $'--sort\tSort by a column; -COL sorts in reverse'
        $'--time-format\tFormat of times'
        $'-P\tPermissions as 0644 instead of rw-r--r--'
        $'--numeric-perms\tPermissions as 0644 instead of rw-r--r--'
        $'-b\tSizes in bytes, also in a table'
        $'--bytes\tSizes in bytes, also in a table'
        $'--human\tSizes with units, as 64K, except in JSON'
        $'--ns\tWork in the IPC namespace of process PID, or of the namespace file PATH'
        $'--color\tColor the output'
        $'-V\tShow the version'
        $'--version\tShow the version'
        $'-h\tShow this help'
        $'--help\tShow this help'
      )
      values=(
        [-q]='id:msg'
        [--queue-id]='id:msg'
        [-Q]='key:msg'
        [--queue-key]='key:msg'
        [-m]='id:shm'
        [--shmem-id]='id:shm'
        [-M]='key:shm'
        [--shmem-key]='key:shm'
        [-s]='id:sem'
        [--semaphore-id]='id:sem'
        [-S]='key:sem'
        [--semaphore-key]='key:sem'
        [--owner]='user'
        [--created-by]='user'
        [--key]='key'
        [--older-than]=$'words $\'30s\\tseconds\' $\'10m\\tminutes\' $\'2h\\thours\' $\'7d\\tdays\''
        [--idle]=$'words $\'30s\\tseconds\' $\'10m\\tminutes\' $\'2h\\thours\' $\'7d\\tdays\''
        [--not-in]='file'
        [-f]=$'words $\'table\\ttables for people\' $\'plain\\tlayout of util-linux, for scripts; with -o, columns of text\' $\'json\\tone JSON document\' $\'jsonl\\tone JSON object per line\' $\'csv\\tcomma-separated values with a line of headings\' $\'tsv\\ttab-separated values with a line of headings\' $\'export\\tshell assignments, one line per object\' $\'openmetrics\\tgauges for Prometheus and compatible programs\''
        [--format]=$'words $\'table\\ttables for people\' $\'plain\\tlayout of util-linux, for scripts; with -o, columns of text\' $\'json\\tone JSON document\' $\'jsonl\\tone JSON object per line\' $\'csv\\tcomma-separated values with a line of headings\' $\'tsv\\ttab-separated values with a line of headings\' $\'export\\tshell assignments, one line per object\' $\'openmetrics\\tgauges for Prometheus and compatible programs\''
        [-o]=$'columns $\'KIND\\tKind of object: msg, shm or sem\' $\'KEY\\tKey\' $\'ID\\tId\' $\'OWNER\\tOwner\\\'s name\' $\'PERMS\\tPermissions\' $\'CUID\\tCreator\\\'s uid\' $\'CUSER\\tCreator\\\'s name\' $\'CGID\\tCreator\\\'s gid\' $\'CGROUP\\tCreator\\\'s group\' $\'UID\\tOwner\\\'s uid\' $\'USER\\tOwner\\\'s name\' $\'GID\\tOwner\\\'s gid\' $\'GROUP\\tOwner\\\'s group\' $\'CTIME\\tTime of the last change\' $\'AGE\\tTime since the last change\' $\'STATE\\tin-use, orphaned, suspect or unknown\' $\'REASON\\tWhat speaks for STATE\' $\'NS\\tIPC namespace\' $\'MSGS\\tMessages on the queue\' $\'USEDBYTES\\tBytes in them\' $\'QBYTES\\tBytes, and messages, that the queue may hold\' $\'USE%\\tUSEDBYTES or MSGS in QBYTES, whichever is more\' $\'LSPID\\tProcess of the last send\' $\'LRPID\\tProcess of the last receive\' $\'SEND\\tTime of the last send\' $\'RECV\\tTime of the last receive\' $\'WAITERS\\tPIDs of processes that wait on it\' $\'SIZE\\tSize\' $\'RSS\\tBytes of it in memory\' $\'SWAP\\tBytes of it in swap\' $\'NATTCH\\tAttachments\' $\'STATUS\\tdest: goes with the last one; locked: not swapped\' $\'CPID\\tProcess that created it\' $\'LPID\\tProcess of the last use\' $\'ATTACH\\tTime of the last attachment\' $\'DETACH\\tTime of the last detachment\' $\'COMMAND\\tCommand line of CPID\' $\'ATTACHED\\tPIDs of processes that have it attached\' $\'NSEMS\\tSemaphores\' $\'OTIME\\tTime of the last operation\' $\'VALUES\\tValue of each semaphore\' $\'NCOUNT\\tProcesses that wait for it to grow\' $\'ZCOUNT\\tProcesses that wait for it to be zero\''
        [--output]=$'columns $\'KIND\\tKind of object: msg, shm or sem\' $\'KEY\\tKey\' $\'ID\\tId\' $\'OWNER\\tOwner\\\'s name\' $\'PERMS\\tPermissions\' $\'CUID\\tCreator\\\'s uid\' $\'CUSER\\tCreator\\\'s name\' $\'CGID\\tCreator\\\'s gid\' $\'CGROUP\\tCreator\\\'s group\' $\'UID\\tOwner\\\'s uid\' $\'USER\\tOwner\\\'s name\' $\'GID\\tOwner\\\'s gid\' $\'GROUP\\tOwner\\\'s group\' $\'CTIME\\tTime of the last change\' $\'AGE\\tTime since the last change\' $\'STATE\\tin-use, orphaned, suspect or unknown\' $\'REASON\\tWhat speaks for STATE\' $\'NS\\tIPC namespace\' $\'MSGS\\tMessages on the queue\' $\'USEDBYTES\\tBytes in them\' $\'QBYTES\\tBytes, and messages, that the queue may hold\' $\'USE%\\tUSEDBYTES or MSGS in QBYTES, whichever is more\' $\'LSPID\\tProcess of the last send\' $\'LRPID\\tProcess of the last receive\' $\'SEND\\tTime of the last send\' $\'RECV\\tTime of the last receive\' $\'WAITERS\\tPIDs of processes that wait on it\' $\'SIZE\\tSize\' $\'RSS\\tBytes of it in memory\' $\'SWAP\\tBytes of it in swap\' $\'NATTCH\\tAttachments\' $\'STATUS\\tdest: goes with the last one; locked: not swapped\' $\'CPID\\tProcess that created it\' $\'LPID\\tProcess of the last use\' $\'ATTACH\\tTime of the last attachment\' $\'DETACH\\tTime of the last detachment\' $\'COMMAND\\tCommand line of CPID\' $\'ATTACHED\\tPIDs of processes that have it attached\' $\'NSEMS\\tSemaphores\' $\'OTIME\\tTime of the last operation\' $\'VALUES\\tValue of each semaphore\' $\'NCOUNT\\tProcesses that wait for it to grow\' $\'ZCOUNT\\tProcesses that wait for it to be zero\''
        [--sort]=$'column $\'KIND\\tKind of object: msg, shm or sem\' $\'KEY\\tKey\' $\'ID\\tId\' $\'OWNER\\tOwner\\\'s name\' $\'PERMS\\tPermissions\' $\'CUID\\tCreator\\\'s uid\' $\'CUSER\\tCreator\\\'s name\' $\'CGID\\tCreator\\\'s gid\' $\'CGROUP\\tCreator\\\'s group\' $\'UID\\tOwner\\\'s uid\' $\'USER\\tOwner\\\'s name\' $\'GID\\tOwner\\\'s gid\' $\'GROUP\\tOwner\\\'s group\' $\'CTIME\\tTime of the last change\' $\'AGE\\tTime since the last change\' $\'STATE\\tin-use, orphaned, suspect or unknown\' $\'REASON\\tWhat speaks for STATE\' $\'NS\\tIPC namespace\' $\'MSGS\\tMessages on the queue\' $\'USEDBYTES\\tBytes in them\' $\'QBYTES\\tBytes, and messages, that the queue may hold\' $\'USE%\\tUSEDBYTES or MSGS in QBYTES, whichever is more\' $\'LSPID\\tProcess of the last send\' $\'LRPID\\tProcess of the last receive\' $\'SEND\\tTime of the last send\' $\'RECV\\tTime of the last receive\' $\'WAITERS\\tPIDs of processes that wait on it\' $\'SIZE\\tSize\' $\'RSS\\tBytes of it in memory\' $\'SWAP\\tBytes of it in swap\' $\'NATTCH\\tAttachments\' $\'STATUS\\tdest: goes with the last one; locked: not swapped\' $\'CPID\\tProcess that created it\' $\'LPID\\tProcess of the last use\' $\'ATTACH\\tTime of the last attachment\' $\'DETACH\\tTime of the last detachment\' $\'COMMAND\\tCommand line of CPID\' $\'ATTACHED\\tPIDs of processes that have it attached\' $\'NSEMS\\tSemaphores\' $\'OTIME\\tTime of the last operation\' $\'VALUES\\tValue of each semaphore\' $\'NCOUNT\\tProcesses that wait for it to grow\' $\'ZCOUNT\\tProcesses that wait for it to be zero\''
        [--time-format]=$'words $\'short\\ttime of today, or the day, as in lsipc\' $\'full\\tas in ctime(3)\' $\'iso\\tISO 8601 with the offset of the local zone\' $\'relative\\ttime that has passed since\' $\'epoch\\tseconds since 1970\''
        [--ns]='namespace'
        [--color]=$'words $\'auto\\ton a terminal\' $\'always\\tanywhere\' $\'never\\tnowhere\''
      )
      attached=(
        [-a]=$'words $\'msg\\tmessage queues\' $\'shm\\tsegments\' $\'sem\\tsemaphore sets\''
        [--all]=$'words $\'msg\\tmessage queues\' $\'shm\\tsegments\' $\'sem\\tsemaphore sets\''
      )
      operands=(
        'kind'
      )
      many=yes wraps=
      ;;
    send)
      options=(
        $'-t\tThe messages\' type, a positive long; with --json, of those without one'
        $'--type\tThe messages\' type, a positive long; with --json, of those without one'
        $'-l\tEach line is a message, without its newline'
        $'--lines\tEach line is a message, without its newline'
        $'-0\tEach record that a NUL ends is a message'
        $'--null\tEach record that a NUL ends is a message'
        $'-F\tRead FILE; - is standard input'
        $'--file\tRead FILE; - is standard input'
        $'--hex\tMessages are written in hex digits'
        $'-J\tMessages are lines as `recv -J` writes them'
        $'--json\tMessages are lines as `recv -J` writes them'
        $'--pack\tPack the arguments as the fields of a C struct, in the notation of Python\'s struct module: i is an int, l a long, d a double, 8s a char[8], and 0l pads the end as C does'
        $'-z\tAdd a NUL to each message, as C strings have it'
        $'--nul\tAdd a NUL to each message, as C strings have it'
        $'--timeout\tWait at most SECONDS for each message, then exit with status 3'
        $'--nowait\tDo not wait: exit with status 3 instead'
        $'--progress\tShow on the terminal how far it is'
        $'--ns\tWork in the IPC namespace of process PID, or of the namespace file PATH'
        $'--color\tColor the output'
        $'-V\tShow the version'
        $'--version\tShow the version'
        $'-h\tShow this help'
        $'--help\tShow this help'
      )
      values=(
        [-t]=''
        [--type]=''
        [-F]='file'
        [--file]='file'
        [--pack]=$'words $\'b\\tsigned char\' $\'h\\tshort\' $\'i\\tint\' $\'I\\tunsigned int\' $\'l\\tlong\' $\'q\\tlong long\' $\'f\\tfloat\' $\'d\\tdouble\' $\'8s\\tchar[8]\' $\'0l\\tpadding at the end, as for a long in C\''
        [--timeout]=''
        [--ns]='namespace'
        [--color]=$'words $\'auto\\ton a terminal\' $\'always\\tanywhere\' $\'never\\tnowhere\''
      )
      operands=(
        'target:msg'
        ''
      )
      many=yes wraps=
      ;;
    recv)
      options=(
        $'-t\tOf which type'
        $'--type\tOf which type'
        $'-x\tAny type but that of -t'
        $'--except\tAny type but that of -t'
        $'-n\tSo many; 1 if left out'
        $'--count\tSo many; 1 if left out'
        $'-a\tAll that are there, without waiting; status 0 also if none is'
        $'--all\tAll that are there, without waiting; status 0 also if none is'
        $'-F\tAll that come, until it is stopped'
        $'--follow\tAll that come, until it is stopped'
        $'--peek\tLeave the messages on the queue, and do not wait'
        $'--max-size\tTake no larger message; without it, none is too large'
        $'--truncate\tCut what is larger than --max-size; it is lost'
        $'--timeout\tWait at most SECONDS for each message, then exit with status 3'
        $'--nowait\tDo not wait: exit with status 3 instead'
        $'-J\tShort for --format json'
        $'--json\tShort for --format json'
        $'-f\tHow messages are written'
        $'--format\tHow messages are written'
        $'--unpack\tPrint the fields of a C struct, in the notation of Python\'s struct module, separated by tabs'
        $'-0\tEnd each message with a NUL, not a newline'
        $'--null\tEnd each message with a NUL, not a newline'
        $'-u\tWrite each message by itself, as -F does'
        $'--unbuffered\tWrite each message by itself, as -F does'
        $'--with-type\tPut the type and a tab first'
        $'--exec\tRun CMD by sh for each message, which is its standard input'
        $'--ns\tWork in the IPC namespace of process PID, or of the namespace file PATH'
        $'--color\tColor the output'
        $'-V\tShow the version'
        $'--version\tShow the version'
        $'-h\tShow this help'
        $'--help\tShow this help'
      )
      values=(
        [-t]=''
        [--type]=''
        [-n]=''
        [--count]=''
        [--max-size]=$'words $\'4K\\t4096\' $\'64K\\t65536\' $\'1M\\t1048576\' $\'1G\\t1073741824\''
        [--timeout]=''
        [-f]=$'words $\'text\\twithout trailing NULs, with a newline at the end\' $\'raw\\tas it is\' $\'hex\\ta dump\' $\'json\\tan object a line\' $\'unpack\\tthe fields of a C struct, with tabs between\''
        [--format]=$'words $\'text\\twithout trailing NULs, with a newline at the end\' $\'raw\\tas it is\' $\'hex\\ta dump\' $\'json\\tan object a line\' $\'unpack\\tthe fields of a C struct, with tabs between\''
        [--unpack]=$'words $\'b\\tsigned char\' $\'h\\tshort\' $\'i\\tint\' $\'I\\tunsigned int\' $\'l\\tlong\' $\'q\\tlong long\' $\'f\\tfloat\' $\'d\\tdouble\' $\'8s\\tchar[8]\' $\'0l\\tpadding at the end, as for a long in C\''
        [--exec]='command'
        [--ns]='namespace'
        [--color]=$'words $\'auto\\ton a terminal\' $\'always\\tanywhere\' $\'never\\tnowhere\''
      )
      operands=(
        'target:msg'
      )
      many= wraps=
      ;;
    op)
      options=(
        $'--undo\tThe kernel takes all operations back when the process ends'
        $'-E\tThe status in the place of 3, which may be CMD\'s own'
        $'--conflict-exit-code\tThe status in the place of 3, which may be CMD\'s own'
        $'--timeout\tWait at most SECONDS, then exit with status 3'
        $'--nowait\tDo not wait: exit with status 3 instead'
        $'--ns\tWork in the IPC namespace of process PID, or of the namespace file PATH'
        $'--color\tColor the output'
        $'-V\tShow the version'
        $'--version\tShow the version'
        $'-h\tShow this help'
        $'--help\tShow this help'
      )
      values=(
        [-E]=''
        [--conflict-exit-code]=''
        [--timeout]=''
        [--ns]='namespace'
        [--color]=$'words $\'auto\\ton a terminal\' $\'always\\tanywhere\' $\'never\\tnowhere\''
      )
      operands=(
        'target:sem'
        $'words $\'P\\twait for semaphore 0 and decrement it\' $\'V\\tincrement semaphore 0\' $\'Z\\twait until semaphore 0 is zero\' $\'0-1\\twait and decrement\' $\'0+1\\tincrement\' $\'0=0\\twait for zero\''
      )
      many=yes wraps=--
      ;;
    read)
      options=(
        $'--offset\tWhere to begin'
        $'--length\tAt most so many bytes; if left out, to the segment\'s end, or of --unpack one struct'
        $'-f\tHow bytes are written'
        $'--format\tHow bytes are written'
        $'--unpack\tPrint the fields of a C struct, in the notation of Python\'s struct module, separated by tabs'
        $'--ns\tWork in the IPC namespace of process PID, or of the namespace file PATH'
        $'--color\tColor the output'
        $'-V\tShow the version'
        $'--version\tShow the version'
        $'-h\tShow this help'
        $'--help\tShow this help'
      )
      values=(
        [--offset]=$'words $\'4K\\t4096\' $\'64K\\t65536\' $\'1M\\t1048576\' $\'1G\\t1073741824\''
        [--length]=$'words $\'4K\\t4096\' $\'64K\\t65536\' $\'1M\\t1048576\' $\'1G\\t1073741824\''
        [-f]=$'words $\'raw\\tas they are\' $\'hex\\ta dump, with repeated rows folded\' $\'unpack\\tthe fields of a C struct, see --unpack\''
        [--format]=$'words $\'raw\\tas they are\' $\'hex\\ta dump, with repeated rows folded\' $\'unpack\\tthe fields of a C struct, see --unpack\''
        [--unpack]=$'words $\'b\\tsigned char\' $\'h\\tshort\' $\'i\\tint\' $\'I\\tunsigned int\' $\'l\\tlong\' $\'q\\tlong long\' $\'f\\tfloat\' $\'d\\tdouble\' $\'8s\\tchar[8]\' $\'0l\\tpadding at the end, as for a long in C\''
        [--ns]='namespace'
        [--color]=$'words $\'auto\\ton a terminal\' $\'always\\tanywhere\' $\'never\\tnowhere\''
      )
      operands=(
        'target:shm'
      )
      many= wraps=
      ;;
    write)
      options=(
        $'--offset\tWhere to begin'
        $'-F\tRead FILE; - is standard input'
        $'--file\tRead FILE; - is standard input'
        $'--hex\tThe data are hex digits'
        $'--pack\tPack DATA as the fields of a C struct, in the notation of Python\'s struct module: i is an int, l a long, d a double, 8s a char[8], and 0l pads the end as C does'
        $'--ns\tWork in the IPC namespace of process PID, or of the namespace file PATH'
        $'--color\tColor the output'
        $'-V\tShow the version'
        $'--version\tShow the version'
        $'-h\tShow this help'
        $'--help\tShow this help'
      )
      values=(
        [--offset]=$'words $\'4K\\t4096\' $\'64K\\t65536\' $\'1M\\t1048576\' $\'1G\\t1073741824\''
        [-F]='file'
        [--file]='file'
        [--pack]=$'words $\'b\\tsigned char\' $\'h\\tshort\' $\'i\\tint\' $\'I\\tunsigned int\' $\'l\\tlong\' $\'q\\tlong long\' $\'f\\tfloat\' $\'d\\tdouble\' $\'8s\\tchar[8]\' $\'0l\\tpadding at the end, as for a long in C\''
        [--ns]='namespace'
        [--color]=$'words $\'auto\\ton a terminal\' $\'always\\tanywhere\' $\'never\\tnowhere\''
      )
      operands=(
        'target:shm'
        ''
      )
      many=yes wraps=
      ;;
    run)
      options=(
        $'--private\tWhether CMD gets an IPC namespace of its own; auto if left out'
        $'--rm\tWithout a namespace of its own, remove what CMD left that is orphaned or suspect, and queues and sets in doubt that no living process but those of other users could use'
        $'-f\tThe format of the report; table on a terminal, and elsewhere plain'
        $'--format\tThe format of the report; table on a terminal, and elsewhere plain'
        $'-J\tShort for --format json'
        $'--json\tShort for --format json'
        $'--report\tWrite the report to a file, or to an open descriptor that CMD does not get'
        $'--color\tColor the output'
        $'-V\tShow the version'
        $'--version\tShow the version'
        $'-h\tShow this help'
        $'--help\tShow this help'
      )
      values=(
        [--private]=$'words $\'auto\\twhere the kernel lets it\' $\'always\\tand else CMD does not run\' $\'never\\tCMD runs in this one\''
        [-f]=$'words $\'table\\ttables for people\' $\'plain\\tcolumns of text\' $\'json\\tone JSON document\' $\'jsonl\\tone JSON object per line\' $\'csv\\tcomma-separated values with a line of headings\' $\'tsv\\ttab-separated values with a line of headings\' $\'export\\tshell assignments, one line per object\''
        [--format]=$'words $\'table\\ttables for people\' $\'plain\\tcolumns of text\' $\'json\\tone JSON document\' $\'jsonl\\tone JSON object per line\' $\'csv\\tcomma-separated values with a line of headings\' $\'tsv\\ttab-separated values with a line of headings\' $\'export\\tshell assignments, one line per object\''
        [--report]='file'
        [--color]=$'words $\'auto\\ton a terminal\' $\'always\\tanywhere\' $\'never\\tnowhere\''
      )
      many=yes wraps=first
      ;;
  esac
}

# Offer those lines of words that fit, each perhaps with a tab and what it is, which a list shows.
_pyipcs_offer() {
  local line word width=0 several= untold=
  local -a found=() told=()
  for line in $1; do
    [[ $line = "$cur"* ]] || continue
    word=${line%%$'\t'*}
    found+=("$before$word") told+=("$before$line")
    [[ $line = *$'\t'* ]] || untold=yes
    [[ $before$word = "${found[0]}" ]] || several=yes
    (( ${#word} > width )) && width=${#word}
  done
  # 63, 33 and 64 are the sorts of completion that list what there is.
  if [[ -n $several && -z $untold && $COMP_TYPE = @(63|33|64) ]]; then
    local IFS=$'\t'
    printf -v line "%-$(( ${#before} + width ))s  (%s)\n" ${told[*]}
    IFS=$'\n'
    COMPREPLY+=($line)
  else
    COMPREPLY+=("${found[@]}")
  fi
}

_pyipcs_there() {
  _pyipcs_offer "$("$program" --complete "$1" "$cur" "${words[@]:1:cword-1}" 2>/dev/null)"
}

# Offer what bash itself knows: files, users, commands and so on, by the options of compgen.
_pyipcs_own() {
  local word
  for word in $(compgen "$@" -- "$cur"); do COMPREPLY+=("$before$word"); done
}

_pyipcs_files() {
  local i
  compopt -o filenames
  _pyipcs_own -f
  # Behind what is no part of a file's name, bash does not see that it is a folder.
  [[ -n ${before#"$stays"} ]] || return
  for i in "${!COMPREPLY[@]}"; do
    [[ -d ${COMPREPLY[i]#"$before"} ]] && COMPREPLY[i]+=/ && compopt -o nospace
  done
}

# Another command with its words, of which the first stands at this place.
_pyipcs_wrapped() {
  if declare -F _command_offset >/dev/null; then
    local IFS=$' \t\n'
    set +f
    _command_offset "$1"
  elif (( cword == $1 )); then
    _pyipcs_own -c
  else
    _pyipcs_files
  fi
}

# Offer what may stand as a value.
_pyipcs_value() {
  local kind=$1 text=$cur
  shift
  case $kind in
    words) _pyipcs_offer "$*" ;;
    columns | column)
      compopt -o nospace
      [[ $kind = column ]] && cur=${cur#-} || cur=${cur##*[+,]}
      before+=${text%"$cur"} cur=${cur^^}
      _pyipcs_offer "$*"
      ;;
    target* | id* | key*)
      _pyipcs_there "$kind"
      [[ $kind != id* && ${#COMPREPLY[@]} = 0 ]] && _pyipcs_value ftok
      ;;
    ftok)
      if [[ $cur = ftok:* ]]; then
        before+=ftok: cur=${cur#ftok:}
        _pyipcs_files
      elif [[ -n $cur && ftok: = "$cur"* ]]; then
        compopt -o nospace
        COMPREPLY+=("${before}ftok:")
      fi
      ;;
    file) _pyipcs_files ;;
    user) _pyipcs_own -u ;;
    owner)
      [[ $cur = *:* ]] || { _pyipcs_own -u; return; }
      before+=${cur%%:*}: cur=${cur#*:}
      _pyipcs_own -g
      ;;
    namespace)
      if [[ $cur = [0-9]* || -z $cur ]]; then _pyipcs_there namespace; else _pyipcs_files; fi
      ;;
    command) _pyipcs_own -c ;;
    kind)
      case ${given[0]-} in
        '') _pyipcs_value words msg shm sem ;;
        msg | shm | sem) _pyipcs_there "id:${given[0]}" ;;
      esac
      ;;
  esac
}

# Find the first of bundled short options that takes a value: its name, and what is attached.
_pyipcs_bundle() {
  local i
  name= value=
  for (( i = 1; i < ${#1}; i++ )); do
    name=-${1:i:1} value=${1:i+1}
    [[ -n ${values[$name]+taken}${attached[$name]+taken} ]] && return
  done
  return 1
}

# Set `redirected` to the target of a redirection that a word is, or begins.
_pyipcs_redirects() {
  [[ $1 = *[\<\>]* && ${1%[<>]*} = *([0-9&]) ]] || return
  redirected=${1##*[<>]} redirected=${redirected#[&|]}
}

_pyipcs() {
  local -
  set +eu -f
  local IFS=$'\n' program before= command= wraps= many= awaited= ended= redirected=
  local cur word apart piece rest=${COMP_LINE:0:COMP_POINT} name value i cword place
  local stays head= quotes
  local -a words=() options=() operands=() given=()
  local -A values=() attached=()
  program=${1//[\"\'\\]/} program=${program/#\~\//$HOME/}
  # The words as the program gets them, which to bash also end at = and : (COMP_WORDBREAKS).
  for (( i = 0; i <= COMP_CWORD; i++ )); do
    apart=${rest%%[![:space:]]*} rest=${rest#"${rest%%[![:space:]]*}"} piece=${COMP_WORDS[i]}
    if (( i == COMP_CWORD )); then
      piece=$rest quotes=${rest//[^\"\']/}
      # What follows a quote that is open is a piece of its own.
      if (( ${#quotes} % 2 )); then
        head=${rest%[\"\']*} piece=${rest##*[\"\']}
        [[ $quotes = *\" && $piece = *\$* ]] && return 0 # which nobody but bash can expand
      fi
    fi
    rest=${rest#"${COMP_WORDS[i]}"}
    if [[ $i = 0 || -n $apart ]]; then words+=("$head$piece"); else words[-1]+=$head$piece; fi
  done
  cword=$(( ${#words[@]} - 1 )) cur=${words[-1]}
  # What is offered takes the place of the last piece of the word only.
  [[ $piece = [:=@] && $COMP_WORDBREAKS = *"$piece"* ]] && piece=
  stays=${cur%"$piece"}
  _pyipcs_grammar ''
  for (( i = 1; i < cword; i++ )); do
    word=${words[i]}
    awaited=
    if _pyipcs_redirects "$word"; then
      [[ -n $redirected ]] || awaited=redirection
    elif [[ -z $ended && $word = -- ]]; then
      ended=yes
      [[ $wraps = -- ]] && { _pyipcs_wrapped $(( i + 1 )); return 0; }
    elif [[ -z $ended && $word = --?* ]]; then
      [[ -n ${values[$word]+taken} ]] && awaited=$word
    elif [[ -z $ended && $word = -[a-zA-Z0]* ]]; then
      _pyipcs_bundle "$word" && [[ -z $value && -n ${values[$name]+taken} ]] && awaited=$name
    elif [[ -z $command ]]; then
      command=$word options=() values=()
      _pyipcs_grammar "$command"
    elif [[ $wraps = first ]]; then
      _pyipcs_wrapped "$i"
      return 0
    else
      given+=("$word")
    fi
    [[ -n $awaited ]] && (( i + 1 < cword )) && (( i++ )) && awaited=
  done

  place=${#given[@]}
  (( place >= ${#operands[@]} )) && [[ -n $many ]] && place=$(( ${#operands[@]} - 1 ))
  if [[ $awaited = redirection ]]; then
    _pyipcs_files
  elif _pyipcs_redirects "$cur"; then
    before=${cur%"$redirected"} cur=$redirected
    _pyipcs_files
  elif [[ -n $awaited ]]; then
    eval "_pyipcs_value ${values[$awaited]}"
  elif [[ -z $ended && $cur = --*=* ]]; then
    name=${cur%%=*} before=${cur%%=*}= cur=${cur#*=}
    eval "_pyipcs_value ${values[$name]-${attached[$name]-}}"
  elif [[ -z $ended && $cur = -[a-zA-Z0]?* ]] && _pyipcs_bundle "$cur"; then
    before=${cur%"$value"} cur=$value
    eval "_pyipcs_value ${values[$name]-${attached[$name]-}}"
  elif [[ -z $ended && $cur = -* && ! $cur = -[1-9.]* ]]; then
    _pyipcs_offer "${options[*]}"
  elif [[ -z $command ]]; then
    _pyipcs_offer "${operands[*]}"
  elif [[ $wraps = first ]]; then
    _pyipcs_wrapped "$cword"
    return 0
  else
    eval "_pyipcs_value ${operands[place]-}"
  fi

  for i in "${!COMPREPLY[@]}"; do COMPREPLY[i]=${COMPREPLY[i]#"$stays"}; done
} 2>/dev/null && complete -F _pyipcs pyipcs
