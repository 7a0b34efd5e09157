# Made by `python -m pyipcs.describe`; do not edit.
# shellcheck shell=bash

# Set the options, values and operands of a command.
_pyipcs_grammar() {
  case $1 in
    '')
      options=(
        $'--color\tColour the output'
        $'-V\tShow the version'
        $'--version\tShow the version'
        $'-h\tShow this help'
        $'--help\tShow this help'
      )
      values=(
        [--color]=$'words $\'auto\\ton a terminal\' $\'always\\tanywhere\' $\'never\\tnowhere\''
      )
      operands=(
        $'list\tShow System V and POSIX IPC objects, limits and usage'
        $'stat\tShow all details of objects'
        $'key\tPrint the ftok(3) key of a file'
        $'make\tCreate System V and POSIX IPC objects, all of them or none'
        $'set\tChange modes, owners, sizes, values of semaphores, locking'
        $'rm\tRemove objects by id, key or name, or all of some kinds'
        $'send\tSend messages to a queue'
        $'recv\tReceive messages from a queue, or peek at them'
        $'op\tOperate on semaphores, or hold them while a command runs'
        $'read\tRead bytes from a segment'
        $'write\tWrite bytes into a segment'
        $'run\tRun a command, and report the objects it leaves behind'
        $'help\tShow the help of a command, the columns or the formats'
        $'version\tPrint the version'
        $'completion\tPrint the completion file of a shell'
      )
      many='' wraps=''
      ;;
    list)
      options=(
        $'-q\tMessage queues'
        $'--queues\tMessage queues'
        $'-m\tShared memory segments'
        $'--shmems\tShared memory segments'
        $'-s\tSemaphore sets'
        $'--semaphores\tSemaphore sets'
        $'-Q\tPOSIX message queues'
        $'--posix-mqueues\tPOSIX message queues'
        $'-M\tPOSIX shared memory segments'
        $'--posix-shmems\tPOSIX shared memory segments'
        $'-S\tPOSIX semaphores'
        $'--posix-semaphores\tPOSIX semaphores'
        $'-a\tAll System V kinds'
        $'--all\tAll System V kinds'
        $'--sysv\tAll System V kinds'
        $'--posix\tAll POSIX kinds'
        $'-i\tOne object; needs -q, -m or -s'
        $'--id\tOne object; needs -q, -m or -s'
        $'-N\tDetails of one POSIX object'
        $'--name\tDetails of one POSIX object'
        $'--owner\tOwned by USER; if repeated, by any of them'
        $'--created-by\tCreated by USER; if repeated, by any of them'
        $'--mine\tCreated or owned by you'
        $'--used-by\tUsed by process PID; if repeated, by any of them'
        $'--key\tWith KEY; if repeated, with any of them'
        $'--private\tWithout a key (IPC_PRIVATE)'
        $'--match\tPOSIX objects named like GLOB; if repeated, any'
        $'--older-than\tChanged more than DURATION ago: 30s, 10m, 2h, 7d'
        $'--idle\tNot used for DURATION, nor attached or waited on'
        $'--unattached\tSegments that nobody has attached, open or mapped'
        $'--empty\tQueues without messages'
        $'--orphaned\tSegments whose users are gone, and POSIX objects that nobody has open'
        $'--suspect\tOrphaned objects; queues and sets whose users are gone; unused POSIX queues with messages'
        $'--not-in\tNot in FILE (list -J > FILE); if repeated, in none'
        $'--all-ns\tObjects of every IPC namespace that has a process you may inspect'
        $'-t\tTimes of last use and change'
        $'--time\tTimes of last use and change'
        $'-p\tPIDs of creators and last users'
        $'--pid\tPIDs of creators and last users'
        $'-c\tCreators and owners'
        $'--creator\tCreators and owners'
        $'-l\tLimits of the kernel; in a table with their usage'
        $'--limits\tLimits of the kernel; in a table with their usage'
        $'-u\tCurrent usage'
        $'--summary\tCurrent usage'
        $'-f\tFormat of the output'
        $'--format\tFormat of the output'
        $'-J\tShort for --format json'
        $'--json\tShort for --format json'
        $'-o\tColumns; +COL,... adds to the default ones'
        $'--output\tColumns; +COL,... adds to the default ones'
        $'-w\tOmit and cut no column of a table'
        $'--wide\tOmit and cut no column of a table'
        $'--noheadings\tOmit headings, and keep columns that do not fit'
        $'--sort\tSort by a column; -COL sorts in reverse'
        $'--time-format\tFormat of times'
        $'-P\tPermissions as 0644 instead of rw-r--r--'
        $'--numeric-perms\tPermissions as 0644 instead of rw-r--r--'
        $'-b\tSizes in bytes, also in a table'
        $'--bytes\tSizes in bytes, also in a table'
        $'--human\tSizes with units, as 64K, except in JSON'
        $'--watch\tShow a live view until q or Ctrl-C, updated every SECONDS'
        $'--fail-if-any\tExit with status 23 if there is an object'
        $'--ns\tWork in the IPC namespace of a process or file'
        $'--color\tColour the output'
        $'-V\tShow the version'
        $'--version\tShow the version'
        $'-h\tShow this help'
        $'--help\tShow this help'
      )
      values=(
        [-i]='id'
        [--id]='id'
        [-N]='name'
        [--name]='name'
        [--owner]='user'
        [--created-by]='user'
        [--used-by]='process'
        [--key]='key'
        [--match]=''
        [--older-than]=$'words $\'30s\\tseconds\' $\'10m\\tminutes\' $\'2h\\thours\' $\'7d\\tdays\''
        [--idle]=$'words $\'30s\\tseconds\' $\'10m\\tminutes\' $\'2h\\thours\' $\'7d\\tdays\''
        [--not-in]='file'
        [-f]=$'words $\'table\\ttables for people\' $\'plain\\tlayout of util-linux, for scripts; with -o, columns of text\' $\'json\\tone JSON document\' $\'jsonl\\tone JSON object per line\' $\'csv\\tcomma-separated values with a line of headings\' $\'tsv\\ttab-separated values with a line of headings\' $\'export\\tshell assignments, one line per object\' $\'openmetrics\\tgauges for Prometheus and compatible programs\''
        [--format]=$'words $\'table\\ttables for people\' $\'plain\\tlayout of util-linux, for scripts; with -o, columns of text\' $\'json\\tone JSON document\' $\'jsonl\\tone JSON object per line\' $\'csv\\tcomma-separated values with a line of headings\' $\'tsv\\ttab-separated values with a line of headings\' $\'export\\tshell assignments, one line per object\' $\'openmetrics\\tgauges for Prometheus and compatible programs\''
        [-o]=$'columns $\'KIND\\tKind of object: msg, shm or sem; POSIX: pmsg, pshm or psem\' $\'KEY\\tKey\' $\'ID\\tId\' $\'OWNER\\tOwner\\\'s name\' $\'PERMS\\tPermissions\' $\'CUID\\tCreator\\\'s uid\' $\'CUSER\\tCreator\\\'s name\' $\'CGID\\tCreator\\\'s gid\' $\'CGROUP\\tCreator\\\'s group\' $\'UID\\tOwner\\\'s uid\' $\'USER\\tOwner\\\'s name\' $\'GID\\tOwner\\\'s gid\' $\'GROUP\\tOwner\\\'s group\' $\'CTIME\\tTime of the last change\' $\'AGE\\tTime since the last change\' $\'STATE\\tin-use, orphaned, suspect or unknown (one scan of /proc)\' $\'REASON\\tReason for STATE\' $\'NS\\tIPC namespace\' $\'NAME\\tName\' $\'BORN\\tTime of the creation; none for queues\' $\'MTIME\\tLast send or receive; for segments, the last recorded write\' $\'ATIME\\tTime of the last recorded read or mapping\' $\'USERS\\tPIDs of processes that have it open or mapped\' $\'INODE\\tInode\' $\'DEVICE\\tDevice of the file system\' $\'MSGS\\tMessages on the queue\' $\'USEDBYTES\\tBytes in the messages\' $\'QBYTES\\tMaximum of bytes, and of messages\' $\'USE%\\tUSEDBYTES or MSGS as a share of QBYTES, the larger one\' $\'LSPID\\tProcess of the last send\' $\'LRPID\\tProcess of the last receive\' $\'SEND\\tTime of the last send\' $\'RECV\\tTime of the last receive\' $\'WAITERS\\tPIDs of waiting processes\' $\'SIZE\\tSize\' $\'RSS\\tBytes in memory\' $\'SWAP\\tBytes in swap\' $\'NATTCH\\tAttachments\' $\'STATUS\\tdest: destroyed at last detachment; locked: not swapped\' $\'CPID\\tProcess that created it\' $\'LPID\\tProcess of the last use\' $\'ATTACH\\tTime of the last attachment\' $\'DETACH\\tTime of the last detachment\' $\'COMMAND\\tCommand line of CPID\' $\'ATTACHED\\tPIDs of processes with an attachment\' $\'NSEMS\\tSemaphores\' $\'OTIME\\tTime of the last operation\' $\'VALUES\\tValue of each semaphore\' $\'NCOUNT\\tProcesses that wait for a higher value\' $\'ZCOUNT\\tProcesses that wait for zero\' $\'MAXMSG\\tMaximum number of messages\' $\'MSGSIZE\\tMaximum size of a message\' $\'NOTIFY\\tProcess that mq_notify(3) has registered\' $\'MAPPED\\tPIDs of processes that have it mapped\' $\'VALUE\\tValue of the semaphore\' $\'RESOURCE\\tResource\' $\'DESCRIPTION\\tDescription\' $\'UNIT\\tUnit of LIMIT and USED: bytes or pages\' $\'LIMIT\\tMaximum\' $\'USED\\tAmount in use\''
        [--output]=$'columns $\'KIND\\tKind of object: msg, shm or sem; POSIX: pmsg, pshm or psem\' $\'KEY\\tKey\' $\'ID\\tId\' $\'OWNER\\tOwner\\\'s name\' $\'PERMS\\tPermissions\' $\'CUID\\tCreator\\\'s uid\' $\'CUSER\\tCreator\\\'s name\' $\'CGID\\tCreator\\\'s gid\' $\'CGROUP\\tCreator\\\'s group\' $\'UID\\tOwner\\\'s uid\' $\'USER\\tOwner\\\'s name\' $\'GID\\tOwner\\\'s gid\' $\'GROUP\\tOwner\\\'s group\' $\'CTIME\\tTime of the last change\' $\'AGE\\tTime since the last change\' $\'STATE\\tin-use, orphaned, suspect or unknown (one scan of /proc)\' $\'REASON\\tReason for STATE\' $\'NS\\tIPC namespace\' $\'NAME\\tName\' $\'BORN\\tTime of the creation; none for queues\' $\'MTIME\\tLast send or receive; for segments, the last recorded write\' $\'ATIME\\tTime of the last recorded read or mapping\' $\'USERS\\tPIDs of processes that have it open or mapped\' $\'INODE\\tInode\' $\'DEVICE\\tDevice of the file system\' $\'MSGS\\tMessages on the queue\' $\'USEDBYTES\\tBytes in the messages\' $\'QBYTES\\tMaximum of bytes, and of messages\' $\'USE%\\tUSEDBYTES or MSGS as a share of QBYTES, the larger one\' $\'LSPID\\tProcess of the last send\' $\'LRPID\\tProcess of the last receive\' $\'SEND\\tTime of the last send\' $\'RECV\\tTime of the last receive\' $\'WAITERS\\tPIDs of waiting processes\' $\'SIZE\\tSize\' $\'RSS\\tBytes in memory\' $\'SWAP\\tBytes in swap\' $\'NATTCH\\tAttachments\' $\'STATUS\\tdest: destroyed at last detachment; locked: not swapped\' $\'CPID\\tProcess that created it\' $\'LPID\\tProcess of the last use\' $\'ATTACH\\tTime of the last attachment\' $\'DETACH\\tTime of the last detachment\' $\'COMMAND\\tCommand line of CPID\' $\'ATTACHED\\tPIDs of processes with an attachment\' $\'NSEMS\\tSemaphores\' $\'OTIME\\tTime of the last operation\' $\'VALUES\\tValue of each semaphore\' $\'NCOUNT\\tProcesses that wait for a higher value\' $\'ZCOUNT\\tProcesses that wait for zero\' $\'MAXMSG\\tMaximum number of messages\' $\'MSGSIZE\\tMaximum size of a message\' $\'NOTIFY\\tProcess that mq_notify(3) has registered\' $\'MAPPED\\tPIDs of processes that have it mapped\' $\'VALUE\\tValue of the semaphore\' $\'RESOURCE\\tResource\' $\'DESCRIPTION\\tDescription\' $\'UNIT\\tUnit of LIMIT and USED: bytes or pages\' $\'LIMIT\\tMaximum\' $\'USED\\tAmount in use\''
        [--sort]=$'column $\'KIND\\tKind of object: msg, shm or sem; POSIX: pmsg, pshm or psem\' $\'KEY\\tKey\' $\'ID\\tId\' $\'OWNER\\tOwner\\\'s name\' $\'PERMS\\tPermissions\' $\'CUID\\tCreator\\\'s uid\' $\'CUSER\\tCreator\\\'s name\' $\'CGID\\tCreator\\\'s gid\' $\'CGROUP\\tCreator\\\'s group\' $\'UID\\tOwner\\\'s uid\' $\'USER\\tOwner\\\'s name\' $\'GID\\tOwner\\\'s gid\' $\'GROUP\\tOwner\\\'s group\' $\'CTIME\\tTime of the last change\' $\'AGE\\tTime since the last change\' $\'STATE\\tin-use, orphaned, suspect or unknown (one scan of /proc)\' $\'REASON\\tReason for STATE\' $\'NS\\tIPC namespace\' $\'NAME\\tName\' $\'BORN\\tTime of the creation; none for queues\' $\'MTIME\\tLast send or receive; for segments, the last recorded write\' $\'ATIME\\tTime of the last recorded read or mapping\' $\'USERS\\tPIDs of processes that have it open or mapped\' $\'INODE\\tInode\' $\'DEVICE\\tDevice of the file system\' $\'MSGS\\tMessages on the queue\' $\'USEDBYTES\\tBytes in the messages\' $\'QBYTES\\tMaximum of bytes, and of messages\' $\'USE%\\tUSEDBYTES or MSGS as a share of QBYTES, the larger one\' $\'LSPID\\tProcess of the last send\' $\'LRPID\\tProcess of the last receive\' $\'SEND\\tTime of the last send\' $\'RECV\\tTime of the last receive\' $\'WAITERS\\tPIDs of waiting processes\' $\'SIZE\\tSize\' $\'RSS\\tBytes in memory\' $\'SWAP\\tBytes in swap\' $\'NATTCH\\tAttachments\' $\'STATUS\\tdest: destroyed at last detachment; locked: not swapped\' $\'CPID\\tProcess that created it\' $\'LPID\\tProcess of the last use\' $\'ATTACH\\tTime of the last attachment\' $\'DETACH\\tTime of the last detachment\' $\'COMMAND\\tCommand line of CPID\' $\'ATTACHED\\tPIDs of processes with an attachment\' $\'NSEMS\\tSemaphores\' $\'OTIME\\tTime of the last operation\' $\'VALUES\\tValue of each semaphore\' $\'NCOUNT\\tProcesses that wait for a higher value\' $\'ZCOUNT\\tProcesses that wait for zero\' $\'MAXMSG\\tMaximum number of messages\' $\'MSGSIZE\\tMaximum size of a message\' $\'NOTIFY\\tProcess that mq_notify(3) has registered\' $\'MAPPED\\tPIDs of processes that have it mapped\' $\'VALUE\\tValue of the semaphore\' $\'RESOURCE\\tResource\' $\'DESCRIPTION\\tDescription\' $\'UNIT\\tUnit of LIMIT and USED: bytes or pages\' $\'LIMIT\\tMaximum\' $\'USED\\tAmount in use\''
        [--time-format]=$'words $\'short\\ttime of day if today, else the date, as in lsipc\' $\'full\\tas in ctime(3)\' $\'iso\\tISO 8601 with the offset of the local zone\' $\'relative\\ttime since then, such as 5m ago\' $\'epoch\\tseconds since 1970\''
        [--ns]='namespace'
        [--color]=$'words $\'auto\\ton a terminal\' $\'always\\tanywhere\' $\'never\\tnowhere\''
      )
      attached=(
        [--watch]=$'words \'0.5\' \'1\' \'5\''
      )
      many='' wraps=''
      ;;
    stat)
      options=(
        $'-q\tThe message queue of that name'
        $'--queues\tThe message queue of that name'
        $'-m\tThe segment of that name'
        $'--shmems\tThe segment of that name'
        $'-s\tThe semaphore set or POSIX semaphore of that name'
        $'--semaphores\tThe semaphore set or POSIX semaphore of that name'
        $'--used-by\tUsed by process PID; if repeated, by any of them'
        $'-f\tFormat of the output'
        $'--format\tFormat of the output'
        $'-J\tShort for --format json'
        $'--json\tShort for --format json'
        $'-o\tColumns; +COL,... adds to the default ones'
        $'--output\tColumns; +COL,... adds to the default ones'
        $'-w\tOmit and cut no column of a table'
        $'--wide\tOmit and cut no column of a table'
        $'--noheadings\tOmit headings, and keep columns that do not fit'
        $'--sort\tSort by a column; -COL sorts in reverse'
        $'--time-format\tFormat of times'
        $'-P\tPermissions as 0644 instead of rw-r--r--'
        $'--numeric-perms\tPermissions as 0644 instead of rw-r--r--'
        $'-b\tSizes in bytes, also in a table'
        $'--bytes\tSizes in bytes, also in a table'
        $'--human\tSizes with units, as 64K, except in JSON'
        $'--watch\tShow a live view until q or Ctrl-C, updated every SECONDS'
        $'--ns\tWork in the IPC namespace of a process or file'
        $'--color\tColour the output'
        $'-V\tShow the version'
        $'--version\tShow the version'
        $'-h\tShow this help'
        $'--help\tShow this help'
      )
      values=(
        [--used-by]='process'
        [-f]=$'words $\'table\\ttables for people\' $\'plain\\tlayout of util-linux, for scripts; with -o, columns of text\' $\'json\\tone JSON document\' $\'jsonl\\tone JSON object per line\' $\'csv\\tcomma-separated values with a line of headings\' $\'tsv\\ttab-separated values with a line of headings\' $\'export\\tshell assignments, one line per object\' $\'openmetrics\\tgauges for Prometheus and compatible programs\''
        [--format]=$'words $\'table\\ttables for people\' $\'plain\\tlayout of util-linux, for scripts; with -o, columns of text\' $\'json\\tone JSON document\' $\'jsonl\\tone JSON object per line\' $\'csv\\tcomma-separated values with a line of headings\' $\'tsv\\ttab-separated values with a line of headings\' $\'export\\tshell assignments, one line per object\' $\'openmetrics\\tgauges for Prometheus and compatible programs\''
        [-o]=$'columns $\'KIND\\tKind of object: msg, shm or sem; POSIX: pmsg, pshm or psem\' $\'KEY\\tKey\' $\'ID\\tId\' $\'OWNER\\tOwner\\\'s name\' $\'PERMS\\tPermissions\' $\'CUID\\tCreator\\\'s uid\' $\'CUSER\\tCreator\\\'s name\' $\'CGID\\tCreator\\\'s gid\' $\'CGROUP\\tCreator\\\'s group\' $\'UID\\tOwner\\\'s uid\' $\'USER\\tOwner\\\'s name\' $\'GID\\tOwner\\\'s gid\' $\'GROUP\\tOwner\\\'s group\' $\'CTIME\\tTime of the last change\' $\'AGE\\tTime since the last change\' $\'STATE\\tin-use, orphaned, suspect or unknown (one scan of /proc)\' $\'REASON\\tReason for STATE\' $\'NS\\tIPC namespace\' $\'NAME\\tName\' $\'BORN\\tTime of the creation; none for queues\' $\'MTIME\\tLast send or receive; for segments, the last recorded write\' $\'ATIME\\tTime of the last recorded read or mapping\' $\'USERS\\tPIDs of processes that have it open or mapped\' $\'INODE\\tInode\' $\'DEVICE\\tDevice of the file system\' $\'MSGS\\tMessages on the queue\' $\'USEDBYTES\\tBytes in the messages\' $\'QBYTES\\tMaximum of bytes, and of messages\' $\'USE%\\tUSEDBYTES or MSGS as a share of QBYTES, the larger one\' $\'LSPID\\tProcess of the last send\' $\'LRPID\\tProcess of the last receive\' $\'SEND\\tTime of the last send\' $\'RECV\\tTime of the last receive\' $\'WAITERS\\tPIDs of waiting processes\' $\'SIZE\\tSize\' $\'RSS\\tBytes in memory\' $\'SWAP\\tBytes in swap\' $\'NATTCH\\tAttachments\' $\'STATUS\\tdest: destroyed at last detachment; locked: not swapped\' $\'CPID\\tProcess that created it\' $\'LPID\\tProcess of the last use\' $\'ATTACH\\tTime of the last attachment\' $\'DETACH\\tTime of the last detachment\' $\'COMMAND\\tCommand line of CPID\' $\'ATTACHED\\tPIDs of processes with an attachment\' $\'NSEMS\\tSemaphores\' $\'OTIME\\tTime of the last operation\' $\'VALUES\\tValue of each semaphore\' $\'NCOUNT\\tProcesses that wait for a higher value\' $\'ZCOUNT\\tProcesses that wait for zero\' $\'MAXMSG\\tMaximum number of messages\' $\'MSGSIZE\\tMaximum size of a message\' $\'NOTIFY\\tProcess that mq_notify(3) has registered\' $\'MAPPED\\tPIDs of processes that have it mapped\' $\'VALUE\\tValue of the semaphore\''
        [--output]=$'columns $\'KIND\\tKind of object: msg, shm or sem; POSIX: pmsg, pshm or psem\' $\'KEY\\tKey\' $\'ID\\tId\' $\'OWNER\\tOwner\\\'s name\' $\'PERMS\\tPermissions\' $\'CUID\\tCreator\\\'s uid\' $\'CUSER\\tCreator\\\'s name\' $\'CGID\\tCreator\\\'s gid\' $\'CGROUP\\tCreator\\\'s group\' $\'UID\\tOwner\\\'s uid\' $\'USER\\tOwner\\\'s name\' $\'GID\\tOwner\\\'s gid\' $\'GROUP\\tOwner\\\'s group\' $\'CTIME\\tTime of the last change\' $\'AGE\\tTime since the last change\' $\'STATE\\tin-use, orphaned, suspect or unknown (one scan of /proc)\' $\'REASON\\tReason for STATE\' $\'NS\\tIPC namespace\' $\'NAME\\tName\' $\'BORN\\tTime of the creation; none for queues\' $\'MTIME\\tLast send or receive; for segments, the last recorded write\' $\'ATIME\\tTime of the last recorded read or mapping\' $\'USERS\\tPIDs of processes that have it open or mapped\' $\'INODE\\tInode\' $\'DEVICE\\tDevice of the file system\' $\'MSGS\\tMessages on the queue\' $\'USEDBYTES\\tBytes in the messages\' $\'QBYTES\\tMaximum of bytes, and of messages\' $\'USE%\\tUSEDBYTES or MSGS as a share of QBYTES, the larger one\' $\'LSPID\\tProcess of the last send\' $\'LRPID\\tProcess of the last receive\' $\'SEND\\tTime of the last send\' $\'RECV\\tTime of the last receive\' $\'WAITERS\\tPIDs of waiting processes\' $\'SIZE\\tSize\' $\'RSS\\tBytes in memory\' $\'SWAP\\tBytes in swap\' $\'NATTCH\\tAttachments\' $\'STATUS\\tdest: destroyed at last detachment; locked: not swapped\' $\'CPID\\tProcess that created it\' $\'LPID\\tProcess of the last use\' $\'ATTACH\\tTime of the last attachment\' $\'DETACH\\tTime of the last detachment\' $\'COMMAND\\tCommand line of CPID\' $\'ATTACHED\\tPIDs of processes with an attachment\' $\'NSEMS\\tSemaphores\' $\'OTIME\\tTime of the last operation\' $\'VALUES\\tValue of each semaphore\' $\'NCOUNT\\tProcesses that wait for a higher value\' $\'ZCOUNT\\tProcesses that wait for zero\' $\'MAXMSG\\tMaximum number of messages\' $\'MSGSIZE\\tMaximum size of a message\' $\'NOTIFY\\tProcess that mq_notify(3) has registered\' $\'MAPPED\\tPIDs of processes that have it mapped\' $\'VALUE\\tValue of the semaphore\''
        [--sort]=$'column $\'KIND\\tKind of object: msg, shm or sem; POSIX: pmsg, pshm or psem\' $\'KEY\\tKey\' $\'ID\\tId\' $\'OWNER\\tOwner\\\'s name\' $\'PERMS\\tPermissions\' $\'CUID\\tCreator\\\'s uid\' $\'CUSER\\tCreator\\\'s name\' $\'CGID\\tCreator\\\'s gid\' $\'CGROUP\\tCreator\\\'s group\' $\'UID\\tOwner\\\'s uid\' $\'USER\\tOwner\\\'s name\' $\'GID\\tOwner\\\'s gid\' $\'GROUP\\tOwner\\\'s group\' $\'CTIME\\tTime of the last change\' $\'AGE\\tTime since the last change\' $\'STATE\\tin-use, orphaned, suspect or unknown (one scan of /proc)\' $\'REASON\\tReason for STATE\' $\'NS\\tIPC namespace\' $\'NAME\\tName\' $\'BORN\\tTime of the creation; none for queues\' $\'MTIME\\tLast send or receive; for segments, the last recorded write\' $\'ATIME\\tTime of the last recorded read or mapping\' $\'USERS\\tPIDs of processes that have it open or mapped\' $\'INODE\\tInode\' $\'DEVICE\\tDevice of the file system\' $\'MSGS\\tMessages on the queue\' $\'USEDBYTES\\tBytes in the messages\' $\'QBYTES\\tMaximum of bytes, and of messages\' $\'USE%\\tUSEDBYTES or MSGS as a share of QBYTES, the larger one\' $\'LSPID\\tProcess of the last send\' $\'LRPID\\tProcess of the last receive\' $\'SEND\\tTime of the last send\' $\'RECV\\tTime of the last receive\' $\'WAITERS\\tPIDs of waiting processes\' $\'SIZE\\tSize\' $\'RSS\\tBytes in memory\' $\'SWAP\\tBytes in swap\' $\'NATTCH\\tAttachments\' $\'STATUS\\tdest: destroyed at last detachment; locked: not swapped\' $\'CPID\\tProcess that created it\' $\'LPID\\tProcess of the last use\' $\'ATTACH\\tTime of the last attachment\' $\'DETACH\\tTime of the last detachment\' $\'COMMAND\\tCommand line of CPID\' $\'ATTACHED\\tPIDs of processes with an attachment\' $\'NSEMS\\tSemaphores\' $\'OTIME\\tTime of the last operation\' $\'VALUES\\tValue of each semaphore\' $\'NCOUNT\\tProcesses that wait for a higher value\' $\'ZCOUNT\\tProcesses that wait for zero\' $\'MAXMSG\\tMaximum number of messages\' $\'MSGSIZE\\tMaximum size of a message\' $\'NOTIFY\\tProcess that mq_notify(3) has registered\' $\'MAPPED\\tPIDs of processes that have it mapped\' $\'VALUE\\tValue of the semaphore\''
        [--time-format]=$'words $\'short\\ttime of day if today, else the date, as in lsipc\' $\'full\\tas in ctime(3)\' $\'iso\\tISO 8601 with the offset of the local zone\' $\'relative\\ttime since then, such as 5m ago\' $\'epoch\\tseconds since 1970\''
        [--ns]='namespace'
        [--color]=$'words $\'auto\\ton a terminal\' $\'always\\tanywhere\' $\'never\\tnowhere\''
      )
      attached=(
        [--watch]=$'words \'0.5\' \'1\' \'5\''
      )
      operands=(
        'target'
      )
      many='yes' wraps=''
      ;;
    key)
      options=(
        $'-v\tPrint the objects that have the key, too'
        $'--verbose\tPrint the objects that have the key, too'
        $'--ns\tWork in the IPC namespace of a process or file'
        $'--color\tColour the output'
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
      many='' wraps=''
      ;;
    make)
      options=(
        $'-M\tA segment of SIZE bytes'
        $'--shmem\tA segment of SIZE bytes'
        $'-S\tA set of NSEMS semaphores'
        $'--semaphore\tA set of NSEMS semaphores'
        $'-Q\tA message queue'
        $'--queue\tA message queue'
        $'-m\tA POSIX segment of SIZE bytes, which take memory when they are written'
        $'--posix-shmem\tA POSIX segment of SIZE bytes, which take memory when they are written'
        $'-s\tA POSIX semaphore'
        $'--posix-semaphore\tA POSIX semaphore'
        $'-q\tA POSIX message queue'
        $'--posix-mqueue\tA POSIX message queue'
        $'-n\tName of the POSIX objects; each needs one'
        $'--name\tName of the POSIX objects; each needs one'
        $'-p\tPermissions in octal; the umask reduces those of POSIX objects'
        $'--mode\tPermissions in octal; the umask reduces those of POSIX objects'
        $'-k\tKey: decimal, 0x hexadecimal, 0 octal, or ftok:PATH[:PROJ]'
        $'--key\tKey: decimal, 0x hexadecimal, 0 octal, or ftok:PATH[:PROJ]'
        $'--private\tNo key (IPC_PRIVATE)'
        $'--exist-ok\tAccept an existing object with the key or the name, and leave it unchanged; fail if it is smaller than requested'
        $'--qbytes\tCapacity of the queue in bytes'
        $'--maxmsg\tMaximum messages of -q'
        $'--msgsize\tMaximum bytes of a message of -q'
        $'--values\tValues of the semaphores of -S, 0 to 32767 each, or the value of -s'
        $'--owner\tOwner by name or number, as in chown(1); :GROUP sets only the group'
        $'-i\tPrint only ids and names: segments, queues, semaphores'
        $'--id-only\tPrint only ids and names: segments, queues, semaphores'
        $'-J\tPrint the objects as JSON'
        $'--json\tPrint the objects as JSON'
        $'--ns\tWork in the IPC namespace of a process or file'
        $'--color\tColour the output'
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
        [-m]=$'words $\'4K\\t4096\' $\'64K\\t65536\' $\'1M\\t1048576\' $\'1G\\t1073741824\''
        [--posix-shmem]=$'words $\'4K\\t4096\' $\'64K\\t65536\' $\'1M\\t1048576\' $\'1G\\t1073741824\''
        [-n]=''
        [--name]=''
        [-p]=$'words $\'600\\towner\' $\'660\\towner and group\' $\'644\\tothers may read\' $\'666\\teveryone\''
        [--mode]=$'words $\'600\\towner\' $\'660\\towner and group\' $\'644\\tothers may read\' $\'666\\teveryone\''
        [-k]='ftok'
        [--key]='ftok'
        [--qbytes]=$'words $\'4K\\t4096\' $\'16K\\t16384\' $\'64K\\t65536\''
        [--maxmsg]=''
        [--msgsize]=$'words $\'4K\\t4096\' $\'64K\\t65536\' $\'1M\\t1048576\' $\'1G\\t1073741824\''
        [--values]=''
        [--owner]='owner'
        [--ns]='namespace'
        [--color]=$'words $\'auto\\ton a terminal\' $\'always\\tanywhere\' $\'never\\tnowhere\''
      )
      many='' wraps=''
      ;;
    set)
      options=(
        $'-q\tThe message queue of that name'
        $'--queues\tThe message queue of that name'
        $'-m\tThe segment of that name'
        $'--shmems\tThe segment of that name'
        $'-s\tThe semaphore set or POSIX semaphore of that name'
        $'--semaphores\tThe semaphore set or POSIX semaphore of that name'
        $'--mode\tPermissions in octal'
        $'--owner\tOwner by name or number, as in chown(1): USER keeps the group, :GROUP keeps the user'
        $'--size\tSize of a POSIX segment'
        $'--qbytes\tCapacity of a queue in bytes; more than msgmnb requires CAP_SYS_RESOURCE'
        $'--value\tValue of one semaphore of a set, 0 to 32767; may be repeated'
        $'--values\tValues of all semaphores of a set, in one step'
        $'--lock\tLock a segment in memory: it is not swapped'
        $'--unlock\tUnlock a segment'
        $'--ns\tWork in the IPC namespace of a process or file'
        $'--color\tColour the output'
        $'-V\tShow the version'
        $'--version\tShow the version'
        $'-h\tShow this help'
        $'--help\tShow this help'
      )
      values=(
        [--mode]=$'words $\'600\\towner\' $\'660\\towner and group\' $\'644\\tothers may read\' $\'666\\teveryone\''
        [--owner]='owner'
        [--size]=$'words $\'4K\\t4096\' $\'64K\\t65536\' $\'1M\\t1048576\' $\'1G\\t1073741824\''
        [--qbytes]=$'words $\'4K\\t4096\' $\'16K\\t16384\' $\'64K\\t65536\''
        [--value]=''
        [--values]=''
        [--ns]='namespace'
        [--color]=$'words $\'auto\\ton a terminal\' $\'always\\tanywhere\' $\'never\\tnowhere\''
      )
      operands=(
        'target'
      )
      many='' wraps=''
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
        $'--posix-mqueue\tA POSIX queue by name'
        $'--posix-shmem\tA POSIX segment by name'
        $'--posix-semaphore\tA POSIX semaphore by name'
        $'-a\tAll of msg, shm, sem, pmsg, pshm, psem, sysv or posix'
        $'--all\tAll of msg, shm, sem, pmsg, pshm, psem, sysv or posix'
        $'--owner\tOwned by USER; if repeated, by any of them'
        $'--created-by\tCreated by USER; if repeated, by any of them'
        $'--mine\tCreated or owned by you'
        $'--key\tWith KEY; if repeated, with any of them'
        $'--private\tWithout a key (IPC_PRIVATE)'
        $'--match\tPOSIX objects named like GLOB; if repeated, any'
        $'--older-than\tChanged more than DURATION ago: 30s, 10m, 2h, 7d'
        $'--idle\tNot used for DURATION, nor attached or waited on'
        $'--unattached\tSegments that nobody has attached, open or mapped'
        $'--empty\tQueues without messages'
        $'--orphaned\tSegments whose users are gone, and POSIX objects that nobody has open'
        $'--suspect\tOrphaned objects; queues and sets whose users are gone; unused POSIX queues with messages'
        $'--not-in\tNot in FILE (list -J > FILE); if repeated, in none'
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
        $'-o\tColumns; +COL,... adds to the default ones'
        $'--output\tColumns; +COL,... adds to the default ones'
        $'-w\tOmit and cut no column of a table'
        $'--wide\tOmit and cut no column of a table'
        $'--noheadings\tOmit headings, and keep columns that do not fit'
        $'--sort\tSort by a column; -COL sorts in reverse'
        $'--time-format\tFormat of times'
        $'-P\tPermissions as 0644 instead of rw-r--r--'
        $'--numeric-perms\tPermissions as 0644 instead of rw-r--r--'
        $'-b\tSizes in bytes, also in a table'
        $'--bytes\tSizes in bytes, also in a table'
        $'--human\tSizes with units, as 64K, except in JSON'
        $'--ns\tWork in the IPC namespace of a process or file'
        $'--color\tColour the output'
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
        [--posix-mqueue]='name'
        [--posix-shmem]='name'
        [--posix-semaphore]='name'
        [--owner]='user'
        [--created-by]='user'
        [--key]='key'
        [--match]=''
        [--older-than]=$'words $\'30s\\tseconds\' $\'10m\\tminutes\' $\'2h\\thours\' $\'7d\\tdays\''
        [--idle]=$'words $\'30s\\tseconds\' $\'10m\\tminutes\' $\'2h\\thours\' $\'7d\\tdays\''
        [--not-in]='file'
        [-f]=$'words $\'table\\ttables for people\' $\'plain\\tlayout of util-linux, for scripts; with -o, columns of text\' $\'json\\tone JSON document\' $\'jsonl\\tone JSON object per line\' $\'csv\\tcomma-separated values with a line of headings\' $\'tsv\\ttab-separated values with a line of headings\' $\'export\\tshell assignments, one line per object\' $\'openmetrics\\tgauges for Prometheus and compatible programs\''
        [--format]=$'words $\'table\\ttables for people\' $\'plain\\tlayout of util-linux, for scripts; with -o, columns of text\' $\'json\\tone JSON document\' $\'jsonl\\tone JSON object per line\' $\'csv\\tcomma-separated values with a line of headings\' $\'tsv\\ttab-separated values with a line of headings\' $\'export\\tshell assignments, one line per object\' $\'openmetrics\\tgauges for Prometheus and compatible programs\''
        [-o]=$'columns $\'KIND\\tKind of object: msg, shm or sem; POSIX: pmsg, pshm or psem\' $\'KEY\\tKey\' $\'ID\\tId\' $\'OWNER\\tOwner\\\'s name\' $\'PERMS\\tPermissions\' $\'CUID\\tCreator\\\'s uid\' $\'CUSER\\tCreator\\\'s name\' $\'CGID\\tCreator\\\'s gid\' $\'CGROUP\\tCreator\\\'s group\' $\'UID\\tOwner\\\'s uid\' $\'USER\\tOwner\\\'s name\' $\'GID\\tOwner\\\'s gid\' $\'GROUP\\tOwner\\\'s group\' $\'CTIME\\tTime of the last change\' $\'AGE\\tTime since the last change\' $\'STATE\\tin-use, orphaned, suspect or unknown (one scan of /proc)\' $\'REASON\\tReason for STATE\' $\'NS\\tIPC namespace\' $\'NAME\\tName\' $\'BORN\\tTime of the creation; none for queues\' $\'MTIME\\tLast send or receive; for segments, the last recorded write\' $\'ATIME\\tTime of the last recorded read or mapping\' $\'USERS\\tPIDs of processes that have it open or mapped\' $\'INODE\\tInode\' $\'DEVICE\\tDevice of the file system\' $\'MSGS\\tMessages on the queue\' $\'USEDBYTES\\tBytes in the messages\' $\'QBYTES\\tMaximum of bytes, and of messages\' $\'USE%\\tUSEDBYTES or MSGS as a share of QBYTES, the larger one\' $\'LSPID\\tProcess of the last send\' $\'LRPID\\tProcess of the last receive\' $\'SEND\\tTime of the last send\' $\'RECV\\tTime of the last receive\' $\'WAITERS\\tPIDs of waiting processes\' $\'SIZE\\tSize\' $\'RSS\\tBytes in memory\' $\'SWAP\\tBytes in swap\' $\'NATTCH\\tAttachments\' $\'STATUS\\tdest: destroyed at last detachment; locked: not swapped\' $\'CPID\\tProcess that created it\' $\'LPID\\tProcess of the last use\' $\'ATTACH\\tTime of the last attachment\' $\'DETACH\\tTime of the last detachment\' $\'COMMAND\\tCommand line of CPID\' $\'ATTACHED\\tPIDs of processes with an attachment\' $\'NSEMS\\tSemaphores\' $\'OTIME\\tTime of the last operation\' $\'VALUES\\tValue of each semaphore\' $\'NCOUNT\\tProcesses that wait for a higher value\' $\'ZCOUNT\\tProcesses that wait for zero\' $\'MAXMSG\\tMaximum number of messages\' $\'MSGSIZE\\tMaximum size of a message\' $\'NOTIFY\\tProcess that mq_notify(3) has registered\' $\'MAPPED\\tPIDs of processes that have it mapped\' $\'VALUE\\tValue of the semaphore\''
        [--output]=$'columns $\'KIND\\tKind of object: msg, shm or sem; POSIX: pmsg, pshm or psem\' $\'KEY\\tKey\' $\'ID\\tId\' $\'OWNER\\tOwner\\\'s name\' $\'PERMS\\tPermissions\' $\'CUID\\tCreator\\\'s uid\' $\'CUSER\\tCreator\\\'s name\' $\'CGID\\tCreator\\\'s gid\' $\'CGROUP\\tCreator\\\'s group\' $\'UID\\tOwner\\\'s uid\' $\'USER\\tOwner\\\'s name\' $\'GID\\tOwner\\\'s gid\' $\'GROUP\\tOwner\\\'s group\' $\'CTIME\\tTime of the last change\' $\'AGE\\tTime since the last change\' $\'STATE\\tin-use, orphaned, suspect or unknown (one scan of /proc)\' $\'REASON\\tReason for STATE\' $\'NS\\tIPC namespace\' $\'NAME\\tName\' $\'BORN\\tTime of the creation; none for queues\' $\'MTIME\\tLast send or receive; for segments, the last recorded write\' $\'ATIME\\tTime of the last recorded read or mapping\' $\'USERS\\tPIDs of processes that have it open or mapped\' $\'INODE\\tInode\' $\'DEVICE\\tDevice of the file system\' $\'MSGS\\tMessages on the queue\' $\'USEDBYTES\\tBytes in the messages\' $\'QBYTES\\tMaximum of bytes, and of messages\' $\'USE%\\tUSEDBYTES or MSGS as a share of QBYTES, the larger one\' $\'LSPID\\tProcess of the last send\' $\'LRPID\\tProcess of the last receive\' $\'SEND\\tTime of the last send\' $\'RECV\\tTime of the last receive\' $\'WAITERS\\tPIDs of waiting processes\' $\'SIZE\\tSize\' $\'RSS\\tBytes in memory\' $\'SWAP\\tBytes in swap\' $\'NATTCH\\tAttachments\' $\'STATUS\\tdest: destroyed at last detachment; locked: not swapped\' $\'CPID\\tProcess that created it\' $\'LPID\\tProcess of the last use\' $\'ATTACH\\tTime of the last attachment\' $\'DETACH\\tTime of the last detachment\' $\'COMMAND\\tCommand line of CPID\' $\'ATTACHED\\tPIDs of processes with an attachment\' $\'NSEMS\\tSemaphores\' $\'OTIME\\tTime of the last operation\' $\'VALUES\\tValue of each semaphore\' $\'NCOUNT\\tProcesses that wait for a higher value\' $\'ZCOUNT\\tProcesses that wait for zero\' $\'MAXMSG\\tMaximum number of messages\' $\'MSGSIZE\\tMaximum size of a message\' $\'NOTIFY\\tProcess that mq_notify(3) has registered\' $\'MAPPED\\tPIDs of processes that have it mapped\' $\'VALUE\\tValue of the semaphore\''
        [--sort]=$'column $\'KIND\\tKind of object: msg, shm or sem; POSIX: pmsg, pshm or psem\' $\'KEY\\tKey\' $\'ID\\tId\' $\'OWNER\\tOwner\\\'s name\' $\'PERMS\\tPermissions\' $\'CUID\\tCreator\\\'s uid\' $\'CUSER\\tCreator\\\'s name\' $\'CGID\\tCreator\\\'s gid\' $\'CGROUP\\tCreator\\\'s group\' $\'UID\\tOwner\\\'s uid\' $\'USER\\tOwner\\\'s name\' $\'GID\\tOwner\\\'s gid\' $\'GROUP\\tOwner\\\'s group\' $\'CTIME\\tTime of the last change\' $\'AGE\\tTime since the last change\' $\'STATE\\tin-use, orphaned, suspect or unknown (one scan of /proc)\' $\'REASON\\tReason for STATE\' $\'NS\\tIPC namespace\' $\'NAME\\tName\' $\'BORN\\tTime of the creation; none for queues\' $\'MTIME\\tLast send or receive; for segments, the last recorded write\' $\'ATIME\\tTime of the last recorded read or mapping\' $\'USERS\\tPIDs of processes that have it open or mapped\' $\'INODE\\tInode\' $\'DEVICE\\tDevice of the file system\' $\'MSGS\\tMessages on the queue\' $\'USEDBYTES\\tBytes in the messages\' $\'QBYTES\\tMaximum of bytes, and of messages\' $\'USE%\\tUSEDBYTES or MSGS as a share of QBYTES, the larger one\' $\'LSPID\\tProcess of the last send\' $\'LRPID\\tProcess of the last receive\' $\'SEND\\tTime of the last send\' $\'RECV\\tTime of the last receive\' $\'WAITERS\\tPIDs of waiting processes\' $\'SIZE\\tSize\' $\'RSS\\tBytes in memory\' $\'SWAP\\tBytes in swap\' $\'NATTCH\\tAttachments\' $\'STATUS\\tdest: destroyed at last detachment; locked: not swapped\' $\'CPID\\tProcess that created it\' $\'LPID\\tProcess of the last use\' $\'ATTACH\\tTime of the last attachment\' $\'DETACH\\tTime of the last detachment\' $\'COMMAND\\tCommand line of CPID\' $\'ATTACHED\\tPIDs of processes with an attachment\' $\'NSEMS\\tSemaphores\' $\'OTIME\\tTime of the last operation\' $\'VALUES\\tValue of each semaphore\' $\'NCOUNT\\tProcesses that wait for a higher value\' $\'ZCOUNT\\tProcesses that wait for zero\' $\'MAXMSG\\tMaximum number of messages\' $\'MSGSIZE\\tMaximum size of a message\' $\'NOTIFY\\tProcess that mq_notify(3) has registered\' $\'MAPPED\\tPIDs of processes that have it mapped\' $\'VALUE\\tValue of the semaphore\''
        [--time-format]=$'words $\'short\\ttime of day if today, else the date, as in lsipc\' $\'full\\tas in ctime(3)\' $\'iso\\tISO 8601 with the offset of the local zone\' $\'relative\\ttime since then, such as 5m ago\' $\'epoch\\tseconds since 1970\''
        [--ns]='namespace'
        [--color]=$'words $\'auto\\ton a terminal\' $\'always\\tanywhere\' $\'never\\tnowhere\''
      )
      attached=(
        [-a]=$'words $\'msg\\tmessage queues\' $\'shm\\tsegments\' $\'sem\\tsemaphore sets\' $\'pmsg\\tPOSIX queues\' $\'pshm\\tPOSIX segments\' $\'psem\\tPOSIX semaphores\' $\'sysv\\tall System V kinds\' $\'posix\\tall POSIX kinds\''
        [--all]=$'words $\'msg\\tmessage queues\' $\'shm\\tsegments\' $\'sem\\tsemaphore sets\' $\'pmsg\\tPOSIX queues\' $\'pshm\\tPOSIX segments\' $\'psem\\tPOSIX semaphores\' $\'sysv\\tall System V kinds\' $\'posix\\tall POSIX kinds\''
      )
      operands=(
        'removable'
      )
      many='yes' wraps=''
      ;;
    send)
      options=(
        $'-t\tType of the messages, a positive long; with --json, of messages without a type'
        $'--type\tType of the messages, a positive long; with --json, of messages without a type'
        $'--priority\tPriority of the messages of a POSIX queue, 0 to 32767; with --json, of messages without a priority'
        $'-l\tOne message per line, without the newline'
        $'--lines\tOne message per line, without the newline'
        $'-0\tOne message per record that ends with a NUL'
        $'--null\tOne message per record that ends with a NUL'
        $'-F\tRead FILE; - is standard input'
        $'--file\tRead FILE; - is standard input'
        $'--hex\tMessages as hex digits'
        $'-J\tMessages as lines of `recv -J`'
        $'--json\tMessages as lines of `recv -J`'
        $'--pack\tPack the arguments as the fields of a C struct, in the notation of Python\'s struct module: i is an int, l a long, d a double, 8s a char[8], and 0l pads the end as C does'
        $'-z\tAppend a NUL to each message, as in C strings'
        $'--nul\tAppend a NUL to each message, as in C strings'
        $'--timeout\tWait at most SECONDS for each message, then exit with status 3'
        $'--nowait\tDo not wait: exit with status 3 instead'
        $'--progress\tShow the progress on the terminal'
        $'--ns\tWork in the IPC namespace of a process or file'
        $'--color\tColour the output'
        $'-V\tShow the version'
        $'--version\tShow the version'
        $'-h\tShow this help'
        $'--help\tShow this help'
      )
      values=(
        [-t]=''
        [--type]=''
        [--priority]=''
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
      many='yes' wraps=''
      ;;
    recv)
      options=(
        $'-t\tType of the messages'
        $'--type\tType of the messages'
        $'-x\tAny type except that of -t'
        $'--except\tAny type except that of -t'
        $'-n\tNumber of messages'
        $'--count\tNumber of messages'
        $'-a\tAll messages on the queue, without waiting; status 0 even if there is none'
        $'--all\tAll messages on the queue, without waiting; status 0 even if there is none'
        $'-F\tAll messages until a signal ends recv'
        $'--follow\tAll messages until a signal ends recv'
        $'--peek\tLeave the messages on the queue, and do not wait'
        $'--max-size\tLargest message to take'
        $'--truncate\tCut larger messages at --max-size; the rest is lost'
        $'--timeout\tWait at most SECONDS for each message, then exit with status 3'
        $'--nowait\tDo not wait: exit with status 3 instead'
        $'-J\tShort for --format json'
        $'--json\tShort for --format json'
        $'-f\tFormat of the messages'
        $'--format\tFormat of the messages'
        $'--unpack\tPrint the fields of a C struct, in the notation of Python\'s struct module, separated by tabs'
        $'-0\tEnd each message with a NUL, not with a newline'
        $'--null\tEnd each message with a NUL, not with a newline'
        $'-u\tWrite each message by itself, as -F does'
        $'--unbuffered\tWrite each message by itself, as -F does'
        $'--with-type\tPrint the type, or the priority, and a tab before each message'
        $'--exec\tRun CMD with sh for each message, with the message as standard input'
        $'--ns\tWork in the IPC namespace of a process or file'
        $'--color\tColour the output'
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
        [-f]=$'words $\'text\\twithout trailing NULs, with a newline at the end\' $\'raw\\tunchanged\' $\'hex\\ta dump\' $\'json\\tone JSON object per line\' $\'unpack\\tthe fields of a C struct, separated by tabs; see --unpack\''
        [--format]=$'words $\'text\\twithout trailing NULs, with a newline at the end\' $\'raw\\tunchanged\' $\'hex\\ta dump\' $\'json\\tone JSON object per line\' $\'unpack\\tthe fields of a C struct, separated by tabs; see --unpack\''
        [--unpack]=$'words $\'b\\tsigned char\' $\'h\\tshort\' $\'i\\tint\' $\'I\\tunsigned int\' $\'l\\tlong\' $\'q\\tlong long\' $\'f\\tfloat\' $\'d\\tdouble\' $\'8s\\tchar[8]\' $\'0l\\tpadding at the end, as for a long in C\''
        [--exec]='command'
        [--ns]='namespace'
        [--color]=$'words $\'auto\\ton a terminal\' $\'always\\tanywhere\' $\'never\\tnowhere\''
      )
      operands=(
        'target:msg'
      )
      many='' wraps=''
      ;;
    op)
      options=(
        $'--undo\tUndo all operations when the process ends (SEM_UNDO)'
        $'-E\tExit status instead of 3, if the operations would wait or waited too long'
        $'--conflict-exit-code\tExit status instead of 3, if the operations would wait or waited too long'
        $'--timeout\tWait at most SECONDS, then exit with status 3'
        $'--nowait\tDo not wait: exit with status 3 instead'
        $'--ns\tWork in the IPC namespace of a process or file'
        $'--color\tColour the output'
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
      many='yes' wraps='--'
      ;;
    read)
      options=(
        $'--offset\tOffset of the first byte'
        $'--length\tLargest number of bytes'
        $'-f\tFormat of the bytes'
        $'--format\tFormat of the bytes'
        $'--unpack\tPrint the fields of a C struct, in the notation of Python\'s struct module, separated by tabs'
        $'--ns\tWork in the IPC namespace of a process or file'
        $'--color\tColour the output'
        $'-V\tShow the version'
        $'--version\tShow the version'
        $'-h\tShow this help'
        $'--help\tShow this help'
      )
      values=(
        [--offset]=$'words $\'4K\\t4096\' $\'64K\\t65536\' $\'1M\\t1048576\' $\'1G\\t1073741824\''
        [--length]=$'words $\'4K\\t4096\' $\'64K\\t65536\' $\'1M\\t1048576\' $\'1G\\t1073741824\''
        [-f]=$'words $\'raw\\tunchanged\' $\'hex\\ta dump; repeated rows are folded\' $\'unpack\\tthe fields of a C struct; see --unpack\''
        [--format]=$'words $\'raw\\tunchanged\' $\'hex\\ta dump; repeated rows are folded\' $\'unpack\\tthe fields of a C struct; see --unpack\''
        [--unpack]=$'words $\'b\\tsigned char\' $\'h\\tshort\' $\'i\\tint\' $\'I\\tunsigned int\' $\'l\\tlong\' $\'q\\tlong long\' $\'f\\tfloat\' $\'d\\tdouble\' $\'8s\\tchar[8]\' $\'0l\\tpadding at the end, as for a long in C\''
        [--ns]='namespace'
        [--color]=$'words $\'auto\\ton a terminal\' $\'always\\tanywhere\' $\'never\\tnowhere\''
      )
      operands=(
        'target:shm'
      )
      many='' wraps=''
      ;;
    write)
      options=(
        $'--offset\tOffset of the first byte'
        $'-F\tRead FILE; - is standard input'
        $'--file\tRead FILE; - is standard input'
        $'--hex\tData as hex digits'
        $'--pack\tPack DATA as the fields of a C struct, in the notation of Python\'s struct module: i is an int, l a long, d a double, 8s a char[8], and 0l pads the end as C does'
        $'--ns\tWork in the IPC namespace of a process or file'
        $'--color\tColour the output'
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
      many='yes' wraps=''
      ;;
    run)
      options=(
        $'--private\tGive CMD an IPC namespace and a /dev/mqueue of its own'
        $'--shm\tThe /dev/shm of CMD, for POSIX segments and semaphores'
        $'--rm\tRemove leftover objects that are orphaned or suspect, in a shared namespace or /dev/shm; also queues and sets in doubt, if their mode excludes other users and no other process of yours could use them'
        $'-f\tFormat of the report'
        $'--format\tFormat of the report'
        $'-J\tShort for --format json'
        $'--json\tShort for --format json'
        $'--report\tWrite the report to a file, or to an open descriptor that CMD does not inherit'
        $'--color\tColour the output'
        $'-V\tShow the version'
        $'--version\tShow the version'
        $'-h\tShow this help'
        $'--help\tShow this help'
      )
      values=(
        [--private]=$'words $\'auto\\tif the kernel permits it\' $\'always\\tfail if the kernel refuses it\' $\'never\\trun CMD in the current namespace\''
        [--shm]=$'words $\'shared\\tthat of the current namespace\' $\'private\\tan empty one, which is removed after CMD\' $\'ignore\\tshared, and not examined\''
        [-f]=$'words $\'table\\ttables for people\' $\'plain\\tcolumns of text\' $\'json\\tone JSON document\' $\'jsonl\\tone JSON object per line\' $\'csv\\tcomma-separated values with a line of headings\' $\'tsv\\ttab-separated values with a line of headings\' $\'export\\tshell assignments, one line per object\''
        [--format]=$'words $\'table\\ttables for people\' $\'plain\\tcolumns of text\' $\'json\\tone JSON document\' $\'jsonl\\tone JSON object per line\' $\'csv\\tcomma-separated values with a line of headings\' $\'tsv\\ttab-separated values with a line of headings\' $\'export\\tshell assignments, one line per object\''
        [--report]='file'
        [--color]=$'words $\'auto\\ton a terminal\' $\'always\\tanywhere\' $\'never\\tnowhere\''
      )
      many='yes' wraps='first'
      ;;
    help)
      options=(
        $'--color\tColour the output'
        $'-V\tShow the version'
        $'--version\tShow the version'
        $'-h\tShow this help'
        $'--help\tShow this help'
      )
      values=(
        [--color]=$'words $\'auto\\ton a terminal\' $\'always\\tanywhere\' $\'never\\tnowhere\''
      )
      operands=(
        $'words $\'list\\tShow System V and POSIX IPC objects, limits and usage.\' $\'stat\\tShow all details of objects.\' $\'key\\tPrint the ftok(3) key of a file.\' $\'make\\tCreate System V and POSIX IPC objects, all of them or none.\' $\'set\\tChange modes, owners, sizes, values of semaphores, locking.\' $\'rm\\tRemove objects by id, key or name, or all of some kinds.\' $\'send\\tSend messages to a queue.\' $\'recv\\tReceive messages from a queue, or peek at them.\' $\'op\\tOperate on semaphores, or hold them while a command runs.\' $\'read\\tRead bytes from a segment.\' $\'write\\tWrite bytes into a segment.\' $\'run\\tRun a command, and report the objects it leaves behind.\' $\'help\\tShow the help of a command, the columns or the formats.\' $\'version\\tPrint the version.\' $\'completion\\tPrint the completion file of a shell.\' $\'columns\\tColumns for -o and --sort.\' $\'formats\\tFormats of output and of times.\''
      )
      many='' wraps=''
      ;;
    version)
      options=(
        $'--color\tColour the output'
        $'-V\tShow the version'
        $'--version\tShow the version'
        $'-h\tShow this help'
        $'--help\tShow this help'
      )
      values=(
        [--color]=$'words $\'auto\\ton a terminal\' $\'always\\tanywhere\' $\'never\\tnowhere\''
      )
      many='' wraps=''
      ;;
    completion)
      options=(
        $'--color\tColour the output'
        $'-V\tShow the version'
        $'--version\tShow the version'
        $'-h\tShow this help'
        $'--help\tShow this help'
      )
      values=(
        [--color]=$'words $\'auto\\ton a terminal\' $\'always\\tanywhere\' $\'never\\tnowhere\''
      )
      operands=(
        $'words $\'bash\\tcode for eval in .bashrc\' $\'zsh\\tfile of a directory in fpath, or code for eval after compinit\' $\'fish\\tcode for source in config.fish, or file of a directory of completions\''
      )
      many='' wraps=''
      ;;
  esac
}

# Offer the matching lines of a text. Each line is a word, or a word, a tab and a description; only
# a list shows the descriptions.
_pyipcs_offer() {
  local line word width=0 has_several='' lacks_description=''
  local -a matches=() lines=()
  for line in $1; do
    [[ $line = "$cur"* ]] || continue
    word=${line%%$'\t'*}
    matches+=("$prefix$word") lines+=("$prefix$line")
    [[ $line = *$'\t'* ]] || lacks_description=yes
    [[ $prefix$word = "${matches[0]}" ]] || has_several=yes
    (( ${#word} > width )) && width=${#word}
  done
  # 63, 33 and 64 are ?, ! and @: the types of completion that list the words.
  if [[ -n $has_several && -z $lacks_description && $COMP_TYPE = @(63|33|64) ]]; then
    local IFS=$'\t'
    # shellcheck disable=SC2048,SC2086 # split each line at its tab
    printf -v line "%-$(( ${#prefix} + width ))s  (%s)\n" ${lines[*]}
    IFS=$'\n'
    # shellcheck disable=SC2206 # split at newlines
    COMPREPLY+=($line)
  else
    COMPREPLY+=("${matches[@]}")
  fi
}

# Offer existing objects, processes or namespaces, found by the program.
_pyipcs_lookup() {
  _pyipcs_offer "$("$program" --complete "$1" "$cur" "${words[@]:1:cword-1}" 2>/dev/null)"
}

# Offer files, users, commands and so on, by the options of compgen.
_pyipcs_compgen() {
  local word
  for word in $(compgen "$@" -- "$cur"); do COMPREPLY+=("$prefix$word"); done
}

_pyipcs_files() {
  local i
  compopt -o filenames
  _pyipcs_compgen -f
  # bash recognizes a directory only if the word is just its path.
  [[ -n ${prefix#"$kept"} ]] || return
  for i in "${!COMPREPLY[@]}"; do
    [[ -d ${COMPREPLY[i]#"$prefix"} ]] && COMPREPLY[i]+=/ && compopt -o nospace
  done
}

# Complete the words of another command, from its position.
_pyipcs_wrapped() {
  if declare -F _command_offset >/dev/null; then
    local IFS=$' \t\n'
    set +f
    _command_offset "$1"
  elif (( cword == $1 )); then
    _pyipcs_compgen -c
  else
    _pyipcs_files
  fi
}

# Offer the choices for a value: a list of words, or the result of a lookup.
_pyipcs_value() {
  local kind=$1 text=$cur
  shift
  case $kind in
    words) _pyipcs_offer "$*" ;;
    columns | column)
      compopt -o nospace
      [[ $kind = column ]] && cur=${cur#-} || cur=${cur##*[+,]}
      prefix+=${text%%"$cur"} cur=${cur^^}
      _pyipcs_offer "$*"
      ;;
    target* | id* | key* | name | name:*)
      _pyipcs_lookup "$kind"
      [[ $kind != id* && $kind != name* && ${#COMPREPLY[@]} = 0 ]] && _pyipcs_value ftok
      ;;
    ftok)
      if [[ $cur = ftok:* ]]; then
        prefix+=ftok: cur=${cur#ftok:}
        _pyipcs_files
      elif [[ -n $cur && ftok: = "$cur"* ]]; then
        compopt -o nospace
        COMPREPLY+=("${prefix}ftok:")
      fi
      ;;
    file) _pyipcs_files ;;
    user) _pyipcs_compgen -u ;;
    owner)
      [[ $cur = *:* ]] || { _pyipcs_compgen -u; return; }
      prefix+=${cur%%:*}: cur=${cur#*:}
      _pyipcs_compgen -g
      ;;
    namespace)
      if [[ $cur = [0-9]* || -z $cur ]]; then _pyipcs_lookup namespace; else _pyipcs_files; fi
      ;;
    process) _pyipcs_lookup process ;;
    command) _pyipcs_compgen -c ;;
    removable)
      case ${typed[0]-} in
        msg | shm | sem) _pyipcs_lookup "id:${typed[0]}" ;;
        '')
          _pyipcs_value words msg shm sem
          _pyipcs_value target
          ;;
        *) _pyipcs_value target ;;
      esac
      ;;
  esac
}

# Find the first bundled short option with a value; set its name and the attached value.
_pyipcs_bundle() {
  local i
  name='' value=''
  for (( i = 1; i < ${#1}; i++ )); do
    name=-${1:i:1} value=${1:i+1}
    [[ -n ${values[$name]+set}${attached[$name]+set} ]] && return
  done
  return 1
}

# Set the target of a redirection, if the word is a redirection or its start.
_pyipcs_redirects() {
  [[ $1 = *[\<\>]* && ${1%%[<>]*} = *([0-9&]) ]] || return
  redirected=${1##*[<>]} redirected=${redirected#[&|]}
}

_pyipcs() {
  local -
  set +eu -f
  local IFS=$'\n' program prefix='' command='' wraps='' many='' pending='' after_dashes=''
  local cur word blanks piece rest=${COMP_LINE:0:COMP_POINT} name value i cword position
  local kept head='' quotes redirected=''
  local -a words=() options=() operands=() typed=()
  local -A values=() attached=()
  program=${1//[\"\'\\]/} program=${program/#\~\//$HOME/}
  # Join the pieces of each word: bash also splits words at = and : (COMP_WORDBREAKS).
  for (( i = 0; i <= COMP_CWORD; i++ )); do
    blanks=${rest%%[![:space:]]*} rest=${rest#"${rest%%[![:space:]]*}"} piece=${COMP_WORDS[i]}
    if (( i == COMP_CWORD )); then
      piece=$rest quotes=${rest//[^\"\']/}
      # bash makes the text after an open quote a piece of its own.
      if (( ${#quotes} % 2 )); then
        head=${rest%%[\"\']*} piece=${rest##*[\"\']}
        # An expansion inside double quotes cannot be completed.
        [[ $quotes = *\" && $piece = *\$* ]] && return 0
      fi
    fi
    rest=${rest#"${COMP_WORDS[i]}"}
    if [[ $i = 0 || -n $blanks ]]; then words+=("$head$piece"); else words[-1]+=$head$piece; fi
  done
  cword=$(( ${#words[@]} - 1 )) cur=${words[-1]}
  # bash replaces only the last piece of the word and keeps the others.
  [[ $piece = [:=@] && $COMP_WORDBREAKS = *"$piece"* ]] && piece=''
  kept=${cur%%"$piece"}
  _pyipcs_grammar ''
  for (( i = 1; i < cword; i++ )); do
    word=${words[i]}
    pending=''
    if _pyipcs_redirects "$word"; then
      [[ -n $redirected ]] || pending=redirection
    elif [[ -z $after_dashes && $word = -- ]]; then
      after_dashes=yes
      [[ $wraps = -- ]] && { _pyipcs_wrapped $(( i + 1 )); return 0; }
    elif [[ -z $after_dashes && $word = --?* ]]; then
      [[ -n ${values[$word]+set} ]] && pending=$word
    elif [[ -z $after_dashes && $word = -[a-zA-Z0]* ]]; then
      _pyipcs_bundle "$word" && [[ -z $value && -n ${values[$name]+set} ]] && pending=$name
    elif [[ -z $command ]]; then
      command=$word options=() values=()
      _pyipcs_grammar "$command"
    elif [[ $wraps = first ]]; then
      _pyipcs_wrapped "$i"
      return 0
    else
      typed+=("$word")
    fi
    [[ -n $pending ]] && (( i + 1 < cword )) && (( i++ )) && pending=''
  done

  position=${#typed[@]}
  (( position >= ${#operands[@]} )) && [[ -n $many ]] && position=$(( ${#operands[@]} - 1 ))
  if [[ $pending = redirection ]]; then
    _pyipcs_files
  elif _pyipcs_redirects "$cur"; then
    prefix=${cur%%"$redirected"} cur=$redirected
    _pyipcs_files
  elif [[ -n $pending ]]; then
    eval "_pyipcs_value ${values[$pending]}"
  elif [[ -z $after_dashes && $cur = --*=* ]]; then
    name=${cur%%=*} prefix=${cur%%=*}= cur=${cur#*=}
    eval "_pyipcs_value ${values[$name]-${attached[$name]-}}"
  elif [[ -z $after_dashes && $cur = -[a-zA-Z0]?* ]] && _pyipcs_bundle "$cur"; then
    prefix=${cur%%"$value"} cur=$value
    eval "_pyipcs_value ${values[$name]-${attached[$name]-}}"
  elif [[ -z $after_dashes && $cur = -* && ! $cur = -[1-9.]* ]]; then
    _pyipcs_offer "${options[*]}"
  elif [[ -z $command ]]; then
    _pyipcs_offer "${operands[*]}"
  elif [[ $wraps = first ]]; then
    _pyipcs_wrapped "$cword"
    return 0
  else
    eval "_pyipcs_value ${operands[position]-}"
  fi

  for i in "${!COMPREPLY[@]}"; do COMPREPLY[i]=${COMPREPLY[i]#"$kept"}; done
} 2>/dev/null && complete -F _pyipcs pyipcs
