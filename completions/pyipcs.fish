# Made by `python -m pyipcs.describe`; do not edit.

# Print the words before the cursor: the command and its operands, or the command, "wrapped" and
# the words of the other command. fish checks many conditions, so the result is cached.
function __pyipcs_words
    set -l words (commandline -opc)[2..]
    if test "$words" != "$__pyipcs_cached_for" || not set -q __pyipcs_cached
        set -g __pyipcs_cached_for $words
        set -g __pyipcs_cached (__pyipcs_parse $words)
    end
    printf '%s\n' $__pyipcs_cached
end

function __pyipcs_parse
    argparse -s $__pyipcs_options -- $argv 2>/dev/null
    set -l command $argv[1]
    set -l options __pyipcs_options_$command
    string match -qr '^[a-z]+$' -- "$command" && set -q $options || return
    set -l words $argv[2..]
    if contains $command $__pyipcs_wrappers && set -l place (contains -i -- -- $words)
        printf '%s\n' $command wrapped $words[(math $place + 1)..]
        return
    end
    argparse -i $$options -- $words 2>/dev/null
    printf '%s\n' $command $argv
end

# Succeed if the cursor is in this command, after this number of operands (or "or-more").
function __pyipcs_in -a command number or_more
    set -l words (__pyipcs_words)
    test "$words[1]" = "$command" || return
    test "$words[2]" = wrapped && return 1
    test -z "$number" || test (math (count $words) - 1) -eq $number && return
    test -n "$or_more" && test (count $words) -gt $number
end

# Succeed if the cursor is in the command that this wrapper runs.
function __pyipcs_in_wrapped -a command
    set -l words (__pyipcs_words)
    test "$words[1]" = "$command" && test "$words[2]" = wrapped
end

# Print the word at the cursor, without the option before an attached value.
function __pyipcs_current
    commandline -ct | string replace -r '^(--[a-z-]+=|-[a-zA-Z](?=[^-]))?["\']?' ''
end

# Print existing objects, processes or namespaces, found by the program.
function __pyipcs_lookup -a kind
    set -l words (commandline -opc)
    set -l program (string replace -r '^~' $HOME -- $words[1])
    command -q $program || return
    command $program --complete $kind (__pyipcs_current) $words[2..] 2>/dev/null
end

# Print columns, each after a prefix: the part of the word that matches a pattern.
function __pyipcs_columns -a pattern
    string match -rq "^(?<prefix>$pattern)" -- (__pyipcs_current)
    printf '%s\n' "$prefix"$argv[2..]
end

function __pyipcs_owner
    set -l current (__pyipcs_current)
    if string match -q '*:*' -- $current
        printf '%s\n' (string split -f1 : -- $current):(__fish_print_groups)
    else
        __fish_complete_users
    end
end

function __pyipcs_ftok
    set -l current (__pyipcs_current)
    if string match -q 'ftok:*' -- $current
        printf 'ftok:%s\n' (__fish_complete_path (string sub -s 6 -- $current))
    else if test -n "$current" && string match -q -- "$current*" ftok:
        printf 'ftok:\tthe key that ftok(3) makes from a file\n'
    end
end

function __pyipcs_target_or_kind
    set -l words (__pyipcs_words)
    if contains -- "$words[2]" msg shm sem
        __pyipcs_lookup id:$words[2]
        return
    end
    __pyipcs_lookup target
    __pyipcs_ftok
    test (count $words) -eq 1
    and printf 'msg\tmessage queues\nshm\tsegments\nsem\tsemaphore sets\n'
end

# Print the completions of the other command.
function __pyipcs_wrapped
    set -l words (__pyipcs_words)[2..]
    test "$words[1]" = wrapped && set -e words[1]
    complete -C (string join ' ' -- (string escape -- $words) (commandline -ct))
end

complete -c pyipcs -e
complete -c pyipcs -f
set -g __pyipcs_options 'color=+' 'V/version' 'h/help'
set -g __pyipcs_wrappers op
set -g __pyipcs_options_list 'q/queues' 'm/shmems' 's/semaphores' 'Q/posix-mqueues' 'M/posix-shmems' 'S/posix-semaphores' 'a/all/sysv' 'posix' 'i/id=+' 'N/name=+' 'owner=+' 'created-by=+' 'mine' 'used-by=+' 'key=+' 'private' 'match=+' 'older-than=+' 'idle=+' 'unattached' 'empty' 'orphaned' 'suspect' 'not-in=+' 'all-ns' 't/time' 'p/pid' 'c/creator' 'l/limits' 'u/summary' 'f/format=+' 'J/json' 'o/output=+' 'w/wide' 'noheadings' 'sort=+' 'time-format=+' 'P/numeric-perms' 'b/bytes' 'human' 'watch=?' 'fail-if-any' 'ns=+' 'color=+' 'V/version' 'h/help'
set -g __pyipcs_options_stat 'q/queues' 'm/shmems' 's/semaphores' 'used-by=+' 'f/format=+' 'J/json' 'o/output=+' 'w/wide' 'noheadings' 'sort=+' 'time-format=+' 'P/numeric-perms' 'b/bytes' 'human' 'watch=?' 'ns=+' 'color=+' 'V/version' 'h/help'
set -g __pyipcs_options_key 'v/verbose' 'ns=+' 'color=+' 'V/version' 'h/help'
set -g __pyipcs_options_make 'M/shmem=+' 'S/semaphore=+' 'Q/queue' 'm/posix-shmem=+' 's/posix-semaphore' 'q/posix-mqueue' 'n/name=+' 'p/mode=+' 'k/key=+' 'private' 'exist-ok' 'qbytes=+' 'maxmsg=+' 'msgsize=+' 'values=+' 'owner=+' 'i/id-only' 'J/json' 'ns=+' 'color=+' 'V/version' 'h/help'
set -g __pyipcs_options_set 'q/queues' 'm/shmems' 's/semaphores' 'mode=+' 'owner=+' 'size=+' 'qbytes=+' 'value=+' 'values=+' 'lock' 'unlock' 'ns=+' 'color=+' 'V/version' 'h/help'
set -g __pyipcs_options_rm 'q/queue-id=+' 'Q/queue-key=+' 'm/shmem-id=+' 'M/shmem-key=+' 's/semaphore-id=+' 'S/semaphore-key=+' 'posix-mqueue=+' 'posix-shmem=+' 'posix-semaphore=+' 'a/all=?' 'owner=+' 'created-by=+' 'mine' 'key=+' 'private' 'match=+' 'older-than=+' 'idle=+' 'unattached' 'empty' 'orphaned' 'suspect' 'not-in=+' 'n/dry-run' 'y/yes' 'v/verbose' 'f/format=+' 'J/json' 'o/output=+' 'w/wide' 'noheadings' 'sort=+' 'time-format=+' 'P/numeric-perms' 'b/bytes' 'human' 'ns=+' 'color=+' 'V/version' 'h/help'
set -g __pyipcs_options_send 't/type=+' 'priority=+' 'l/lines' '0/null' 'F/file=+' 'hex' 'J/json' 'pack=+' 'z/nul' 'timeout=+' 'nowait' 'progress' 'ns=+' 'color=+' 'V/version' 'h/help'
set -g __pyipcs_options_recv 't/type=+' 'x/except' 'n/count=+' 'a/all' 'F/follow' 'peek' 'max-size=+' 'truncate' 'timeout=+' 'nowait' 'J/json' 'f/format=+' 'unpack=+' '0/null' 'u/unbuffered' 'with-type' 'exec=+' 'ns=+' 'color=+' 'V/version' 'h/help'
set -g __pyipcs_options_op 'undo' 'E/conflict-exit-code=+' 'timeout=+' 'nowait' 'ns=+' 'color=+' 'V/version' 'h/help'
set -g __pyipcs_options_read 'offset=+' 'length=+' 'f/format=+' 'unpack=+' 'ns=+' 'color=+' 'V/version' 'h/help'
set -g __pyipcs_options_write 'offset=+' 'F/file=+' 'hex' 'pack=+' 'ns=+' 'color=+' 'V/version' 'h/help'
set -g __pyipcs_options_run 'private=+' 'shm=+' 'rm' 'f/format=+' 'J/json' 'report=+' 'color=+' 'V/version' 'h/help'
set -g __pyipcs_options_help 'color=+' 'V/version' 'h/help'
set -g __pyipcs_options_version 'color=+' 'V/version' 'h/help'
set -g __pyipcs_options_completion 'color=+' 'V/version' 'h/help'
complete -c pyipcs -n '__pyipcs_in' -a list -d 'Show System V and POSIX IPC objects, limits and usage'
complete -c pyipcs -n '__pyipcs_in' -a stat -d 'Show all details of objects'
complete -c pyipcs -n '__pyipcs_in' -a key -d 'Print the ftok(3) key of a file'
complete -c pyipcs -n '__pyipcs_in' -a make -d 'Create System V and POSIX IPC objects, all of them or none'
complete -c pyipcs -n '__pyipcs_in' -a set -d 'Change modes, owners, sizes, values of semaphores, locking'
complete -c pyipcs -n '__pyipcs_in' -a rm -d 'Remove objects by id, key or name, or all of some kinds'
complete -c pyipcs -n '__pyipcs_in' -a send -d 'Send messages to a queue'
complete -c pyipcs -n '__pyipcs_in' -a recv -d 'Receive messages from a queue, or peek at them'
complete -c pyipcs -n '__pyipcs_in' -a op -d 'Operate on semaphores, or hold them while a command runs'
complete -c pyipcs -n '__pyipcs_in' -a read -d 'Read bytes from a segment'
complete -c pyipcs -n '__pyipcs_in' -a write -d 'Write bytes into a segment'
complete -c pyipcs -n '__pyipcs_in' -a run -d 'Run a command, and report the objects it leaves behind'
complete -c pyipcs -n '__pyipcs_in' -a help -d 'Show the help of a command, the columns or the formats'
complete -c pyipcs -n '__pyipcs_in' -a version -d 'Print the version'
complete -c pyipcs -n '__pyipcs_in' -a completion -d 'Print the completion file of a shell'
complete -c pyipcs -n '__pyipcs_in \'\'' -l color -x -k -a 'auto\\t\'on a terminal\' always\\t\'anywhere\' never\\t\'nowhere\'' -d 'Colour the output'
complete -c pyipcs -n '__pyipcs_in \'\'' -s V -l version -d 'Show the version'
complete -c pyipcs -n '__pyipcs_in \'\'' -s h -l help -d 'Show this help'
complete -c pyipcs -n '__pyipcs_in list' -s q -l queues -d 'Message queues'
complete -c pyipcs -n '__pyipcs_in list' -s m -l shmems -d 'Shared memory segments'
complete -c pyipcs -n '__pyipcs_in list' -s s -l semaphores -d 'Semaphore sets'
complete -c pyipcs -n '__pyipcs_in list' -s Q -l posix-mqueues -d 'POSIX message queues'
complete -c pyipcs -n '__pyipcs_in list' -s M -l posix-shmems -d 'POSIX shared memory segments'
complete -c pyipcs -n '__pyipcs_in list' -s S -l posix-semaphores -d 'POSIX semaphores'
complete -c pyipcs -n '__pyipcs_in list' -s a -l all -l sysv -d 'All System V kinds'
complete -c pyipcs -n '__pyipcs_in list' -l posix -d 'All POSIX kinds'
complete -c pyipcs -n '__pyipcs_in list' -s i -l id -x -k -a '(__pyipcs_lookup id)' -d 'One object; needs -q, -m or -s'
complete -c pyipcs -n '__pyipcs_in list' -s N -l name -x -k -a '(__pyipcs_lookup name)' -d 'Details of one POSIX object'
complete -c pyipcs -n '__pyipcs_in list' -l owner -x -a '(__fish_complete_users)' -d 'Owned by USER; if repeated, by any of them'
complete -c pyipcs -n '__pyipcs_in list' -l created-by -x -a '(__fish_complete_users)' -d 'Created by USER; if repeated, by any of them'
complete -c pyipcs -n '__pyipcs_in list' -l mine -d 'Created or owned by you'
complete -c pyipcs -n '__pyipcs_in list' -l used-by -x -k -a '(__pyipcs_lookup process)' -d 'Used by process PID; if repeated, by any of them'
complete -c pyipcs -n '__pyipcs_in list' -l key -x -k -a '(__pyipcs_lookup key) (__pyipcs_ftok)' -d 'With KEY; if repeated, with any of them'
complete -c pyipcs -n '__pyipcs_in list' -l private -d 'Without a key (IPC_PRIVATE)'
complete -c pyipcs -n '__pyipcs_in list' -l match -x -d 'POSIX objects named like GLOB; if repeated, any'
complete -c pyipcs -n '__pyipcs_in list' -l older-than -x -k -a '30s\\t\'seconds\' 10m\\t\'minutes\' 2h\\t\'hours\' 7d\\t\'days\'' -d 'Changed more than DURATION ago: 30s, 10m, 2h, 7d'
complete -c pyipcs -n '__pyipcs_in list' -l idle -x -k -a '30s\\t\'seconds\' 10m\\t\'minutes\' 2h\\t\'hours\' 7d\\t\'days\'' -d 'Not used for DURATION, nor attached or waited on'
complete -c pyipcs -n '__pyipcs_in list' -l unattached -d 'Segments that nobody has attached, open or mapped'
complete -c pyipcs -n '__pyipcs_in list' -l empty -d 'Queues without messages'
complete -c pyipcs -n '__pyipcs_in list' -l orphaned -d 'Segments whose users are gone, and POSIX objects that nobody has open'
complete -c pyipcs -n '__pyipcs_in list' -l suspect -d 'Orphaned objects; queues and sets whose users are gone; unused POSIX queues with messages'
complete -c pyipcs -n '__pyipcs_in list' -l not-in -r -F -d 'Not in FILE (list -J > FILE); if repeated, in none'
complete -c pyipcs -n '__pyipcs_in list' -l all-ns -d 'Objects of every IPC namespace that has a process you may inspect'
complete -c pyipcs -n '__pyipcs_in list' -s t -l time -d 'Times of last use and change'
complete -c pyipcs -n '__pyipcs_in list' -s p -l pid -d 'PIDs of creators and last users'
complete -c pyipcs -n '__pyipcs_in list' -s c -l creator -d 'Creators and owners'
complete -c pyipcs -n '__pyipcs_in list' -s l -l limits -d 'Limits of the kernel; in a table with their usage'
complete -c pyipcs -n '__pyipcs_in list' -s u -l summary -d 'Current usage'
complete -c pyipcs -n '__pyipcs_in list' -s f -l format -x -k -a 'table\\t\'tables for people\' plain\\t\'layout of util-linux, for scripts; with -o, columns of text\' json\\t\'one JSON document\' jsonl\\t\'one JSON object per line\' csv\\t\'comma-separated values with a line of headings\' tsv\\t\'tab-separated values with a line of headings\' export\\t\'shell assignments, one line per object\' openmetrics\\t\'gauges for Prometheus and compatible programs\'' -d 'Format of the output'
complete -c pyipcs -n '__pyipcs_in list' -s J -l json -d 'Short for --format json'
complete -c pyipcs -n '__pyipcs_in list' -s o -l output -x -k -a '(__pyipcs_columns \'(?:.*,|\\\\+)?\' KIND\\t\'Kind of object: msg, shm or sem; POSIX: pmsg, pshm or psem\' KEY\\t\'Key\' ID\\t\'Id\' OWNER\\t\'Owner\\\'s name\' PERMS\\t\'Permissions\' CUID\\t\'Creator\\\'s uid\' CUSER\\t\'Creator\\\'s name\' CGID\\t\'Creator\\\'s gid\' CGROUP\\t\'Creator\\\'s group\' UID\\t\'Owner\\\'s uid\' USER\\t\'Owner\\\'s name\' GID\\t\'Owner\\\'s gid\' GROUP\\t\'Owner\\\'s group\' CTIME\\t\'Time of the last change\' AGE\\t\'Time since the last change\' STATE\\t\'in-use, orphaned, suspect or unknown (one scan of /proc)\' REASON\\t\'Reason for STATE\' NS\\t\'IPC namespace\' NAME\\t\'Name\' BORN\\t\'Time of the creation; none for queues\' MTIME\\t\'Last send or receive; for segments, the last recorded write\' ATIME\\t\'Time of the last recorded read or mapping\' USERS\\t\'PIDs of processes that have it open or mapped\' INODE\\t\'Inode\' DEVICE\\t\'Device of the file system\' MSGS\\t\'Messages on the queue\' USEDBYTES\\t\'Bytes in the messages\' QBYTES\\t\'Maximum of bytes, and of messages\' USE%\\t\'USEDBYTES or MSGS as a share of QBYTES, the larger one\' LSPID\\t\'Process of the last send\' LRPID\\t\'Process of the last receive\' SEND\\t\'Time of the last send\' RECV\\t\'Time of the last receive\' WAITERS\\t\'PIDs of waiting processes\' SIZE\\t\'Size\' RSS\\t\'Bytes in memory\' SWAP\\t\'Bytes in swap\' NATTCH\\t\'Attachments\' STATUS\\t\'dest: destroyed at last detachment; locked: not swapped\' CPID\\t\'Process that created it\' LPID\\t\'Process of the last use\' ATTACH\\t\'Time of the last attachment\' DETACH\\t\'Time of the last detachment\' COMMAND\\t\'Command line of CPID\' ATTACHED\\t\'PIDs of processes with an attachment\' NSEMS\\t\'Semaphores\' OTIME\\t\'Time of the last operation\' VALUES\\t\'Value of each semaphore\' NCOUNT\\t\'Processes that wait for a higher value\' ZCOUNT\\t\'Processes that wait for zero\' MAXMSG\\t\'Maximum number of messages\' MSGSIZE\\t\'Maximum size of a message\' NOTIFY\\t\'Process that mq_notify(3) has registered\' MAPPED\\t\'PIDs of processes that have it mapped\' VALUE\\t\'Value of the semaphore\' RESOURCE\\t\'Resource\' DESCRIPTION\\t\'Description\' UNIT\\t\'Unit of LIMIT and USED: bytes or pages\' LIMIT\\t\'Maximum\' USED\\t\'Amount in use\')' -d 'Columns; +COL,... adds to the default ones'
complete -c pyipcs -n '__pyipcs_in list' -s w -l wide -d 'Omit and cut no column of a table'
complete -c pyipcs -n '__pyipcs_in list' -l noheadings -d 'Omit headings, and keep columns that do not fit'
complete -c pyipcs -n '__pyipcs_in list' -l sort -x -k -a '(__pyipcs_columns \'-?\' KIND\\t\'Kind of object: msg, shm or sem; POSIX: pmsg, pshm or psem\' KEY\\t\'Key\' ID\\t\'Id\' OWNER\\t\'Owner\\\'s name\' PERMS\\t\'Permissions\' CUID\\t\'Creator\\\'s uid\' CUSER\\t\'Creator\\\'s name\' CGID\\t\'Creator\\\'s gid\' CGROUP\\t\'Creator\\\'s group\' UID\\t\'Owner\\\'s uid\' USER\\t\'Owner\\\'s name\' GID\\t\'Owner\\\'s gid\' GROUP\\t\'Owner\\\'s group\' CTIME\\t\'Time of the last change\' AGE\\t\'Time since the last change\' STATE\\t\'in-use, orphaned, suspect or unknown (one scan of /proc)\' REASON\\t\'Reason for STATE\' NS\\t\'IPC namespace\' NAME\\t\'Name\' BORN\\t\'Time of the creation; none for queues\' MTIME\\t\'Last send or receive; for segments, the last recorded write\' ATIME\\t\'Time of the last recorded read or mapping\' USERS\\t\'PIDs of processes that have it open or mapped\' INODE\\t\'Inode\' DEVICE\\t\'Device of the file system\' MSGS\\t\'Messages on the queue\' USEDBYTES\\t\'Bytes in the messages\' QBYTES\\t\'Maximum of bytes, and of messages\' USE%\\t\'USEDBYTES or MSGS as a share of QBYTES, the larger one\' LSPID\\t\'Process of the last send\' LRPID\\t\'Process of the last receive\' SEND\\t\'Time of the last send\' RECV\\t\'Time of the last receive\' WAITERS\\t\'PIDs of waiting processes\' SIZE\\t\'Size\' RSS\\t\'Bytes in memory\' SWAP\\t\'Bytes in swap\' NATTCH\\t\'Attachments\' STATUS\\t\'dest: destroyed at last detachment; locked: not swapped\' CPID\\t\'Process that created it\' LPID\\t\'Process of the last use\' ATTACH\\t\'Time of the last attachment\' DETACH\\t\'Time of the last detachment\' COMMAND\\t\'Command line of CPID\' ATTACHED\\t\'PIDs of processes with an attachment\' NSEMS\\t\'Semaphores\' OTIME\\t\'Time of the last operation\' VALUES\\t\'Value of each semaphore\' NCOUNT\\t\'Processes that wait for a higher value\' ZCOUNT\\t\'Processes that wait for zero\' MAXMSG\\t\'Maximum number of messages\' MSGSIZE\\t\'Maximum size of a message\' NOTIFY\\t\'Process that mq_notify(3) has registered\' MAPPED\\t\'PIDs of processes that have it mapped\' VALUE\\t\'Value of the semaphore\' RESOURCE\\t\'Resource\' DESCRIPTION\\t\'Description\' UNIT\\t\'Unit of LIMIT and USED: bytes or pages\' LIMIT\\t\'Maximum\' USED\\t\'Amount in use\')' -d 'Sort by a column; -COL sorts in reverse'
complete -c pyipcs -n '__pyipcs_in list' -l time-format -x -k -a 'short\\t\'time of day if today, else the date, as in lsipc\' full\\t\'as in ctime(3)\' iso\\t\'ISO 8601 with the offset of the local zone\' relative\\t\'time since then, such as 5m ago\' epoch\\t\'seconds since 1970\'' -d 'Format of times'
complete -c pyipcs -n '__pyipcs_in list' -s P -l numeric-perms -d 'Permissions as 0644 instead of rw-r--r--'
complete -c pyipcs -n '__pyipcs_in list' -s b -l bytes -d 'Sizes in bytes, also in a table'
complete -c pyipcs -n '__pyipcs_in list' -l human -d 'Sizes with units, as 64K, except in JSON'
complete -c pyipcs -n '__pyipcs_in list' -l watch -k -a '0.5 1 5' -d 'Show a live view until q or Ctrl-C, updated every SECONDS'
complete -c pyipcs -n '__pyipcs_in list' -l fail-if-any -d 'Exit with status 23 if there is an object'
complete -c pyipcs -n '__pyipcs_in list' -l ns -r -F -k -a '(__pyipcs_lookup namespace)' -d 'Work in the IPC namespace of a process or file'
complete -c pyipcs -n '__pyipcs_in list' -l color -x -k -a 'auto\\t\'on a terminal\' always\\t\'anywhere\' never\\t\'nowhere\'' -d 'Colour the output'
complete -c pyipcs -n '__pyipcs_in list' -s V -l version -d 'Show the version'
complete -c pyipcs -n '__pyipcs_in list' -s h -l help -d 'Show this help'
complete -c pyipcs -n '__pyipcs_in stat' -s q -l queues -d 'The message queue of that name'
complete -c pyipcs -n '__pyipcs_in stat' -s m -l shmems -d 'The segment of that name'
complete -c pyipcs -n '__pyipcs_in stat' -s s -l semaphores -d 'The semaphore set or POSIX semaphore of that name'
complete -c pyipcs -n '__pyipcs_in stat' -l used-by -x -k -a '(__pyipcs_lookup process)' -d 'Used by process PID; if repeated, by any of them'
complete -c pyipcs -n '__pyipcs_in stat' -s f -l format -x -k -a 'table\\t\'tables for people\' plain\\t\'layout of util-linux, for scripts; with -o, columns of text\' json\\t\'one JSON document\' jsonl\\t\'one JSON object per line\' csv\\t\'comma-separated values with a line of headings\' tsv\\t\'tab-separated values with a line of headings\' export\\t\'shell assignments, one line per object\' openmetrics\\t\'gauges for Prometheus and compatible programs\'' -d 'Format of the output'
complete -c pyipcs -n '__pyipcs_in stat' -s J -l json -d 'Short for --format json'
complete -c pyipcs -n '__pyipcs_in stat' -s o -l output -x -k -a '(__pyipcs_columns \'(?:.*,|\\\\+)?\' KIND\\t\'Kind of object: msg, shm or sem; POSIX: pmsg, pshm or psem\' KEY\\t\'Key\' ID\\t\'Id\' OWNER\\t\'Owner\\\'s name\' PERMS\\t\'Permissions\' CUID\\t\'Creator\\\'s uid\' CUSER\\t\'Creator\\\'s name\' CGID\\t\'Creator\\\'s gid\' CGROUP\\t\'Creator\\\'s group\' UID\\t\'Owner\\\'s uid\' USER\\t\'Owner\\\'s name\' GID\\t\'Owner\\\'s gid\' GROUP\\t\'Owner\\\'s group\' CTIME\\t\'Time of the last change\' AGE\\t\'Time since the last change\' STATE\\t\'in-use, orphaned, suspect or unknown (one scan of /proc)\' REASON\\t\'Reason for STATE\' NS\\t\'IPC namespace\' NAME\\t\'Name\' BORN\\t\'Time of the creation; none for queues\' MTIME\\t\'Last send or receive; for segments, the last recorded write\' ATIME\\t\'Time of the last recorded read or mapping\' USERS\\t\'PIDs of processes that have it open or mapped\' INODE\\t\'Inode\' DEVICE\\t\'Device of the file system\' MSGS\\t\'Messages on the queue\' USEDBYTES\\t\'Bytes in the messages\' QBYTES\\t\'Maximum of bytes, and of messages\' USE%\\t\'USEDBYTES or MSGS as a share of QBYTES, the larger one\' LSPID\\t\'Process of the last send\' LRPID\\t\'Process of the last receive\' SEND\\t\'Time of the last send\' RECV\\t\'Time of the last receive\' WAITERS\\t\'PIDs of waiting processes\' SIZE\\t\'Size\' RSS\\t\'Bytes in memory\' SWAP\\t\'Bytes in swap\' NATTCH\\t\'Attachments\' STATUS\\t\'dest: destroyed at last detachment; locked: not swapped\' CPID\\t\'Process that created it\' LPID\\t\'Process of the last use\' ATTACH\\t\'Time of the last attachment\' DETACH\\t\'Time of the last detachment\' COMMAND\\t\'Command line of CPID\' ATTACHED\\t\'PIDs of processes with an attachment\' NSEMS\\t\'Semaphores\' OTIME\\t\'Time of the last operation\' VALUES\\t\'Value of each semaphore\' NCOUNT\\t\'Processes that wait for a higher value\' ZCOUNT\\t\'Processes that wait for zero\' MAXMSG\\t\'Maximum number of messages\' MSGSIZE\\t\'Maximum size of a message\' NOTIFY\\t\'Process that mq_notify(3) has registered\' MAPPED\\t\'PIDs of processes that have it mapped\' VALUE\\t\'Value of the semaphore\')' -d 'Columns; +COL,... adds to the default ones'
complete -c pyipcs -n '__pyipcs_in stat' -s w -l wide -d 'Omit and cut no column of a table'
complete -c pyipcs -n '__pyipcs_in stat' -l noheadings -d 'Omit headings, and keep columns that do not fit'
complete -c pyipcs -n '__pyipcs_in stat' -l sort -x -k -a '(__pyipcs_columns \'-?\' KIND\\t\'Kind of object: msg, shm or sem; POSIX: pmsg, pshm or psem\' KEY\\t\'Key\' ID\\t\'Id\' OWNER\\t\'Owner\\\'s name\' PERMS\\t\'Permissions\' CUID\\t\'Creator\\\'s uid\' CUSER\\t\'Creator\\\'s name\' CGID\\t\'Creator\\\'s gid\' CGROUP\\t\'Creator\\\'s group\' UID\\t\'Owner\\\'s uid\' USER\\t\'Owner\\\'s name\' GID\\t\'Owner\\\'s gid\' GROUP\\t\'Owner\\\'s group\' CTIME\\t\'Time of the last change\' AGE\\t\'Time since the last change\' STATE\\t\'in-use, orphaned, suspect or unknown (one scan of /proc)\' REASON\\t\'Reason for STATE\' NS\\t\'IPC namespace\' NAME\\t\'Name\' BORN\\t\'Time of the creation; none for queues\' MTIME\\t\'Last send or receive; for segments, the last recorded write\' ATIME\\t\'Time of the last recorded read or mapping\' USERS\\t\'PIDs of processes that have it open or mapped\' INODE\\t\'Inode\' DEVICE\\t\'Device of the file system\' MSGS\\t\'Messages on the queue\' USEDBYTES\\t\'Bytes in the messages\' QBYTES\\t\'Maximum of bytes, and of messages\' USE%\\t\'USEDBYTES or MSGS as a share of QBYTES, the larger one\' LSPID\\t\'Process of the last send\' LRPID\\t\'Process of the last receive\' SEND\\t\'Time of the last send\' RECV\\t\'Time of the last receive\' WAITERS\\t\'PIDs of waiting processes\' SIZE\\t\'Size\' RSS\\t\'Bytes in memory\' SWAP\\t\'Bytes in swap\' NATTCH\\t\'Attachments\' STATUS\\t\'dest: destroyed at last detachment; locked: not swapped\' CPID\\t\'Process that created it\' LPID\\t\'Process of the last use\' ATTACH\\t\'Time of the last attachment\' DETACH\\t\'Time of the last detachment\' COMMAND\\t\'Command line of CPID\' ATTACHED\\t\'PIDs of processes with an attachment\' NSEMS\\t\'Semaphores\' OTIME\\t\'Time of the last operation\' VALUES\\t\'Value of each semaphore\' NCOUNT\\t\'Processes that wait for a higher value\' ZCOUNT\\t\'Processes that wait for zero\' MAXMSG\\t\'Maximum number of messages\' MSGSIZE\\t\'Maximum size of a message\' NOTIFY\\t\'Process that mq_notify(3) has registered\' MAPPED\\t\'PIDs of processes that have it mapped\' VALUE\\t\'Value of the semaphore\')' -d 'Sort by a column; -COL sorts in reverse'
complete -c pyipcs -n '__pyipcs_in stat' -l time-format -x -k -a 'short\\t\'time of day if today, else the date, as in lsipc\' full\\t\'as in ctime(3)\' iso\\t\'ISO 8601 with the offset of the local zone\' relative\\t\'time since then, such as 5m ago\' epoch\\t\'seconds since 1970\'' -d 'Format of times'
complete -c pyipcs -n '__pyipcs_in stat' -s P -l numeric-perms -d 'Permissions as 0644 instead of rw-r--r--'
complete -c pyipcs -n '__pyipcs_in stat' -s b -l bytes -d 'Sizes in bytes, also in a table'
complete -c pyipcs -n '__pyipcs_in stat' -l human -d 'Sizes with units, as 64K, except in JSON'
complete -c pyipcs -n '__pyipcs_in stat' -l watch -k -a '0.5 1 5' -d 'Show a live view until q or Ctrl-C, updated every SECONDS'
complete -c pyipcs -n '__pyipcs_in stat' -l ns -r -F -k -a '(__pyipcs_lookup namespace)' -d 'Work in the IPC namespace of a process or file'
complete -c pyipcs -n '__pyipcs_in stat' -l color -x -k -a 'auto\\t\'on a terminal\' always\\t\'anywhere\' never\\t\'nowhere\'' -d 'Colour the output'
complete -c pyipcs -n '__pyipcs_in stat' -s V -l version -d 'Show the version'
complete -c pyipcs -n '__pyipcs_in stat' -s h -l help -d 'Show this help'
complete -c pyipcs -n '__pyipcs_in stat 0 or-more' -x -k -a '(__pyipcs_lookup target) (__pyipcs_ftok)'
complete -c pyipcs -n '__pyipcs_in key' -s v -l verbose -d 'Print the objects that have the key, too'
complete -c pyipcs -n '__pyipcs_in key' -l ns -r -F -k -a '(__pyipcs_lookup namespace)' -d 'Work in the IPC namespace of a process or file'
complete -c pyipcs -n '__pyipcs_in key' -l color -x -k -a 'auto\\t\'on a terminal\' always\\t\'anywhere\' never\\t\'nowhere\'' -d 'Colour the output'
complete -c pyipcs -n '__pyipcs_in key' -s V -l version -d 'Show the version'
complete -c pyipcs -n '__pyipcs_in key' -s h -l help -d 'Show this help'
complete -c pyipcs -n '__pyipcs_in key 0' -r -F
complete -c pyipcs -n '__pyipcs_in key 1' -x
complete -c pyipcs -n '__pyipcs_in make' -s M -l shmem -x -k -a '4K\\t\'4096\' 64K\\t\'65536\' 1M\\t\'1048576\' 1G\\t\'1073741824\'' -d 'A segment of SIZE bytes'
complete -c pyipcs -n '__pyipcs_in make' -s S -l semaphore -x -d 'A set of NSEMS semaphores'
complete -c pyipcs -n '__pyipcs_in make' -s Q -l queue -d 'A message queue'
complete -c pyipcs -n '__pyipcs_in make' -s m -l posix-shmem -x -k -a '4K\\t\'4096\' 64K\\t\'65536\' 1M\\t\'1048576\' 1G\\t\'1073741824\'' -d 'A POSIX segment of SIZE bytes, which take memory when they are written'
complete -c pyipcs -n '__pyipcs_in make' -s s -l posix-semaphore -d 'A POSIX semaphore'
complete -c pyipcs -n '__pyipcs_in make' -s q -l posix-mqueue -d 'A POSIX message queue'
complete -c pyipcs -n '__pyipcs_in make' -s n -l name -x -d 'Name of the POSIX objects; each needs one'
complete -c pyipcs -n '__pyipcs_in make' -s p -l mode -x -k -a '600\\t\'owner\' 660\\t\'owner and group\' 644\\t\'others may read\' 666\\t\'everyone\'' -d 'Permissions in octal; the umask reduces those of POSIX objects'
complete -c pyipcs -n '__pyipcs_in make' -s k -l key -x -a '(__pyipcs_ftok)' -d 'Key: decimal, 0x hexadecimal, 0 octal, or ftok:PATH[:PROJ]'
complete -c pyipcs -n '__pyipcs_in make' -l private -d 'No key (IPC_PRIVATE)'
complete -c pyipcs -n '__pyipcs_in make' -l exist-ok -d 'Accept an existing object with the key or the name, and leave it unchanged; fail if it is smaller than requested'
complete -c pyipcs -n '__pyipcs_in make' -l qbytes -x -k -a '4K\\t\'4096\' 16K\\t\'16384\' 64K\\t\'65536\'' -d 'Capacity of the queue in bytes'
complete -c pyipcs -n '__pyipcs_in make' -l maxmsg -x -d 'Maximum messages of -q'
complete -c pyipcs -n '__pyipcs_in make' -l msgsize -x -k -a '4K\\t\'4096\' 64K\\t\'65536\' 1M\\t\'1048576\' 1G\\t\'1073741824\'' -d 'Maximum bytes of a message of -q'
complete -c pyipcs -n '__pyipcs_in make' -l values -x -d 'Values of the semaphores of -S, 0 to 32767 each, or the value of -s'
complete -c pyipcs -n '__pyipcs_in make' -l owner -x -a '(__pyipcs_owner)' -d 'Owner by name or number, as in chown(1); :GROUP sets only the group'
complete -c pyipcs -n '__pyipcs_in make' -s i -l id-only -d 'Print only ids and names: segments, queues, semaphores'
complete -c pyipcs -n '__pyipcs_in make' -s J -l json -d 'Print the objects as JSON'
complete -c pyipcs -n '__pyipcs_in make' -l ns -r -F -k -a '(__pyipcs_lookup namespace)' -d 'Work in the IPC namespace of a process or file'
complete -c pyipcs -n '__pyipcs_in make' -l color -x -k -a 'auto\\t\'on a terminal\' always\\t\'anywhere\' never\\t\'nowhere\'' -d 'Colour the output'
complete -c pyipcs -n '__pyipcs_in make' -s V -l version -d 'Show the version'
complete -c pyipcs -n '__pyipcs_in make' -s h -l help -d 'Show this help'
complete -c pyipcs -n '__pyipcs_in set' -s q -l queues -d 'The message queue of that name'
complete -c pyipcs -n '__pyipcs_in set' -s m -l shmems -d 'The segment of that name'
complete -c pyipcs -n '__pyipcs_in set' -s s -l semaphores -d 'The semaphore set or POSIX semaphore of that name'
complete -c pyipcs -n '__pyipcs_in set' -l mode -x -k -a '600\\t\'owner\' 660\\t\'owner and group\' 644\\t\'others may read\' 666\\t\'everyone\'' -d 'Permissions in octal'
complete -c pyipcs -n '__pyipcs_in set' -l owner -x -a '(__pyipcs_owner)' -d 'Owner by name or number, as in chown(1): USER keeps the group, :GROUP keeps the user'
complete -c pyipcs -n '__pyipcs_in set' -l size -x -k -a '4K\\t\'4096\' 64K\\t\'65536\' 1M\\t\'1048576\' 1G\\t\'1073741824\'' -d 'Size of a POSIX segment'
complete -c pyipcs -n '__pyipcs_in set' -l qbytes -x -k -a '4K\\t\'4096\' 16K\\t\'16384\' 64K\\t\'65536\'' -d 'Capacity of a queue in bytes; more than msgmnb requires CAP_SYS_RESOURCE'
complete -c pyipcs -n '__pyipcs_in set' -l value -x -d 'Value of one semaphore of a set, 0 to 32767; may be repeated'
complete -c pyipcs -n '__pyipcs_in set' -l values -x -d 'Values of all semaphores of a set, in one step'
complete -c pyipcs -n '__pyipcs_in set' -l lock -d 'Lock a segment in memory: it is not swapped'
complete -c pyipcs -n '__pyipcs_in set' -l unlock -d 'Unlock a segment'
complete -c pyipcs -n '__pyipcs_in set' -l ns -r -F -k -a '(__pyipcs_lookup namespace)' -d 'Work in the IPC namespace of a process or file'
complete -c pyipcs -n '__pyipcs_in set' -l color -x -k -a 'auto\\t\'on a terminal\' always\\t\'anywhere\' never\\t\'nowhere\'' -d 'Colour the output'
complete -c pyipcs -n '__pyipcs_in set' -s V -l version -d 'Show the version'
complete -c pyipcs -n '__pyipcs_in set' -s h -l help -d 'Show this help'
complete -c pyipcs -n '__pyipcs_in set 0' -x -k -a '(__pyipcs_lookup target) (__pyipcs_ftok)'
complete -c pyipcs -n '__pyipcs_in rm' -s q -l queue-id -x -k -a '(__pyipcs_lookup id:msg)' -d 'A message queue by id'
complete -c pyipcs -n '__pyipcs_in rm' -s Q -l queue-key -x -k -a '(__pyipcs_lookup key:msg) (__pyipcs_ftok)' -d 'A message queue by key'
complete -c pyipcs -n '__pyipcs_in rm' -s m -l shmem-id -x -k -a '(__pyipcs_lookup id:shm)' -d 'A segment by id'
complete -c pyipcs -n '__pyipcs_in rm' -s M -l shmem-key -x -k -a '(__pyipcs_lookup key:shm) (__pyipcs_ftok)' -d 'A segment by key'
complete -c pyipcs -n '__pyipcs_in rm' -s s -l semaphore-id -x -k -a '(__pyipcs_lookup id:sem)' -d 'A semaphore set by id'
complete -c pyipcs -n '__pyipcs_in rm' -s S -l semaphore-key -x -k -a '(__pyipcs_lookup key:sem) (__pyipcs_ftok)' -d 'A semaphore set by key'
complete -c pyipcs -n '__pyipcs_in rm' -l posix-mqueue -x -k -a '(__pyipcs_lookup name)' -d 'A POSIX queue by name'
complete -c pyipcs -n '__pyipcs_in rm' -l posix-shmem -x -k -a '(__pyipcs_lookup name)' -d 'A POSIX segment by name'
complete -c pyipcs -n '__pyipcs_in rm' -l posix-semaphore -x -k -a '(__pyipcs_lookup name)' -d 'A POSIX semaphore by name'
complete -c pyipcs -n '__pyipcs_in rm' -s a -l all -k -a 'msg\\t\'message queues\' shm\\t\'segments\' sem\\t\'semaphore sets\' pmsg\\t\'POSIX queues\' pshm\\t\'POSIX segments\' psem\\t\'POSIX semaphores\' sysv\\t\'all System V kinds\' posix\\t\'all POSIX kinds\'' -d 'All of msg, shm, sem, pmsg, pshm, psem, sysv or posix'
complete -c pyipcs -n '__pyipcs_in rm' -l owner -x -a '(__fish_complete_users)' -d 'Owned by USER; if repeated, by any of them'
complete -c pyipcs -n '__pyipcs_in rm' -l created-by -x -a '(__fish_complete_users)' -d 'Created by USER; if repeated, by any of them'
complete -c pyipcs -n '__pyipcs_in rm' -l mine -d 'Created or owned by you'
complete -c pyipcs -n '__pyipcs_in rm' -l key -x -k -a '(__pyipcs_lookup key) (__pyipcs_ftok)' -d 'With KEY; if repeated, with any of them'
complete -c pyipcs -n '__pyipcs_in rm' -l private -d 'Without a key (IPC_PRIVATE)'
complete -c pyipcs -n '__pyipcs_in rm' -l match -x -d 'POSIX objects named like GLOB; if repeated, any'
complete -c pyipcs -n '__pyipcs_in rm' -l older-than -x -k -a '30s\\t\'seconds\' 10m\\t\'minutes\' 2h\\t\'hours\' 7d\\t\'days\'' -d 'Changed more than DURATION ago: 30s, 10m, 2h, 7d'
complete -c pyipcs -n '__pyipcs_in rm' -l idle -x -k -a '30s\\t\'seconds\' 10m\\t\'minutes\' 2h\\t\'hours\' 7d\\t\'days\'' -d 'Not used for DURATION, nor attached or waited on'
complete -c pyipcs -n '__pyipcs_in rm' -l unattached -d 'Segments that nobody has attached, open or mapped'
complete -c pyipcs -n '__pyipcs_in rm' -l empty -d 'Queues without messages'
complete -c pyipcs -n '__pyipcs_in rm' -l orphaned -d 'Segments whose users are gone, and POSIX objects that nobody has open'
complete -c pyipcs -n '__pyipcs_in rm' -l suspect -d 'Orphaned objects; queues and sets whose users are gone; unused POSIX queues with messages'
complete -c pyipcs -n '__pyipcs_in rm' -l not-in -r -F -d 'Not in FILE (list -J > FILE); if repeated, in none'
complete -c pyipcs -n '__pyipcs_in rm' -s n -l dry-run -d 'Show the objects to remove, in any format, and remove nothing'
complete -c pyipcs -n '__pyipcs_in rm' -s y -l yes -d 'Do not ask for confirmation of --all'
complete -c pyipcs -n '__pyipcs_in rm' -s v -l verbose -d 'Print the removed objects'
complete -c pyipcs -n '__pyipcs_in rm' -s f -l format -x -k -a 'table\\t\'tables for people\' plain\\t\'layout of util-linux, for scripts; with -o, columns of text\' json\\t\'one JSON document\' jsonl\\t\'one JSON object per line\' csv\\t\'comma-separated values with a line of headings\' tsv\\t\'tab-separated values with a line of headings\' export\\t\'shell assignments, one line per object\' openmetrics\\t\'gauges for Prometheus and compatible programs\'' -d 'Format of the output'
complete -c pyipcs -n '__pyipcs_in rm' -s J -l json -d 'Short for --format json'
complete -c pyipcs -n '__pyipcs_in rm' -s o -l output -x -k -a '(__pyipcs_columns \'(?:.*,|\\\\+)?\' KIND\\t\'Kind of object: msg, shm or sem; POSIX: pmsg, pshm or psem\' KEY\\t\'Key\' ID\\t\'Id\' OWNER\\t\'Owner\\\'s name\' PERMS\\t\'Permissions\' CUID\\t\'Creator\\\'s uid\' CUSER\\t\'Creator\\\'s name\' CGID\\t\'Creator\\\'s gid\' CGROUP\\t\'Creator\\\'s group\' UID\\t\'Owner\\\'s uid\' USER\\t\'Owner\\\'s name\' GID\\t\'Owner\\\'s gid\' GROUP\\t\'Owner\\\'s group\' CTIME\\t\'Time of the last change\' AGE\\t\'Time since the last change\' STATE\\t\'in-use, orphaned, suspect or unknown (one scan of /proc)\' REASON\\t\'Reason for STATE\' NS\\t\'IPC namespace\' NAME\\t\'Name\' BORN\\t\'Time of the creation; none for queues\' MTIME\\t\'Last send or receive; for segments, the last recorded write\' ATIME\\t\'Time of the last recorded read or mapping\' USERS\\t\'PIDs of processes that have it open or mapped\' INODE\\t\'Inode\' DEVICE\\t\'Device of the file system\' MSGS\\t\'Messages on the queue\' USEDBYTES\\t\'Bytes in the messages\' QBYTES\\t\'Maximum of bytes, and of messages\' USE%\\t\'USEDBYTES or MSGS as a share of QBYTES, the larger one\' LSPID\\t\'Process of the last send\' LRPID\\t\'Process of the last receive\' SEND\\t\'Time of the last send\' RECV\\t\'Time of the last receive\' WAITERS\\t\'PIDs of waiting processes\' SIZE\\t\'Size\' RSS\\t\'Bytes in memory\' SWAP\\t\'Bytes in swap\' NATTCH\\t\'Attachments\' STATUS\\t\'dest: destroyed at last detachment; locked: not swapped\' CPID\\t\'Process that created it\' LPID\\t\'Process of the last use\' ATTACH\\t\'Time of the last attachment\' DETACH\\t\'Time of the last detachment\' COMMAND\\t\'Command line of CPID\' ATTACHED\\t\'PIDs of processes with an attachment\' NSEMS\\t\'Semaphores\' OTIME\\t\'Time of the last operation\' VALUES\\t\'Value of each semaphore\' NCOUNT\\t\'Processes that wait for a higher value\' ZCOUNT\\t\'Processes that wait for zero\' MAXMSG\\t\'Maximum number of messages\' MSGSIZE\\t\'Maximum size of a message\' NOTIFY\\t\'Process that mq_notify(3) has registered\' MAPPED\\t\'PIDs of processes that have it mapped\' VALUE\\t\'Value of the semaphore\')' -d 'Columns; +COL,... adds to the default ones'
complete -c pyipcs -n '__pyipcs_in rm' -s w -l wide -d 'Omit and cut no column of a table'
complete -c pyipcs -n '__pyipcs_in rm' -l noheadings -d 'Omit headings, and keep columns that do not fit'
complete -c pyipcs -n '__pyipcs_in rm' -l sort -x -k -a '(__pyipcs_columns \'-?\' KIND\\t\'Kind of object: msg, shm or sem; POSIX: pmsg, pshm or psem\' KEY\\t\'Key\' ID\\t\'Id\' OWNER\\t\'Owner\\\'s name\' PERMS\\t\'Permissions\' CUID\\t\'Creator\\\'s uid\' CUSER\\t\'Creator\\\'s name\' CGID\\t\'Creator\\\'s gid\' CGROUP\\t\'Creator\\\'s group\' UID\\t\'Owner\\\'s uid\' USER\\t\'Owner\\\'s name\' GID\\t\'Owner\\\'s gid\' GROUP\\t\'Owner\\\'s group\' CTIME\\t\'Time of the last change\' AGE\\t\'Time since the last change\' STATE\\t\'in-use, orphaned, suspect or unknown (one scan of /proc)\' REASON\\t\'Reason for STATE\' NS\\t\'IPC namespace\' NAME\\t\'Name\' BORN\\t\'Time of the creation; none for queues\' MTIME\\t\'Last send or receive; for segments, the last recorded write\' ATIME\\t\'Time of the last recorded read or mapping\' USERS\\t\'PIDs of processes that have it open or mapped\' INODE\\t\'Inode\' DEVICE\\t\'Device of the file system\' MSGS\\t\'Messages on the queue\' USEDBYTES\\t\'Bytes in the messages\' QBYTES\\t\'Maximum of bytes, and of messages\' USE%\\t\'USEDBYTES or MSGS as a share of QBYTES, the larger one\' LSPID\\t\'Process of the last send\' LRPID\\t\'Process of the last receive\' SEND\\t\'Time of the last send\' RECV\\t\'Time of the last receive\' WAITERS\\t\'PIDs of waiting processes\' SIZE\\t\'Size\' RSS\\t\'Bytes in memory\' SWAP\\t\'Bytes in swap\' NATTCH\\t\'Attachments\' STATUS\\t\'dest: destroyed at last detachment; locked: not swapped\' CPID\\t\'Process that created it\' LPID\\t\'Process of the last use\' ATTACH\\t\'Time of the last attachment\' DETACH\\t\'Time of the last detachment\' COMMAND\\t\'Command line of CPID\' ATTACHED\\t\'PIDs of processes with an attachment\' NSEMS\\t\'Semaphores\' OTIME\\t\'Time of the last operation\' VALUES\\t\'Value of each semaphore\' NCOUNT\\t\'Processes that wait for a higher value\' ZCOUNT\\t\'Processes that wait for zero\' MAXMSG\\t\'Maximum number of messages\' MSGSIZE\\t\'Maximum size of a message\' NOTIFY\\t\'Process that mq_notify(3) has registered\' MAPPED\\t\'PIDs of processes that have it mapped\' VALUE\\t\'Value of the semaphore\')' -d 'Sort by a column; -COL sorts in reverse'
complete -c pyipcs -n '__pyipcs_in rm' -l time-format -x -k -a 'short\\t\'time of day if today, else the date, as in lsipc\' full\\t\'as in ctime(3)\' iso\\t\'ISO 8601 with the offset of the local zone\' relative\\t\'time since then, such as 5m ago\' epoch\\t\'seconds since 1970\'' -d 'Format of times'
complete -c pyipcs -n '__pyipcs_in rm' -s P -l numeric-perms -d 'Permissions as 0644 instead of rw-r--r--'
complete -c pyipcs -n '__pyipcs_in rm' -s b -l bytes -d 'Sizes in bytes, also in a table'
complete -c pyipcs -n '__pyipcs_in rm' -l human -d 'Sizes with units, as 64K, except in JSON'
complete -c pyipcs -n '__pyipcs_in rm' -l ns -r -F -k -a '(__pyipcs_lookup namespace)' -d 'Work in the IPC namespace of a process or file'
complete -c pyipcs -n '__pyipcs_in rm' -l color -x -k -a 'auto\\t\'on a terminal\' always\\t\'anywhere\' never\\t\'nowhere\'' -d 'Colour the output'
complete -c pyipcs -n '__pyipcs_in rm' -s V -l version -d 'Show the version'
complete -c pyipcs -n '__pyipcs_in rm' -s h -l help -d 'Show this help'
complete -c pyipcs -n '__pyipcs_in rm 0 or-more' -x -k -a '(__pyipcs_target_or_kind)'
complete -c pyipcs -n '__pyipcs_in send' -s t -l type -x -d 'Type of the messages, a positive long; with --json, of messages without a type'
complete -c pyipcs -n '__pyipcs_in send' -l priority -x -d 'Priority of the messages of a POSIX queue, 0 to 32767; with --json, of messages without a priority'
complete -c pyipcs -n '__pyipcs_in send' -s l -l lines -d 'One message per line, without the newline'
complete -c pyipcs -n '__pyipcs_in send' -s 0 -l null -d 'One message per record that ends with a NUL'
complete -c pyipcs -n '__pyipcs_in send' -s F -l file -r -F -d 'Read FILE; - is standard input'
complete -c pyipcs -n '__pyipcs_in send' -l hex -d 'Messages as hex digits'
complete -c pyipcs -n '__pyipcs_in send' -s J -l json -d 'Messages as lines of `recv -J`'
complete -c pyipcs -n '__pyipcs_in send' -l pack -x -k -a 'b\\t\'signed char\' h\\t\'short\' i\\t\'int\' I\\t\'unsigned int\' l\\t\'long\' q\\t\'long long\' f\\t\'float\' d\\t\'double\' 8s\\t\'char[8]\' 0l\\t\'padding at the end, as for a long in C\'' -d 'Pack the arguments as the fields of a C struct, in the notation of Python\'s struct module: i is an int, l a long, d a double, 8s a char[8], and 0l pads the end as C does'
complete -c pyipcs -n '__pyipcs_in send' -s z -l nul -d 'Append a NUL to each message, as in C strings'
complete -c pyipcs -n '__pyipcs_in send' -l timeout -x -d 'Wait at most SECONDS for each message, then exit with status 3'
complete -c pyipcs -n '__pyipcs_in send' -l nowait -d 'Do not wait: exit with status 3 instead'
complete -c pyipcs -n '__pyipcs_in send' -l progress -d 'Show the progress on the terminal'
complete -c pyipcs -n '__pyipcs_in send' -l ns -r -F -k -a '(__pyipcs_lookup namespace)' -d 'Work in the IPC namespace of a process or file'
complete -c pyipcs -n '__pyipcs_in send' -l color -x -k -a 'auto\\t\'on a terminal\' always\\t\'anywhere\' never\\t\'nowhere\'' -d 'Colour the output'
complete -c pyipcs -n '__pyipcs_in send' -s V -l version -d 'Show the version'
complete -c pyipcs -n '__pyipcs_in send' -s h -l help -d 'Show this help'
complete -c pyipcs -n '__pyipcs_in send 0' -x -k -a '(__pyipcs_lookup target:msg) (__pyipcs_ftok)'
complete -c pyipcs -n '__pyipcs_in send 1 or-more' -x
complete -c pyipcs -n '__pyipcs_in recv' -s t -l type -x -d 'Type of the messages'
complete -c pyipcs -n '__pyipcs_in recv' -s x -l except -d 'Any type except that of -t'
complete -c pyipcs -n '__pyipcs_in recv' -s n -l count -x -d 'Number of messages'
complete -c pyipcs -n '__pyipcs_in recv' -s a -l all -d 'All messages on the queue, without waiting; status 0 even if there is none'
complete -c pyipcs -n '__pyipcs_in recv' -s F -l follow -d 'All messages until a signal ends recv'
complete -c pyipcs -n '__pyipcs_in recv' -l peek -d 'Leave the messages on the queue, and do not wait'
complete -c pyipcs -n '__pyipcs_in recv' -l max-size -x -k -a '4K\\t\'4096\' 64K\\t\'65536\' 1M\\t\'1048576\' 1G\\t\'1073741824\'' -d 'Largest message to take'
complete -c pyipcs -n '__pyipcs_in recv' -l truncate -d 'Cut larger messages at --max-size; the rest is lost'
complete -c pyipcs -n '__pyipcs_in recv' -l timeout -x -d 'Wait at most SECONDS for each message, then exit with status 3'
complete -c pyipcs -n '__pyipcs_in recv' -l nowait -d 'Do not wait: exit with status 3 instead'
complete -c pyipcs -n '__pyipcs_in recv' -s J -l json -d 'Short for --format json'
complete -c pyipcs -n '__pyipcs_in recv' -s f -l format -x -k -a 'text\\t\'without trailing NULs, with a newline at the end\' raw\\t\'unchanged\' hex\\t\'a dump\' json\\t\'one JSON object per line\' unpack\\t\'the fields of a C struct, separated by tabs; see --unpack\'' -d 'Format of the messages'
complete -c pyipcs -n '__pyipcs_in recv' -l unpack -x -k -a 'b\\t\'signed char\' h\\t\'short\' i\\t\'int\' I\\t\'unsigned int\' l\\t\'long\' q\\t\'long long\' f\\t\'float\' d\\t\'double\' 8s\\t\'char[8]\' 0l\\t\'padding at the end, as for a long in C\'' -d 'Print the fields of a C struct, in the notation of Python\'s struct module, separated by tabs'
complete -c pyipcs -n '__pyipcs_in recv' -s 0 -l null -d 'End each message with a NUL, not with a newline'
complete -c pyipcs -n '__pyipcs_in recv' -s u -l unbuffered -d 'Write each message by itself, as -F does'
complete -c pyipcs -n '__pyipcs_in recv' -l with-type -d 'Print the type, or the priority, and a tab before each message'
complete -c pyipcs -n '__pyipcs_in recv' -l exec -x -a '(__fish_complete_command)' -d 'Run CMD with sh for each message, with the message as standard input'
complete -c pyipcs -n '__pyipcs_in recv' -l ns -r -F -k -a '(__pyipcs_lookup namespace)' -d 'Work in the IPC namespace of a process or file'
complete -c pyipcs -n '__pyipcs_in recv' -l color -x -k -a 'auto\\t\'on a terminal\' always\\t\'anywhere\' never\\t\'nowhere\'' -d 'Colour the output'
complete -c pyipcs -n '__pyipcs_in recv' -s V -l version -d 'Show the version'
complete -c pyipcs -n '__pyipcs_in recv' -s h -l help -d 'Show this help'
complete -c pyipcs -n '__pyipcs_in recv 0' -x -k -a '(__pyipcs_lookup target:msg) (__pyipcs_ftok)'
complete -c pyipcs -n '__pyipcs_in op' -l undo -d 'Undo all operations when the process ends (SEM_UNDO)'
complete -c pyipcs -n '__pyipcs_in op' -s E -l conflict-exit-code -x -d 'Exit status instead of 3, if the operations would wait or waited too long'
complete -c pyipcs -n '__pyipcs_in op' -l timeout -x -d 'Wait at most SECONDS, then exit with status 3'
complete -c pyipcs -n '__pyipcs_in op' -l nowait -d 'Do not wait: exit with status 3 instead'
complete -c pyipcs -n '__pyipcs_in op' -l ns -r -F -k -a '(__pyipcs_lookup namespace)' -d 'Work in the IPC namespace of a process or file'
complete -c pyipcs -n '__pyipcs_in op' -l color -x -k -a 'auto\\t\'on a terminal\' always\\t\'anywhere\' never\\t\'nowhere\'' -d 'Colour the output'
complete -c pyipcs -n '__pyipcs_in op' -s V -l version -d 'Show the version'
complete -c pyipcs -n '__pyipcs_in op' -s h -l help -d 'Show this help'
complete -c pyipcs -n '__pyipcs_in_wrapped op' -a '(__pyipcs_wrapped)'
complete -c pyipcs -n '__pyipcs_in op 0' -x -k -a '(__pyipcs_lookup target:sem) (__pyipcs_ftok)'
complete -c pyipcs -n '__pyipcs_in op 1 or-more' -x -k -a 'P\\t\'wait for semaphore 0 and decrement it\' V\\t\'increment semaphore 0\' Z\\t\'wait until semaphore 0 is zero\' 0-1\\t\'wait and decrement\' 0+1\\t\'increment\' 0=0\\t\'wait for zero\''
complete -c pyipcs -n '__pyipcs_in read' -l offset -x -k -a '4K\\t\'4096\' 64K\\t\'65536\' 1M\\t\'1048576\' 1G\\t\'1073741824\'' -d 'Offset of the first byte'
complete -c pyipcs -n '__pyipcs_in read' -l length -x -k -a '4K\\t\'4096\' 64K\\t\'65536\' 1M\\t\'1048576\' 1G\\t\'1073741824\'' -d 'Largest number of bytes'
complete -c pyipcs -n '__pyipcs_in read' -s f -l format -x -k -a 'raw\\t\'unchanged\' hex\\t\'a dump; repeated rows are folded\' unpack\\t\'the fields of a C struct; see --unpack\'' -d 'Format of the bytes'
complete -c pyipcs -n '__pyipcs_in read' -l unpack -x -k -a 'b\\t\'signed char\' h\\t\'short\' i\\t\'int\' I\\t\'unsigned int\' l\\t\'long\' q\\t\'long long\' f\\t\'float\' d\\t\'double\' 8s\\t\'char[8]\' 0l\\t\'padding at the end, as for a long in C\'' -d 'Print the fields of a C struct, in the notation of Python\'s struct module, separated by tabs'
complete -c pyipcs -n '__pyipcs_in read' -l ns -r -F -k -a '(__pyipcs_lookup namespace)' -d 'Work in the IPC namespace of a process or file'
complete -c pyipcs -n '__pyipcs_in read' -l color -x -k -a 'auto\\t\'on a terminal\' always\\t\'anywhere\' never\\t\'nowhere\'' -d 'Colour the output'
complete -c pyipcs -n '__pyipcs_in read' -s V -l version -d 'Show the version'
complete -c pyipcs -n '__pyipcs_in read' -s h -l help -d 'Show this help'
complete -c pyipcs -n '__pyipcs_in read 0' -x -k -a '(__pyipcs_lookup target:shm) (__pyipcs_ftok)'
complete -c pyipcs -n '__pyipcs_in write' -l offset -x -k -a '4K\\t\'4096\' 64K\\t\'65536\' 1M\\t\'1048576\' 1G\\t\'1073741824\'' -d 'Offset of the first byte'
complete -c pyipcs -n '__pyipcs_in write' -s F -l file -r -F -d 'Read FILE; - is standard input'
complete -c pyipcs -n '__pyipcs_in write' -l hex -d 'Data as hex digits'
complete -c pyipcs -n '__pyipcs_in write' -l pack -x -k -a 'b\\t\'signed char\' h\\t\'short\' i\\t\'int\' I\\t\'unsigned int\' l\\t\'long\' q\\t\'long long\' f\\t\'float\' d\\t\'double\' 8s\\t\'char[8]\' 0l\\t\'padding at the end, as for a long in C\'' -d 'Pack DATA as the fields of a C struct, in the notation of Python\'s struct module: i is an int, l a long, d a double, 8s a char[8], and 0l pads the end as C does'
complete -c pyipcs -n '__pyipcs_in write' -l ns -r -F -k -a '(__pyipcs_lookup namespace)' -d 'Work in the IPC namespace of a process or file'
complete -c pyipcs -n '__pyipcs_in write' -l color -x -k -a 'auto\\t\'on a terminal\' always\\t\'anywhere\' never\\t\'nowhere\'' -d 'Colour the output'
complete -c pyipcs -n '__pyipcs_in write' -s V -l version -d 'Show the version'
complete -c pyipcs -n '__pyipcs_in write' -s h -l help -d 'Show this help'
complete -c pyipcs -n '__pyipcs_in write 0' -x -k -a '(__pyipcs_lookup target:shm) (__pyipcs_ftok)'
complete -c pyipcs -n '__pyipcs_in write 1 or-more' -x
complete -c pyipcs -n '__pyipcs_in run' -l private -x -k -a 'auto\\t\'if the kernel permits it\' always\\t\'fail if the kernel refuses it\' never\\t\'run CMD in the current namespace\'' -d 'Give CMD an IPC namespace and a /dev/mqueue of its own'
complete -c pyipcs -n '__pyipcs_in run' -l shm -x -k -a 'shared\\t\'that of the current namespace\' private\\t\'an empty one, which is removed after CMD\' ignore\\t\'shared, and not examined\'' -d 'The /dev/shm of CMD, for POSIX segments and semaphores'
complete -c pyipcs -n '__pyipcs_in run' -l rm -d 'Remove leftover objects that are orphaned or suspect, in a shared namespace or /dev/shm; also queues and sets in doubt, if their mode excludes other users and no other process of yours could use them'
complete -c pyipcs -n '__pyipcs_in run' -s f -l format -x -k -a 'table\\t\'tables for people\' plain\\t\'columns of text\' json\\t\'one JSON document\' jsonl\\t\'one JSON object per line\' csv\\t\'comma-separated values with a line of headings\' tsv\\t\'tab-separated values with a line of headings\' export\\t\'shell assignments, one line per object\'' -d 'Format of the report'
complete -c pyipcs -n '__pyipcs_in run' -s J -l json -d 'Short for --format json'
complete -c pyipcs -n '__pyipcs_in run' -l report -r -F -d 'Write the report to a file, or to an open descriptor that CMD does not inherit'
complete -c pyipcs -n '__pyipcs_in run' -l color -x -k -a 'auto\\t\'on a terminal\' always\\t\'anywhere\' never\\t\'nowhere\'' -d 'Colour the output'
complete -c pyipcs -n '__pyipcs_in run' -s V -l version -d 'Show the version'
complete -c pyipcs -n '__pyipcs_in run' -s h -l help -d 'Show this help'
complete -c pyipcs -n '__pyipcs_in run' -a '(__pyipcs_wrapped)'
complete -c pyipcs -n '__pyipcs_in help' -l color -x -k -a 'auto\\t\'on a terminal\' always\\t\'anywhere\' never\\t\'nowhere\'' -d 'Colour the output'
complete -c pyipcs -n '__pyipcs_in help' -s V -l version -d 'Show the version'
complete -c pyipcs -n '__pyipcs_in help' -s h -l help -d 'Show this help'
complete -c pyipcs -n '__pyipcs_in help 0' -x -k -a 'list\\t\'Show System V and POSIX IPC objects, limits and usage.\' stat\\t\'Show all details of objects.\' key\\t\'Print the ftok(3) key of a file.\' make\\t\'Create System V and POSIX IPC objects, all of them or none.\' set\\t\'Change modes, owners, sizes, values of semaphores, locking.\' rm\\t\'Remove objects by id, key or name, or all of some kinds.\' send\\t\'Send messages to a queue.\' recv\\t\'Receive messages from a queue, or peek at them.\' op\\t\'Operate on semaphores, or hold them while a command runs.\' read\\t\'Read bytes from a segment.\' write\\t\'Write bytes into a segment.\' run\\t\'Run a command, and report the objects it leaves behind.\' help\\t\'Show the help of a command, the columns or the formats.\' version\\t\'Print the version.\' completion\\t\'Print the completion file of a shell.\' columns\\t\'Columns for -o and --sort.\' formats\\t\'Formats of output and of times.\''
complete -c pyipcs -n '__pyipcs_in version' -l color -x -k -a 'auto\\t\'on a terminal\' always\\t\'anywhere\' never\\t\'nowhere\'' -d 'Colour the output'
complete -c pyipcs -n '__pyipcs_in version' -s V -l version -d 'Show the version'
complete -c pyipcs -n '__pyipcs_in version' -s h -l help -d 'Show this help'
complete -c pyipcs -n '__pyipcs_in completion' -l color -x -k -a 'auto\\t\'on a terminal\' always\\t\'anywhere\' never\\t\'nowhere\'' -d 'Colour the output'
complete -c pyipcs -n '__pyipcs_in completion' -s V -l version -d 'Show the version'
complete -c pyipcs -n '__pyipcs_in completion' -s h -l help -d 'Show this help'
complete -c pyipcs -n '__pyipcs_in completion 0' -x -k -a 'bash\\t\'code for eval in .bashrc\' zsh\\t\'file of a directory in fpath, or code for eval after compinit\' fish\\t\'code for source in config.fish, or file of a directory of completions\''
