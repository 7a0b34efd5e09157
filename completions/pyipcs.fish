# Made by `python -m pyipcs.describe`; do not edit.

# What stands before the cursor: the command, then its operands. For one that wraps another
# command, the words of that. fish asks for each condition anew, so it is kept.
function __pyipcs_words
    set -l words (commandline -opc)[2..]
    if test "$words" != "$__pyipcs_asked" || not set -q __pyipcs_answer
        set -g __pyipcs_asked $words
        set -g __pyipcs_answer (__pyipcs_parse $words)
    end
    printf '%s\n' $__pyipcs_answer
end

function __pyipcs_parse
    argparse -s $__pyipcs_options -- $argv 2>/dev/null
    set -l command $argv[1]
    set -l options __pyipcs_options_$command
    string match -qr '^[a-z]+$' -- "$command" && set -q $options || return
    set -l words $argv[2..]
    if contains $command $__pyipcs_wrappers && set -l place (contains -i -- -- $words)
        printf '%s\n' $command behind $words[(math $place + 1)..]
        return
    end
    argparse -i $$options -- $words 2>/dev/null
    printf '%s\n' $command $argv
end

# Whether this is the command, and this many operands stand before the cursor, or at least so many.
function __pyipcs_in -a command number least
    set -l words (__pyipcs_words)
    test "$words[1]" = "$command" || return
    test "$words[2]" = behind && return 1
    test -z "$number" || test (math (count $words) - 1) -eq $number && return
    test -n "$least" && test (count $words) -gt $number
end

function __pyipcs_behind -a command
    set -l words (__pyipcs_words)
    test "$words[1]" = "$command" && test "$words[2]" = behind
end

# The word at the cursor, without the option that it is the value of.
function __pyipcs_current
    commandline -ct | string replace -r '^(--[a-z-]+=|-[a-zA-Z](?=[^-]))?["\']?' ''
end

function __pyipcs_there -a what
    set -l words (commandline -opc)
    set -l program (string replace -r '^~' $HOME -- $words[1])
    command -q $program || return
    command $program --complete $what (__pyipcs_current) $words[2..] 2>/dev/null
end

# Columns, with commas between, behind what sets them off.
function __pyipcs_columns -a before
    string match -rq "^(?<prefix>$before)" -- (__pyipcs_current)
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
        printf 'ftok:\tthe key that ftok(3) makes of a file\n'
    end
end

function __pyipcs_kind_and_ids
    set -l words (__pyipcs_words)
    if test (count $words) -eq 1
        printf 'msg\tmessage queues\nshm\tsegments\nsem\tsemaphore sets\n'
    else if contains -- $words[2] msg shm sem
        __pyipcs_there id:$words[2]
    end
end

# The words of another command.
function __pyipcs_wrapped
    set -l words (__pyipcs_words)[2..]
    test "$words[1]" = behind && set -e words[1]
    complete -C (string join ' ' -- (string escape -- $words) (commandline -ct))
end

complete -c pyipcs -e
complete -c pyipcs -f
set -g __pyipcs_options 'color=+' 'V/version' 'h/help'
set -g __pyipcs_wrappers op
set -g __pyipcs_options_list 'q/queues' 'm/shmems' 's/semaphores' 'a/all' 'i/id=+' 'owner=+' 'created-by=+' 'mine' 'key=+' 'private' 'older-than=+' 'idle=+' 'unattached' 'empty' 'orphaned' 'suspect' 'not-in=+' 'all-ns' 't/time' 'p/pid' 'c/creator' 'l/limits' 'u/summary' 'f/format=+' 'J/json' 'o/output=+' 'noheadings' 'sort=+' 'time-format=+' 'P/numeric-perms' 'b/bytes' 'human' 'watch=?' 'fail-if-any' 'ns=+' 'color=+' 'V/version' 'h/help'
set -g __pyipcs_options_stat 'q/queues' 'm/shmems' 's/semaphores' 'f/format=+' 'J/json' 'o/output=+' 'noheadings' 'sort=+' 'time-format=+' 'P/numeric-perms' 'b/bytes' 'human' 'watch=?' 'ns=+' 'color=+' 'V/version' 'h/help'
set -g __pyipcs_options_key 'v/verbose' 'ns=+' 'color=+' 'V/version' 'h/help'
set -g __pyipcs_options_make 'M/shmem=+' 'S/semaphore=+' 'Q/queue' 'p/mode=+' 'k/key=+' 'private' 'exist-ok' 'qbytes=+' 'values=+' 'owner=+' 'i/id-only' 'J/json' 'ns=+' 'color=+' 'V/version' 'h/help'
set -g __pyipcs_options_set 'q/queues' 'm/shmems' 's/semaphores' 'mode=+' 'owner=+' 'qbytes=+' 'value=+' 'values=+' 'lock' 'unlock' 'ns=+' 'color=+' 'V/version' 'h/help'
set -g __pyipcs_options_rm 'q/queue-id=+' 'Q/queue-key=+' 'm/shmem-id=+' 'M/shmem-key=+' 's/semaphore-id=+' 'S/semaphore-key=+' 'a/all=?' 'owner=+' 'created-by=+' 'mine' 'key=+' 'private' 'older-than=+' 'idle=+' 'unattached' 'empty' 'orphaned' 'suspect' 'not-in=+' 'n/dry-run' 'y/yes' 'v/verbose' 'f/format=+' 'J/json' 'o/output=+' 'noheadings' 'sort=+' 'time-format=+' 'P/numeric-perms' 'b/bytes' 'human' 'ns=+' 'color=+' 'V/version' 'h/help'
set -g __pyipcs_options_send 't/type=+' 'l/lines' '0/null' 'F/file=+' 'hex' 'J/json' 'pack=+' 'z/nul' 'timeout=+' 'nowait' 'progress' 'ns=+' 'color=+' 'V/version' 'h/help'
set -g __pyipcs_options_recv 't/type=+' 'x/except' 'n/count=+' 'a/all' 'F/follow' 'peek' 'max-size=+' 'truncate' 'timeout=+' 'nowait' 'J/json' 'f/format=+' 'unpack=+' '0/null' 'u/unbuffered' 'with-type' 'exec=+' 'ns=+' 'color=+' 'V/version' 'h/help'
set -g __pyipcs_options_op 'undo' 'E/conflict-exit-code=+' 'timeout=+' 'nowait' 'ns=+' 'color=+' 'V/version' 'h/help'
set -g __pyipcs_options_read 'offset=+' 'length=+' 'f/format=+' 'unpack=+' 'ns=+' 'color=+' 'V/version' 'h/help'
set -g __pyipcs_options_write 'offset=+' 'F/file=+' 'hex' 'pack=+' 'ns=+' 'color=+' 'V/version' 'h/help'
set -g __pyipcs_options_run 'private=+' 'rm' 'f/format=+' 'J/json' 'report=+' 'color=+' 'V/version' 'h/help'
complete -c pyipcs -n '__pyipcs_in' -a list -d 'Show System V IPC objects, limits and usage'
complete -c pyipcs -n '__pyipcs_in' -a stat -d 'Show all details of objects'
complete -c pyipcs -n '__pyipcs_in' -a key -d 'Show the ftok(3) key of a file'
complete -c pyipcs -n '__pyipcs_in' -a make -d 'Create System V IPC objects'
complete -c pyipcs -n '__pyipcs_in' -a set -d 'Change modes, owners, sizes of queues, values of semaphores, locking'
complete -c pyipcs -n '__pyipcs_in' -a rm -d 'Remove System V IPC objects, by id, by key, or all'
complete -c pyipcs -n '__pyipcs_in' -a send -d 'Send messages to a queue'
complete -c pyipcs -n '__pyipcs_in' -a recv -d 'Receive messages from a queue, or peek at them'
complete -c pyipcs -n '__pyipcs_in' -a op -d 'Operate on semaphores, or hold them while a command runs'
complete -c pyipcs -n '__pyipcs_in' -a read -d 'Read bytes out of a segment'
complete -c pyipcs -n '__pyipcs_in' -a write -d 'Write bytes into a segment'
complete -c pyipcs -n '__pyipcs_in' -a run -d 'Run a command, and report the objects it leaves behind'
complete -c pyipcs -n '__pyipcs_in \'\'' -l color -x -k -a 'auto\\t\'on a terminal\' always\\t\'anywhere\' never\\t\'nowhere\'' -d 'Color the output'
complete -c pyipcs -n '__pyipcs_in \'\'' -s V -l version -d 'Show the version'
complete -c pyipcs -n '__pyipcs_in \'\'' -s h -l help -d 'Show this help'
complete -c pyipcs -n '__pyipcs_in list' -s q -l queues -d 'Message queues'
complete -c pyipcs -n '__pyipcs_in list' -s m -l shmems -d 'Shared memory segments'
complete -c pyipcs -n '__pyipcs_in list' -s s -l semaphores -d 'Semaphore sets'
complete -c pyipcs -n '__pyipcs_in list' -s a -l all -d 'All kinds'
complete -c pyipcs -n '__pyipcs_in list' -s i -l id -x -k -a '(__pyipcs_there id)' -d 'One object; needs -q, -m or -s'
complete -c pyipcs -n '__pyipcs_in list' -l owner -x -a '(__fish_complete_users)' -d 'Owned by USER; if repeated, by any of them'
complete -c pyipcs -n '__pyipcs_in list' -l created-by -x -a '(__fish_complete_users)' -d 'Created by USER; if repeated, by any of them'
complete -c pyipcs -n '__pyipcs_in list' -l mine -d 'Created or owned by you'
complete -c pyipcs -n '__pyipcs_in list' -l key -x -k -a '(__pyipcs_there key) (__pyipcs_ftok)' -d 'With KEY; if repeated, with any of them'
complete -c pyipcs -n '__pyipcs_in list' -l private -d 'Without a key (IPC_PRIVATE)'
complete -c pyipcs -n '__pyipcs_in list' -l older-than -x -k -a '30s\\t\'seconds\' 10m\\t\'minutes\' 2h\\t\'hours\' 7d\\t\'days\'' -d 'Last changed more than DURATION ago: 30s, 10m, 2h, 7d'
complete -c pyipcs -n '__pyipcs_in list' -l idle -x -k -a '30s\\t\'seconds\' 10m\\t\'minutes\' 2h\\t\'hours\' 7d\\t\'days\'' -d 'Last used more than DURATION ago (if never used: last changed), not attached, and with no visible process waiting on it'
complete -c pyipcs -n '__pyipcs_in list' -l unattached -d 'Segments that no process has attached'
complete -c pyipcs -n '__pyipcs_in list' -l empty -d 'Queues without messages'
complete -c pyipcs -n '__pyipcs_in list' -l orphaned -d 'Segments that no process has attached and whose creator and last user are gone'
complete -c pyipcs -n '__pyipcs_in list' -l suspect -d 'Orphaned segments, and queues and semaphore sets whose last users are gone and on which no process waits'
complete -c pyipcs -n '__pyipcs_in list' -l not-in -r -F -d 'Not in an earlier listing of all objects (list -J > FILE)'
complete -c pyipcs -n '__pyipcs_in list' -l all-ns -d 'Objects of every IPC namespace that has a process you may inspect'
complete -c pyipcs -n '__pyipcs_in list' -s t -l time -d 'Times of last use and change'
complete -c pyipcs -n '__pyipcs_in list' -s p -l pid -d 'PIDs of creators and last users'
complete -c pyipcs -n '__pyipcs_in list' -s c -l creator -d 'Creators and owners'
complete -c pyipcs -n '__pyipcs_in list' -s l -l limits -d 'Limits of the kernel'
complete -c pyipcs -n '__pyipcs_in list' -s u -l summary -d 'Current usage'
complete -c pyipcs -n '__pyipcs_in list' -s f -l format -x -k -a 'table\\t\'tables for people\' plain\\t\'layout of util-linux, for scripts; with -o, columns of text\' json\\t\'one JSON document\' jsonl\\t\'one JSON object per line\' csv\\t\'comma-separated values with a line of headings\' tsv\\t\'tab-separated values with a line of headings\' export\\t\'shell assignments, one line per object\' openmetrics\\t\'gauges for Prometheus and compatible programs\'' -d 'Format of the output'
complete -c pyipcs -n '__pyipcs_in list' -s J -l json -d 'Short for --format json'
complete -c pyipcs -n '__pyipcs_in list' -s o -l output -x -k -a '(__pyipcs_columns \'(?:.*,|\\\\+)?\' KIND\\t\'Kind of object: msg, shm or sem\' KEY\\t\'Key\' ID\\t\'Id\' OWNER\\t\'Owner\\\'s name\' PERMS\\t\'Permissions\' CUID\\t\'Creator\\\'s uid\' CUSER\\t\'Creator\\\'s name\' CGID\\t\'Creator\\\'s gid\' CGROUP\\t\'Creator\\\'s group\' UID\\t\'Owner\\\'s uid\' USER\\t\'Owner\\\'s name\' GID\\t\'Owner\\\'s gid\' GROUP\\t\'Owner\\\'s group\' CTIME\\t\'Time of the last change\' AGE\\t\'Time since the last change\' STATE\\t\'in-use, orphaned, suspect or unknown\' REASON\\t\'What speaks for STATE\' NS\\t\'IPC namespace\' MSGS\\t\'Messages on the queue\' USEDBYTES\\t\'Bytes in them\' QBYTES\\t\'Bytes, and messages, that the queue may hold\' USE%\\t\'USEDBYTES or MSGS in QBYTES, whichever is more\' LSPID\\t\'Process of the last send\' LRPID\\t\'Process of the last receive\' SEND\\t\'Time of the last send\' RECV\\t\'Time of the last receive\' WAITERS\\t\'PIDs of processes that wait on it\' SIZE\\t\'Size\' RSS\\t\'Bytes of it in memory\' SWAP\\t\'Bytes of it in swap\' NATTCH\\t\'Attachments\' STATUS\\t\'dest: goes with the last one; locked: not swapped\' CPID\\t\'Process that created it\' LPID\\t\'Process of the last use\' ATTACH\\t\'Time of the last attachment\' DETACH\\t\'Time of the last detachment\' COMMAND\\t\'Command line of CPID\' ATTACHED\\t\'PIDs of processes that have it attached\' NSEMS\\t\'Semaphores\' OTIME\\t\'Time of the last operation\' VALUES\\t\'Value of each semaphore\' NCOUNT\\t\'Processes that wait for it to grow\' ZCOUNT\\t\'Processes that wait for it to be zero\' RESOURCE\\t\'Resource\' DESCRIPTION\\t\'What it is\' UNIT\\t\'What LIMIT and USED are counted in: bytes or pages\' LIMIT\\t\'The most there can be\' USED\\t\'How many there are\')' -d 'Columns, as listed below; +COL,... adds to the default ones'
complete -c pyipcs -n '__pyipcs_in list' -l noheadings -d 'No headings, and no column left out for lack of width'
complete -c pyipcs -n '__pyipcs_in list' -l sort -x -k -a '(__pyipcs_columns \'-?\' KIND\\t\'Kind of object: msg, shm or sem\' KEY\\t\'Key\' ID\\t\'Id\' OWNER\\t\'Owner\\\'s name\' PERMS\\t\'Permissions\' CUID\\t\'Creator\\\'s uid\' CUSER\\t\'Creator\\\'s name\' CGID\\t\'Creator\\\'s gid\' CGROUP\\t\'Creator\\\'s group\' UID\\t\'Owner\\\'s uid\' USER\\t\'Owner\\\'s name\' GID\\t\'Owner\\\'s gid\' GROUP\\t\'Owner\\\'s group\' CTIME\\t\'Time of the last change\' AGE\\t\'Time since the last change\' STATE\\t\'in-use, orphaned, suspect or unknown\' REASON\\t\'What speaks for STATE\' NS\\t\'IPC namespace\' MSGS\\t\'Messages on the queue\' USEDBYTES\\t\'Bytes in them\' QBYTES\\t\'Bytes, and messages, that the queue may hold\' USE%\\t\'USEDBYTES or MSGS in QBYTES, whichever is more\' LSPID\\t\'Process of the last send\' LRPID\\t\'Process of the last receive\' SEND\\t\'Time of the last send\' RECV\\t\'Time of the last receive\' WAITERS\\t\'PIDs of processes that wait on it\' SIZE\\t\'Size\' RSS\\t\'Bytes of it in memory\' SWAP\\t\'Bytes of it in swap\' NATTCH\\t\'Attachments\' STATUS\\t\'dest: goes with the last one; locked: not swapped\' CPID\\t\'Process that created it\' LPID\\t\'Process of the last use\' ATTACH\\t\'Time of the last attachment\' DETACH\\t\'Time of the last detachment\' COMMAND\\t\'Command line of CPID\' ATTACHED\\t\'PIDs of processes that have it attached\' NSEMS\\t\'Semaphores\' OTIME\\t\'Time of the last operation\' VALUES\\t\'Value of each semaphore\' NCOUNT\\t\'Processes that wait for it to grow\' ZCOUNT\\t\'Processes that wait for it to be zero\' RESOURCE\\t\'Resource\' DESCRIPTION\\t\'What it is\' UNIT\\t\'What LIMIT and USED are counted in: bytes or pages\' LIMIT\\t\'The most there can be\' USED\\t\'How many there are\')' -d 'Sort by a column; -COL sorts in reverse'
complete -c pyipcs -n '__pyipcs_in list' -l time-format -x -k -a 'short\\t\'time of today, or the day, as in lsipc\' full\\t\'as in ctime(3)\' iso\\t\'ISO 8601 with the offset of the local zone\' relative\\t\'time that has passed since\' epoch\\t\'seconds since 1970\'' -d 'Format of times'
complete -c pyipcs -n '__pyipcs_in list' -s P -l numeric-perms -d 'Permissions as 0644 instead of rw-r--r--'
complete -c pyipcs -n '__pyipcs_in list' -s b -l bytes -d 'Sizes in bytes, also in a table'
complete -c pyipcs -n '__pyipcs_in list' -l human -d 'Sizes with units, as 64K, except in JSON'
complete -c pyipcs -n '__pyipcs_in list' -l watch -k -a '0.5 1 5' -d 'Show a live view until Ctrl-C, updated every SECONDS'
complete -c pyipcs -n '__pyipcs_in list' -l fail-if-any -d 'Exit with status 23 if there is an object'
complete -c pyipcs -n '__pyipcs_in list' -l ns -r -F -k -a '(__pyipcs_there namespace)' -d 'Work in the IPC namespace of process PID, or of the namespace file PATH'
complete -c pyipcs -n '__pyipcs_in list' -l color -x -k -a 'auto\\t\'on a terminal\' always\\t\'anywhere\' never\\t\'nowhere\'' -d 'Color the output'
complete -c pyipcs -n '__pyipcs_in list' -s V -l version -d 'Show the version'
complete -c pyipcs -n '__pyipcs_in list' -s h -l help -d 'Show this help'
complete -c pyipcs -n '__pyipcs_in stat' -s q -l queues -d 'The message queue with that id or key'
complete -c pyipcs -n '__pyipcs_in stat' -s m -l shmems -d 'The segment with that id or key'
complete -c pyipcs -n '__pyipcs_in stat' -s s -l semaphores -d 'The semaphore set with that id or key'
complete -c pyipcs -n '__pyipcs_in stat' -s f -l format -x -k -a 'table\\t\'tables for people\' plain\\t\'layout of util-linux, for scripts; with -o, columns of text\' json\\t\'one JSON document\' jsonl\\t\'one JSON object per line\' csv\\t\'comma-separated values with a line of headings\' tsv\\t\'tab-separated values with a line of headings\' export\\t\'shell assignments, one line per object\' openmetrics\\t\'gauges for Prometheus and compatible programs\'' -d 'Format of the output'
complete -c pyipcs -n '__pyipcs_in stat' -s J -l json -d 'Short for --format json'
complete -c pyipcs -n '__pyipcs_in stat' -s o -l output -x -k -a '(__pyipcs_columns \'(?:.*,|\\\\+)?\' KIND\\t\'Kind of object: msg, shm or sem\' KEY\\t\'Key\' ID\\t\'Id\' OWNER\\t\'Owner\\\'s name\' PERMS\\t\'Permissions\' CUID\\t\'Creator\\\'s uid\' CUSER\\t\'Creator\\\'s name\' CGID\\t\'Creator\\\'s gid\' CGROUP\\t\'Creator\\\'s group\' UID\\t\'Owner\\\'s uid\' USER\\t\'Owner\\\'s name\' GID\\t\'Owner\\\'s gid\' GROUP\\t\'Owner\\\'s group\' CTIME\\t\'Time of the last change\' AGE\\t\'Time since the last change\' STATE\\t\'in-use, orphaned, suspect or unknown\' REASON\\t\'What speaks for STATE\' NS\\t\'IPC namespace\' MSGS\\t\'Messages on the queue\' USEDBYTES\\t\'Bytes in them\' QBYTES\\t\'Bytes, and messages, that the queue may hold\' USE%\\t\'USEDBYTES or MSGS in QBYTES, whichever is more\' LSPID\\t\'Process of the last send\' LRPID\\t\'Process of the last receive\' SEND\\t\'Time of the last send\' RECV\\t\'Time of the last receive\' WAITERS\\t\'PIDs of processes that wait on it\' SIZE\\t\'Size\' RSS\\t\'Bytes of it in memory\' SWAP\\t\'Bytes of it in swap\' NATTCH\\t\'Attachments\' STATUS\\t\'dest: goes with the last one; locked: not swapped\' CPID\\t\'Process that created it\' LPID\\t\'Process of the last use\' ATTACH\\t\'Time of the last attachment\' DETACH\\t\'Time of the last detachment\' COMMAND\\t\'Command line of CPID\' ATTACHED\\t\'PIDs of processes that have it attached\' NSEMS\\t\'Semaphores\' OTIME\\t\'Time of the last operation\' VALUES\\t\'Value of each semaphore\' NCOUNT\\t\'Processes that wait for it to grow\' ZCOUNT\\t\'Processes that wait for it to be zero\')' -d 'Columns, as listed below; +COL,... adds to the default ones'
complete -c pyipcs -n '__pyipcs_in stat' -l noheadings -d 'No headings, and no column left out for lack of width'
complete -c pyipcs -n '__pyipcs_in stat' -l sort -x -k -a '(__pyipcs_columns \'-?\' KIND\\t\'Kind of object: msg, shm or sem\' KEY\\t\'Key\' ID\\t\'Id\' OWNER\\t\'Owner\\\'s name\' PERMS\\t\'Permissions\' CUID\\t\'Creator\\\'s uid\' CUSER\\t\'Creator\\\'s name\' CGID\\t\'Creator\\\'s gid\' CGROUP\\t\'Creator\\\'s group\' UID\\t\'Owner\\\'s uid\' USER\\t\'Owner\\\'s name\' GID\\t\'Owner\\\'s gid\' GROUP\\t\'Owner\\\'s group\' CTIME\\t\'Time of the last change\' AGE\\t\'Time since the last change\' STATE\\t\'in-use, orphaned, suspect or unknown\' REASON\\t\'What speaks for STATE\' NS\\t\'IPC namespace\' MSGS\\t\'Messages on the queue\' USEDBYTES\\t\'Bytes in them\' QBYTES\\t\'Bytes, and messages, that the queue may hold\' USE%\\t\'USEDBYTES or MSGS in QBYTES, whichever is more\' LSPID\\t\'Process of the last send\' LRPID\\t\'Process of the last receive\' SEND\\t\'Time of the last send\' RECV\\t\'Time of the last receive\' WAITERS\\t\'PIDs of processes that wait on it\' SIZE\\t\'Size\' RSS\\t\'Bytes of it in memory\' SWAP\\t\'Bytes of it in swap\' NATTCH\\t\'Attachments\' STATUS\\t\'dest: goes with the last one; locked: not swapped\' CPID\\t\'Process that created it\' LPID\\t\'Process of the last use\' ATTACH\\t\'Time of the last attachment\' DETACH\\t\'Time of the last detachment\' COMMAND\\t\'Command line of CPID\' ATTACHED\\t\'PIDs of processes that have it attached\' NSEMS\\t\'Semaphores\' OTIME\\t\'Time of the last operation\' VALUES\\t\'Value of each semaphore\' NCOUNT\\t\'Processes that wait for it to grow\' ZCOUNT\\t\'Processes that wait for it to be zero\')' -d 'Sort by a column; -COL sorts in reverse'
complete -c pyipcs -n '__pyipcs_in stat' -l time-format -x -k -a 'short\\t\'time of today, or the day, as in lsipc\' full\\t\'as in ctime(3)\' iso\\t\'ISO 8601 with the offset of the local zone\' relative\\t\'time that has passed since\' epoch\\t\'seconds since 1970\'' -d 'Format of times'
complete -c pyipcs -n '__pyipcs_in stat' -s P -l numeric-perms -d 'Permissions as 0644 instead of rw-r--r--'
complete -c pyipcs -n '__pyipcs_in stat' -s b -l bytes -d 'Sizes in bytes, also in a table'
complete -c pyipcs -n '__pyipcs_in stat' -l human -d 'Sizes with units, as 64K, except in JSON'
complete -c pyipcs -n '__pyipcs_in stat' -l watch -k -a '0.5 1 5' -d 'Show a live view until Ctrl-C, updated every SECONDS'
complete -c pyipcs -n '__pyipcs_in stat' -l ns -r -F -k -a '(__pyipcs_there namespace)' -d 'Work in the IPC namespace of process PID, or of the namespace file PATH'
complete -c pyipcs -n '__pyipcs_in stat' -l color -x -k -a 'auto\\t\'on a terminal\' always\\t\'anywhere\' never\\t\'nowhere\'' -d 'Color the output'
complete -c pyipcs -n '__pyipcs_in stat' -s V -l version -d 'Show the version'
complete -c pyipcs -n '__pyipcs_in stat' -s h -l help -d 'Show this help'
complete -c pyipcs -n '__pyipcs_in stat 0 or-more' -x -k -a '(__pyipcs_there target) (__pyipcs_ftok)'
complete -c pyipcs -n '__pyipcs_in key' -s v -l verbose -d 'Then say which objects have it now, one a line'
complete -c pyipcs -n '__pyipcs_in key' -l ns -r -F -k -a '(__pyipcs_there namespace)' -d 'Work in the IPC namespace of process PID, or of the namespace file PATH'
complete -c pyipcs -n '__pyipcs_in key' -l color -x -k -a 'auto\\t\'on a terminal\' always\\t\'anywhere\' never\\t\'nowhere\'' -d 'Color the output'
complete -c pyipcs -n '__pyipcs_in key' -s V -l version -d 'Show the version'
complete -c pyipcs -n '__pyipcs_in key' -s h -l help -d 'Show this help'
complete -c pyipcs -n '__pyipcs_in key 0' -r -F
complete -c pyipcs -n '__pyipcs_in key 1' -x
complete -c pyipcs -n '__pyipcs_in make' -s M -l shmem -x -k -a '4K\\t\'4096\' 64K\\t\'65536\' 1M\\t\'1048576\' 1G\\t\'1073741824\'' -d 'A segment of SIZE bytes'
complete -c pyipcs -n '__pyipcs_in make' -s S -l semaphore -x -d 'A set of NSEMS semaphores'
complete -c pyipcs -n '__pyipcs_in make' -s Q -l queue -d 'A message queue'
complete -c pyipcs -n '__pyipcs_in make' -s p -l mode -x -k -a '600\\t\'owner\' 660\\t\'owner and group\' 644\\t\'others may read\' 666\\t\'everyone\'' -d 'Permissions, in octal'
complete -c pyipcs -n '__pyipcs_in make' -s k -l key -x -a '(__pyipcs_ftok)' -d 'The key: decimal, 0x hexadecimal, 0 octal, or ftok:PATH[:PROJ]'
complete -c pyipcs -n '__pyipcs_in make' -l private -d 'No key (IPC_PRIVATE)'
complete -c pyipcs -n '__pyipcs_in make' -l exist-ok -d 'Take what has the key already, and leave it as it is; less than what is asked for is an error'
complete -c pyipcs -n '__pyipcs_in make' -l qbytes -x -k -a '4K\\t\'4096\' 16K\\t\'16384\' 64K\\t\'65536\'' -d 'How many bytes the queue may hold'
complete -c pyipcs -n '__pyipcs_in make' -l values -x -d 'The values of the semaphores, 0 to 32767 each'
complete -c pyipcs -n '__pyipcs_in make' -l owner -x -a '(__pyipcs_owner)' -d 'The owner, by name or number, as chown(1) reads it: :GROUP sets the group alone'
complete -c pyipcs -n '__pyipcs_in make' -s i -l id-only -d 'Print bare ids: the segment\'s, the queue\'s, the set\'s'
complete -c pyipcs -n '__pyipcs_in make' -s J -l json -d 'Print the objects as JSON'
complete -c pyipcs -n '__pyipcs_in make' -l ns -r -F -k -a '(__pyipcs_there namespace)' -d 'Work in the IPC namespace of process PID, or of the namespace file PATH'
complete -c pyipcs -n '__pyipcs_in make' -l color -x -k -a 'auto\\t\'on a terminal\' always\\t\'anywhere\' never\\t\'nowhere\'' -d 'Color the output'
complete -c pyipcs -n '__pyipcs_in make' -s V -l version -d 'Show the version'
complete -c pyipcs -n '__pyipcs_in make' -s h -l help -d 'Show this help'
complete -c pyipcs -n '__pyipcs_in set' -s q -l queues -d 'The message queue with that id or key'
complete -c pyipcs -n '__pyipcs_in set' -s m -l shmems -d 'The segment with that id or key'
complete -c pyipcs -n '__pyipcs_in set' -s s -l semaphores -d 'The semaphore set with that id or key'
complete -c pyipcs -n '__pyipcs_in set' -l mode -x -k -a '600\\t\'owner\' 660\\t\'owner and group\' 644\\t\'others may read\' 666\\t\'everyone\'' -d 'Permissions, in octal'
complete -c pyipcs -n '__pyipcs_in set' -l owner -x -a '(__pyipcs_owner)' -d 'The owner, by name or number, as chown(1) reads it: USER alone leaves the group, and :GROUP the user'
complete -c pyipcs -n '__pyipcs_in set' -l qbytes -x -k -a '4K\\t\'4096\' 16K\\t\'16384\' 64K\\t\'65536\'' -d 'How many bytes a queue may hold; over msgmnb it takes CAP_SYS_RESOURCE'
complete -c pyipcs -n '__pyipcs_in set' -l value -x -d 'The value of one semaphore of a set, 0 to 32767; may be given several times'
complete -c pyipcs -n '__pyipcs_in set' -l values -x -d 'The values of all semaphores of a set, at once'
complete -c pyipcs -n '__pyipcs_in set' -l lock -d 'Keep a segment in memory, out of swap'
complete -c pyipcs -n '__pyipcs_in set' -l unlock -d 'Let it be swapped again'
complete -c pyipcs -n '__pyipcs_in set' -l ns -r -F -k -a '(__pyipcs_there namespace)' -d 'Work in the IPC namespace of process PID, or of the namespace file PATH'
complete -c pyipcs -n '__pyipcs_in set' -l color -x -k -a 'auto\\t\'on a terminal\' always\\t\'anywhere\' never\\t\'nowhere\'' -d 'Color the output'
complete -c pyipcs -n '__pyipcs_in set' -s V -l version -d 'Show the version'
complete -c pyipcs -n '__pyipcs_in set' -s h -l help -d 'Show this help'
complete -c pyipcs -n '__pyipcs_in set 0' -x -k -a '(__pyipcs_there target) (__pyipcs_ftok)'
complete -c pyipcs -n '__pyipcs_in rm' -s q -l queue-id -x -k -a '(__pyipcs_there id:msg)' -d 'A message queue by id'
complete -c pyipcs -n '__pyipcs_in rm' -s Q -l queue-key -x -k -a '(__pyipcs_there key:msg) (__pyipcs_ftok)' -d 'A message queue by key'
complete -c pyipcs -n '__pyipcs_in rm' -s m -l shmem-id -x -k -a '(__pyipcs_there id:shm)' -d 'A segment by id'
complete -c pyipcs -n '__pyipcs_in rm' -s M -l shmem-key -x -k -a '(__pyipcs_there key:shm) (__pyipcs_ftok)' -d 'A segment by key'
complete -c pyipcs -n '__pyipcs_in rm' -s s -l semaphore-id -x -k -a '(__pyipcs_there id:sem)' -d 'A semaphore set by id'
complete -c pyipcs -n '__pyipcs_in rm' -s S -l semaphore-key -x -k -a '(__pyipcs_there key:sem) (__pyipcs_ftok)' -d 'A semaphore set by key'
complete -c pyipcs -n '__pyipcs_in rm' -s a -l all -k -a 'msg\\t\'message queues\' shm\\t\'segments\' sem\\t\'semaphore sets\'' -d 'All objects that you may remove, or all of a kind'
complete -c pyipcs -n '__pyipcs_in rm' -l owner -x -a '(__fish_complete_users)' -d 'Owned by USER; if repeated, by any of them'
complete -c pyipcs -n '__pyipcs_in rm' -l created-by -x -a '(__fish_complete_users)' -d 'Created by USER; if repeated, by any of them'
complete -c pyipcs -n '__pyipcs_in rm' -l mine -d 'Created or owned by you'
complete -c pyipcs -n '__pyipcs_in rm' -l key -x -k -a '(__pyipcs_there key) (__pyipcs_ftok)' -d 'With KEY; if repeated, with any of them'
complete -c pyipcs -n '__pyipcs_in rm' -l private -d 'Without a key (IPC_PRIVATE)'
complete -c pyipcs -n '__pyipcs_in rm' -l older-than -x -k -a '30s\\t\'seconds\' 10m\\t\'minutes\' 2h\\t\'hours\' 7d\\t\'days\'' -d 'Last changed more than DURATION ago: 30s, 10m, 2h, 7d'
complete -c pyipcs -n '__pyipcs_in rm' -l idle -x -k -a '30s\\t\'seconds\' 10m\\t\'minutes\' 2h\\t\'hours\' 7d\\t\'days\'' -d 'Last used more than DURATION ago (if never used: last changed), not attached, and with no visible process waiting on it'
complete -c pyipcs -n '__pyipcs_in rm' -l unattached -d 'Segments that no process has attached'
complete -c pyipcs -n '__pyipcs_in rm' -l empty -d 'Queues without messages'
complete -c pyipcs -n '__pyipcs_in rm' -l orphaned -d 'Segments that no process has attached and whose creator and last user are gone'
complete -c pyipcs -n '__pyipcs_in rm' -l suspect -d 'Orphaned segments, and queues and semaphore sets whose last users are gone and on which no process waits'
complete -c pyipcs -n '__pyipcs_in rm' -l not-in -r -F -d 'Not in an earlier listing of all objects (list -J > FILE)'
complete -c pyipcs -n '__pyipcs_in rm' -s n -l dry-run -d 'Show the objects to remove, in any format, and remove nothing'
complete -c pyipcs -n '__pyipcs_in rm' -s y -l yes -d 'Do not ask for confirmation of --all'
complete -c pyipcs -n '__pyipcs_in rm' -s v -l verbose -d 'Print the removed objects'
complete -c pyipcs -n '__pyipcs_in rm' -s f -l format -x -k -a 'table\\t\'tables for people\' plain\\t\'layout of util-linux, for scripts; with -o, columns of text\' json\\t\'one JSON document\' jsonl\\t\'one JSON object per line\' csv\\t\'comma-separated values with a line of headings\' tsv\\t\'tab-separated values with a line of headings\' export\\t\'shell assignments, one line per object\' openmetrics\\t\'gauges for Prometheus and compatible programs\'' -d 'Format of the output'
complete -c pyipcs -n '__pyipcs_in rm' -s J -l json -d 'Short for --format json'
complete -c pyipcs -n '__pyipcs_in rm' -s o -l output -x -k -a '(__pyipcs_columns \'(?:.*,|\\\\+)?\' KIND\\t\'Kind of object: msg, shm or sem\' KEY\\t\'Key\' ID\\t\'Id\' OWNER\\t\'Owner\\\'s name\' PERMS\\t\'Permissions\' CUID\\t\'Creator\\\'s uid\' CUSER\\t\'Creator\\\'s name\' CGID\\t\'Creator\\\'s gid\' CGROUP\\t\'Creator\\\'s group\' UID\\t\'Owner\\\'s uid\' USER\\t\'Owner\\\'s name\' GID\\t\'Owner\\\'s gid\' GROUP\\t\'Owner\\\'s group\' CTIME\\t\'Time of the last change\' AGE\\t\'Time since the last change\' STATE\\t\'in-use, orphaned, suspect or unknown\' REASON\\t\'What speaks for STATE\' NS\\t\'IPC namespace\' MSGS\\t\'Messages on the queue\' USEDBYTES\\t\'Bytes in them\' QBYTES\\t\'Bytes, and messages, that the queue may hold\' USE%\\t\'USEDBYTES or MSGS in QBYTES, whichever is more\' LSPID\\t\'Process of the last send\' LRPID\\t\'Process of the last receive\' SEND\\t\'Time of the last send\' RECV\\t\'Time of the last receive\' WAITERS\\t\'PIDs of processes that wait on it\' SIZE\\t\'Size\' RSS\\t\'Bytes of it in memory\' SWAP\\t\'Bytes of it in swap\' NATTCH\\t\'Attachments\' STATUS\\t\'dest: goes with the last one; locked: not swapped\' CPID\\t\'Process that created it\' LPID\\t\'Process of the last use\' ATTACH\\t\'Time of the last attachment\' DETACH\\t\'Time of the last detachment\' COMMAND\\t\'Command line of CPID\' ATTACHED\\t\'PIDs of processes that have it attached\' NSEMS\\t\'Semaphores\' OTIME\\t\'Time of the last operation\' VALUES\\t\'Value of each semaphore\' NCOUNT\\t\'Processes that wait for it to grow\' ZCOUNT\\t\'Processes that wait for it to be zero\')' -d 'Columns, as listed below; +COL,... adds to the default ones'
complete -c pyipcs -n '__pyipcs_in rm' -l noheadings -d 'No headings, and no column left out for lack of width'
complete -c pyipcs -n '__pyipcs_in rm' -l sort -x -k -a '(__pyipcs_columns \'-?\' KIND\\t\'Kind of object: msg, shm or sem\' KEY\\t\'Key\' ID\\t\'Id\' OWNER\\t\'Owner\\\'s name\' PERMS\\t\'Permissions\' CUID\\t\'Creator\\\'s uid\' CUSER\\t\'Creator\\\'s name\' CGID\\t\'Creator\\\'s gid\' CGROUP\\t\'Creator\\\'s group\' UID\\t\'Owner\\\'s uid\' USER\\t\'Owner\\\'s name\' GID\\t\'Owner\\\'s gid\' GROUP\\t\'Owner\\\'s group\' CTIME\\t\'Time of the last change\' AGE\\t\'Time since the last change\' STATE\\t\'in-use, orphaned, suspect or unknown\' REASON\\t\'What speaks for STATE\' NS\\t\'IPC namespace\' MSGS\\t\'Messages on the queue\' USEDBYTES\\t\'Bytes in them\' QBYTES\\t\'Bytes, and messages, that the queue may hold\' USE%\\t\'USEDBYTES or MSGS in QBYTES, whichever is more\' LSPID\\t\'Process of the last send\' LRPID\\t\'Process of the last receive\' SEND\\t\'Time of the last send\' RECV\\t\'Time of the last receive\' WAITERS\\t\'PIDs of processes that wait on it\' SIZE\\t\'Size\' RSS\\t\'Bytes of it in memory\' SWAP\\t\'Bytes of it in swap\' NATTCH\\t\'Attachments\' STATUS\\t\'dest: goes with the last one; locked: not swapped\' CPID\\t\'Process that created it\' LPID\\t\'Process of the last use\' ATTACH\\t\'Time of the last attachment\' DETACH\\t\'Time of the last detachment\' COMMAND\\t\'Command line of CPID\' ATTACHED\\t\'PIDs of processes that have it attached\' NSEMS\\t\'Semaphores\' OTIME\\t\'Time of the last operation\' VALUES\\t\'Value of each semaphore\' NCOUNT\\t\'Processes that wait for it to grow\' ZCOUNT\\t\'Processes that wait for it to be zero\')' -d 'Sort by a column; -COL sorts in reverse'
complete -c pyipcs -n '__pyipcs_in rm' -l time-format -x -k -a 'short\\t\'time of today, or the day, as in lsipc\' full\\t\'as in ctime(3)\' iso\\t\'ISO 8601 with the offset of the local zone\' relative\\t\'time that has passed since\' epoch\\t\'seconds since 1970\'' -d 'Format of times'
complete -c pyipcs -n '__pyipcs_in rm' -s P -l numeric-perms -d 'Permissions as 0644 instead of rw-r--r--'
complete -c pyipcs -n '__pyipcs_in rm' -s b -l bytes -d 'Sizes in bytes, also in a table'
complete -c pyipcs -n '__pyipcs_in rm' -l human -d 'Sizes with units, as 64K, except in JSON'
complete -c pyipcs -n '__pyipcs_in rm' -l ns -r -F -k -a '(__pyipcs_there namespace)' -d 'Work in the IPC namespace of process PID, or of the namespace file PATH'
complete -c pyipcs -n '__pyipcs_in rm' -l color -x -k -a 'auto\\t\'on a terminal\' always\\t\'anywhere\' never\\t\'nowhere\'' -d 'Color the output'
complete -c pyipcs -n '__pyipcs_in rm' -s V -l version -d 'Show the version'
complete -c pyipcs -n '__pyipcs_in rm' -s h -l help -d 'Show this help'
complete -c pyipcs -n '__pyipcs_in rm 0 or-more' -x -k -a '(__pyipcs_kind_and_ids)'
complete -c pyipcs -n '__pyipcs_in send' -s t -l type -x -d 'The messages\' type, a positive long; with --json, of those without one'
complete -c pyipcs -n '__pyipcs_in send' -s l -l lines -d 'Each line is a message, without its newline'
complete -c pyipcs -n '__pyipcs_in send' -s 0 -l null -d 'Each record that a NUL ends is a message'
complete -c pyipcs -n '__pyipcs_in send' -s F -l file -r -F -d 'Read FILE; - is standard input'
complete -c pyipcs -n '__pyipcs_in send' -l hex -d 'Messages are written in hex digits'
complete -c pyipcs -n '__pyipcs_in send' -s J -l json -d 'Messages are lines as `recv -J` writes them'
complete -c pyipcs -n '__pyipcs_in send' -l pack -x -k -a 'b\\t\'signed char\' h\\t\'short\' i\\t\'int\' I\\t\'unsigned int\' l\\t\'long\' q\\t\'long long\' f\\t\'float\' d\\t\'double\' 8s\\t\'char[8]\' 0l\\t\'padding at the end, as for a long in C\'' -d 'Pack the arguments as the fields of a C struct, in the notation of Python\'s struct module: i is an int, l a long, d a double, 8s a char[8], and 0l pads the end as C does'
complete -c pyipcs -n '__pyipcs_in send' -s z -l nul -d 'Add a NUL to each message, as C strings have it'
complete -c pyipcs -n '__pyipcs_in send' -l timeout -x -d 'Wait at most SECONDS for each message, then exit with status 3'
complete -c pyipcs -n '__pyipcs_in send' -l nowait -d 'Do not wait: exit with status 3 instead'
complete -c pyipcs -n '__pyipcs_in send' -l progress -d 'Show on the terminal how far it is'
complete -c pyipcs -n '__pyipcs_in send' -l ns -r -F -k -a '(__pyipcs_there namespace)' -d 'Work in the IPC namespace of process PID, or of the namespace file PATH'
complete -c pyipcs -n '__pyipcs_in send' -l color -x -k -a 'auto\\t\'on a terminal\' always\\t\'anywhere\' never\\t\'nowhere\'' -d 'Color the output'
complete -c pyipcs -n '__pyipcs_in send' -s V -l version -d 'Show the version'
complete -c pyipcs -n '__pyipcs_in send' -s h -l help -d 'Show this help'
complete -c pyipcs -n '__pyipcs_in send 0' -x -k -a '(__pyipcs_there target:msg) (__pyipcs_ftok)'
complete -c pyipcs -n '__pyipcs_in send 1 or-more' -x
complete -c pyipcs -n '__pyipcs_in recv' -s t -l type -x -d 'Of which type'
complete -c pyipcs -n '__pyipcs_in recv' -s x -l except -d 'Any type but that of -t'
complete -c pyipcs -n '__pyipcs_in recv' -s n -l count -x -d 'So many; 1 if left out'
complete -c pyipcs -n '__pyipcs_in recv' -s a -l all -d 'All that are there, without waiting; status 0 also if none is'
complete -c pyipcs -n '__pyipcs_in recv' -s F -l follow -d 'All that come, until it is stopped'
complete -c pyipcs -n '__pyipcs_in recv' -l peek -d 'Leave the messages on the queue, and do not wait'
complete -c pyipcs -n '__pyipcs_in recv' -l max-size -x -k -a '4K\\t\'4096\' 64K\\t\'65536\' 1M\\t\'1048576\' 1G\\t\'1073741824\'' -d 'Take no larger message; without it, none is too large'
complete -c pyipcs -n '__pyipcs_in recv' -l truncate -d 'Cut what is larger than --max-size; it is lost'
complete -c pyipcs -n '__pyipcs_in recv' -l timeout -x -d 'Wait at most SECONDS for each message, then exit with status 3'
complete -c pyipcs -n '__pyipcs_in recv' -l nowait -d 'Do not wait: exit with status 3 instead'
complete -c pyipcs -n '__pyipcs_in recv' -s J -l json -d 'Short for --format json'
complete -c pyipcs -n '__pyipcs_in recv' -s f -l format -x -k -a 'text\\t\'without trailing NULs, with a newline at the end\' raw\\t\'as it is\' hex\\t\'a dump\' json\\t\'an object a line\' unpack\\t\'the fields of a C struct, with tabs between\'' -d 'How messages are written'
complete -c pyipcs -n '__pyipcs_in recv' -l unpack -x -k -a 'b\\t\'signed char\' h\\t\'short\' i\\t\'int\' I\\t\'unsigned int\' l\\t\'long\' q\\t\'long long\' f\\t\'float\' d\\t\'double\' 8s\\t\'char[8]\' 0l\\t\'padding at the end, as for a long in C\'' -d 'Print the fields of a C struct, in the notation of Python\'s struct module, separated by tabs'
complete -c pyipcs -n '__pyipcs_in recv' -s 0 -l null -d 'End each message with a NUL, not a newline'
complete -c pyipcs -n '__pyipcs_in recv' -s u -l unbuffered -d 'Write each message by itself, as -F does'
complete -c pyipcs -n '__pyipcs_in recv' -l with-type -d 'Put the type and a tab first'
complete -c pyipcs -n '__pyipcs_in recv' -l exec -x -a '(__fish_complete_command)' -d 'Run CMD by sh for each message, which is its standard input'
complete -c pyipcs -n '__pyipcs_in recv' -l ns -r -F -k -a '(__pyipcs_there namespace)' -d 'Work in the IPC namespace of process PID, or of the namespace file PATH'
complete -c pyipcs -n '__pyipcs_in recv' -l color -x -k -a 'auto\\t\'on a terminal\' always\\t\'anywhere\' never\\t\'nowhere\'' -d 'Color the output'
complete -c pyipcs -n '__pyipcs_in recv' -s V -l version -d 'Show the version'
complete -c pyipcs -n '__pyipcs_in recv' -s h -l help -d 'Show this help'
complete -c pyipcs -n '__pyipcs_in recv 0' -x -k -a '(__pyipcs_there target:msg) (__pyipcs_ftok)'
complete -c pyipcs -n '__pyipcs_in op' -l undo -d 'The kernel takes all operations back when the process ends'
complete -c pyipcs -n '__pyipcs_in op' -s E -l conflict-exit-code -x -d 'The status in the place of 3, which may be CMD\'s own'
complete -c pyipcs -n '__pyipcs_in op' -l timeout -x -d 'Wait at most SECONDS, then exit with status 3'
complete -c pyipcs -n '__pyipcs_in op' -l nowait -d 'Do not wait: exit with status 3 instead'
complete -c pyipcs -n '__pyipcs_in op' -l ns -r -F -k -a '(__pyipcs_there namespace)' -d 'Work in the IPC namespace of process PID, or of the namespace file PATH'
complete -c pyipcs -n '__pyipcs_in op' -l color -x -k -a 'auto\\t\'on a terminal\' always\\t\'anywhere\' never\\t\'nowhere\'' -d 'Color the output'
complete -c pyipcs -n '__pyipcs_in op' -s V -l version -d 'Show the version'
complete -c pyipcs -n '__pyipcs_in op' -s h -l help -d 'Show this help'
complete -c pyipcs -n '__pyipcs_behind op' -a '(__pyipcs_wrapped)'
complete -c pyipcs -n '__pyipcs_in op 0' -x -k -a '(__pyipcs_there target:sem) (__pyipcs_ftok)'
complete -c pyipcs -n '__pyipcs_in op 1 or-more' -x -k -a 'P\\t\'wait for semaphore 0 and decrement it\' V\\t\'increment semaphore 0\' Z\\t\'wait until semaphore 0 is zero\' 0-1\\t\'wait and decrement\' 0+1\\t\'increment\' 0=0\\t\'wait for zero\''
complete -c pyipcs -n '__pyipcs_in read' -l offset -x -k -a '4K\\t\'4096\' 64K\\t\'65536\' 1M\\t\'1048576\' 1G\\t\'1073741824\'' -d 'Where to begin'
complete -c pyipcs -n '__pyipcs_in read' -l length -x -k -a '4K\\t\'4096\' 64K\\t\'65536\' 1M\\t\'1048576\' 1G\\t\'1073741824\'' -d 'At most so many bytes; if left out, to the segment\'s end, or of --unpack one struct'
complete -c pyipcs -n '__pyipcs_in read' -s f -l format -x -k -a 'raw\\t\'as they are\' hex\\t\'a dump, with repeated rows folded\' unpack\\t\'the fields of a C struct, see --unpack\'' -d 'How bytes are written'
complete -c pyipcs -n '__pyipcs_in read' -l unpack -x -k -a 'b\\t\'signed char\' h\\t\'short\' i\\t\'int\' I\\t\'unsigned int\' l\\t\'long\' q\\t\'long long\' f\\t\'float\' d\\t\'double\' 8s\\t\'char[8]\' 0l\\t\'padding at the end, as for a long in C\'' -d 'Print the fields of a C struct, in the notation of Python\'s struct module, separated by tabs'
complete -c pyipcs -n '__pyipcs_in read' -l ns -r -F -k -a '(__pyipcs_there namespace)' -d 'Work in the IPC namespace of process PID, or of the namespace file PATH'
complete -c pyipcs -n '__pyipcs_in read' -l color -x -k -a 'auto\\t\'on a terminal\' always\\t\'anywhere\' never\\t\'nowhere\'' -d 'Color the output'
complete -c pyipcs -n '__pyipcs_in read' -s V -l version -d 'Show the version'
complete -c pyipcs -n '__pyipcs_in read' -s h -l help -d 'Show this help'
complete -c pyipcs -n '__pyipcs_in read 0' -x -k -a '(__pyipcs_there target:shm) (__pyipcs_ftok)'
complete -c pyipcs -n '__pyipcs_in write' -l offset -x -k -a '4K\\t\'4096\' 64K\\t\'65536\' 1M\\t\'1048576\' 1G\\t\'1073741824\'' -d 'Where to begin'
complete -c pyipcs -n '__pyipcs_in write' -s F -l file -r -F -d 'Read FILE; - is standard input'
complete -c pyipcs -n '__pyipcs_in write' -l hex -d 'The data are hex digits'
complete -c pyipcs -n '__pyipcs_in write' -l pack -x -k -a 'b\\t\'signed char\' h\\t\'short\' i\\t\'int\' I\\t\'unsigned int\' l\\t\'long\' q\\t\'long long\' f\\t\'float\' d\\t\'double\' 8s\\t\'char[8]\' 0l\\t\'padding at the end, as for a long in C\'' -d 'Pack DATA as the fields of a C struct, in the notation of Python\'s struct module: i is an int, l a long, d a double, 8s a char[8], and 0l pads the end as C does'
complete -c pyipcs -n '__pyipcs_in write' -l ns -r -F -k -a '(__pyipcs_there namespace)' -d 'Work in the IPC namespace of process PID, or of the namespace file PATH'
complete -c pyipcs -n '__pyipcs_in write' -l color -x -k -a 'auto\\t\'on a terminal\' always\\t\'anywhere\' never\\t\'nowhere\'' -d 'Color the output'
complete -c pyipcs -n '__pyipcs_in write' -s V -l version -d 'Show the version'
complete -c pyipcs -n '__pyipcs_in write' -s h -l help -d 'Show this help'
complete -c pyipcs -n '__pyipcs_in write 0' -x -k -a '(__pyipcs_there target:shm) (__pyipcs_ftok)'
complete -c pyipcs -n '__pyipcs_in write 1 or-more' -x
complete -c pyipcs -n '__pyipcs_in run' -l private -x -k -a 'auto\\t\'where the kernel lets it\' always\\t\'and else CMD does not run\' never\\t\'CMD runs in this one\'' -d 'Whether CMD gets an IPC namespace of its own; auto if left out'
complete -c pyipcs -n '__pyipcs_in run' -l rm -d 'Without a namespace of its own, remove what CMD left that is orphaned or suspect, and queues and sets in doubt that no living process but those of other users could use'
complete -c pyipcs -n '__pyipcs_in run' -s f -l format -x -k -a 'table\\t\'tables for people\' plain\\t\'columns of text\' json\\t\'one JSON document\' jsonl\\t\'one JSON object per line\' csv\\t\'comma-separated values with a line of headings\' tsv\\t\'tab-separated values with a line of headings\' export\\t\'shell assignments, one line per object\'' -d 'The format of the report; table on a terminal, and elsewhere plain'
complete -c pyipcs -n '__pyipcs_in run' -s J -l json -d 'Short for --format json'
complete -c pyipcs -n '__pyipcs_in run' -l report -r -F -d 'Write the report to a file, or to an open descriptor that CMD does not get'
complete -c pyipcs -n '__pyipcs_in run' -l color -x -k -a 'auto\\t\'on a terminal\' always\\t\'anywhere\' never\\t\'nowhere\'' -d 'Color the output'
complete -c pyipcs -n '__pyipcs_in run' -s V -l version -d 'Show the version'
complete -c pyipcs -n '__pyipcs_in run' -s h -l help -d 'Show this help'
complete -c pyipcs -n '__pyipcs_in run' -a '(__pyipcs_wrapped)'
