"""Texts that several messages share, so that rewording one is one edit."""

# -- The command line

UNPACK_PAIR = "-f unpack needs --unpack FORMAT"
WATCH_NEEDS_TERMINAL = "--watch needs a terminal with cursor control"
POSIX_OUTSTANDING = "for POSIX's -o use -o MSGS,USEDBYTES of queues or -o NATTCH of segments"
FORMATS = ("table", "plain", "json", "jsonl", "csv", "tsv", "export")
COLUMNS_TOPIC = "(pyipcs help columns lists them)"
WHEN = ("auto", "always", "never")


# The hint for a JSON value that is no message.
TYPE_NOT_POSIX = "-t is not for POSIX queues (their messages have a priority: --priority)"
NO_PRIORITY = "--priority is not for message queues (their messages have a type: -t)"
ENVELOPE_HINT = " (--json reads lines of recv -J; to send JSON text, leave --json out)"


def missing(operand: str) -> str:
    """Return the message for a missing operand."""
    return f"{operand} is missing"


def unexpected_operand(operand: str) -> str:
    """Return the message for an operand that a command does not take."""
    return f"unexpected operand '{operand}'"


def dash_hint(operand: str) -> str:
    """Return the hint for an unknown option beside operands with a dash."""
    return f" (put -- before a {operand} that begins with -)"


def no_such_option(option: str) -> str:
    """Return the message for an unknown option."""
    return f"no such option {option}"


def no_such_command(command: str) -> str:
    """Return the message for an unknown command."""
    return f"no such command '{command}'"


def no_help(word: str) -> str:
    """Return the message for a word that is no command and no topic."""
    return f"no command '{word}'"


def did_you_mean(suggestion: str) -> str:
    """Return the suggestion after an unknown option or command."""
    return f", did you mean {suggestion}?"


def needs_value(option: str) -> str:
    """Return the message for an option without its value."""
    return f"option {option} needs a value"


def takes_no_value(option: str) -> str:
    """Return the message for a flag with a value."""
    return f"option {option} takes no value"


def not_one_of(*choices: str) -> str:
    """Return the message for a value that is not among the choices."""
    return f"not one of {', '.join(choices)}"


def cannot_combine(option: str, other: str) -> str:
    """Return the message for two options that contradict each other."""
    return f"{option} and {other} cannot be combined"


def not_for(option: str, use: str) -> str:
    """Return the message for an option without a meaning in a use."""
    return f"{option} is not for {use}"


def not_for_posix_queues(option: str) -> str:
    """Return the message for an option of recv that POSIX queues lack."""
    return f"{option} is not for POSIX queues (the kernel has no such call)"


def wrong_kind(option: str, kind: str, *kinds: str) -> str:
    """Return the message for an option of a kind that is not selected."""
    return f"{option} is about {kind}, not {', '.join(kinds)}"


# -- Values

ID_TOO_HIGH = "not an id (the highest is 2147483647)"
KEY_IS_ZERO = "key 0 is IPC_PRIVATE, which names no object"
KEY_TOO_LARGE = "not a key (a key has 32 bits)"
NOT_DECIMAL = "not a decimal number"
NOT_DURATION = "not a duration (30s, 10m, 2h, 7d)"
NOT_HEX = "not pairs of hex digits"
NOT_ID = "not an id (ids are decimal numbers)"
NOT_JSON = "not JSON"
NOT_KEY = "not a key (decimal, 0x hexadecimal or 0 octal, key:N or ftok:PATH[:PROJ])"
NOT_LISTING = "not a listing of pyipcs (list -J)"
NOT_MESSAGE_TYPE = "not a message type (1 to 9223372036854775807)"
NOT_NEW_VALUES = "not values (0 to 2147483647, separated by commas)"
NOT_PRIORITY = "not a priority (0 to 32767)"
NOT_MODE = "not a mode (octal, such as 0644)"
NOT_OPERATION = (
    "not an operation (0-1, 0+1, 0=0, LO:HI-1, P, V, Z; n and u may follow; a command follows --)"
)
NOT_NAME = "not a POSIX name"
NO_NAME_EMPTY = f"{NOT_NAME} (it is empty)"
NOT_NAME_LONG = "not a POSIX name (it has more than 251 bytes)"
NOT_NAME_SLASH = "not a POSIX name (it has a second slash)"
NO_KEY_IN_POSIX = "needs -Q, -M SIZE or -S NSEMS (POSIX objects have no key)"
NOT_PID = "not a pid"
NOT_PROJECT = "the project is a number of 32 bits, or one character that is no digit"
NOT_SIZE = "not a size (bytes, or with a unit: K, KiB, KB, M, MiB, MB and so on)"
NOT_STRUCT = "not a struct (bad char in struct format)"
NOT_TARGET = "not an id, a 0x key, id:N, key:N or ftok:PATH[:PROJ]"
NOT_ANY_TARGET = "not an id, a 0x key, id:N, key:N, ftok:PATH[:PROJ] or /NAME"
NOT_VALUES = "not values (0 to 32767, separated by commas)"
NO_SUCH_FILE = "No such file or directory"  # the C library's


def too_large(most: int) -> str:
    """Return the message for a number over its limit."""
    return f"too large (the maximum is {most})"


def no_such_user(name: str) -> str:
    """Return the message for a user that the system does not have."""
    return f"'{name}': no such user"


def unknown_column(name: str, closest: str = "") -> str:
    """Return the message for a column that no kind has."""
    hint = did_you_mean(closest) if closest else ""
    return f"no column '{name}'{hint} {COLUMNS_TOPIC}"


def no_column(kinds: str, name: str) -> str:
    """Return the message for a column that the selected kinds do not have."""
    return f"{kinds} have no column {name} {COLUMNS_TOPIC}"


def does_not_fit(word: str, code: str) -> str:
    """Return the message for a number out of the range of a struct's field."""
    return f"'{word}' does not fit in {code}"


def wrong_fields(expected: str, number: int) -> str:
    """Return the message for a wrong number of values for a struct."""
    return f"the struct has {expected}, not {number}"


# -- Objects

CREATE_QUEUE = "create message queue failed"
CREATE_SEGMENT = "create share memory failed"
CREATE_SET = "create semaphore failed"
CREATE_POSIX_QUEUE = "create POSIX message queue failed"
CREATE_POSIX_SEGMENT = "create POSIX shared memory failed"
CREATE_POSIX_SEMAPHORE = "create POSIX semaphore failed"
KEY_TAKEN = "is in use; --exist-ok accepts its object"
NO_IPC = "System V IPC is not in this kernel, or a sandbox hides it"
NO_POSIX_QUEUES = "POSIX message queues are not in this kernel, or a sandbox hides them"
NOT_ADMINISTRATOR = "only for the owner, the creator or with CAP_SYS_ADMIN"
NOT_LINUX = "needs Linux (this is darwin)"
NOTHING_SENT = "; nothing was sent"
NO_THREAD = "waiting needs a thread: can't start new thread"
NO_UID = "set owner failed: this user namespace has no uid 12345"
OVER_MSGMNB = (
    "set qbytes failed: Operation not permitted (qbytes: 99999999, msgmnb: <msgmnb>; "
    "more requires CAP_SYS_RESOURCE)"
)
QUEUE_FULL = "the queue is full"
STDIN_CLOSED = "standard input is closed"
STDOUT_CLOSED = "standard output is closed"
WRITE_ERROR = "write error"
DEVICE_FULL = f"{WRITE_ERROR}: No space left on device"


def no_object(kind: str) -> str:
    """Return the message for a missing object, after its id or key."""
    return f"no such {kind}"


def other_kind_of_name(kind: str) -> str:
    """Return the hint that a POSIX object of another kind has the name."""
    return f" (but a {kind} has that name)"


def no_object_with(name: str) -> str:
    """Return the message where no kind has the id or the key."""
    return f"no object has that {name}"


def other_kind(kinds: str) -> str:
    """Return the hint that other kinds have the key."""
    return f" (but {kinds} {'have' if ' and ' in kinds else 'has'} that key)"


def looks_like_key(digits: str) -> str:
    """Return the hint that digits without 0x are a key."""
    return f" (0x{digits} is a key)"


def invalid_id(object_id: int) -> str:
    """Return the message of rm for an unknown id, as ipcrm has it."""
    return f"invalid id ({object_id})"


def unseen_queues(reason: str) -> str:
    """Return the message where the POSIX queues cannot be listed."""
    return f"POSIX queues cannot be listed: {reason}"


def unseen_files(reason: str) -> str:
    """Return the message where /dev/shm cannot be listed."""
    return f"POSIX segments and semaphores cannot be listed: {reason}"


def is_directory(kind: str = "POSIX segment") -> str:
    """Return the message for a directory with the name of an object."""
    return f"is a directory, not a {kind}"


def no_semaphore_form(size: int) -> str:
    """Return the message for a file with the name of a semaphore."""
    return f"is a file of {size} bytes in another form, not a POSIX semaphore"


def names_posix(option: str) -> str:
    """Return the hint for a name in the place of an id or a key."""
    return f"names a POSIX object (did you mean {option}?)"


def name_not_found(name: str) -> str:
    """Return the message of rm for an unknown name, as ipcrm has it."""
    return f"name `{name}' not found"


def name_denied(name: str) -> str:
    """Return the message of rm for an object that the user may not remove."""
    return f"permission denied for name `{name}'"


def was_removed(kind: str) -> str:
    """Return the message for an object that was removed meanwhile."""
    return f"the {kind} was removed"


def no_semaphore(number: int, count: int) -> str:
    """Return the message for a semaphore that the set does not have."""
    return f"no semaphore {number}: the set has {count} semaphores, counted from 0"


def no_posix_operation(reason: str) -> str:
    """Return the message for an operation that only System V semaphores have."""
    return f"POSIX semaphores {reason} (use a System V set)"


def no_offset(offset: int, size: int) -> str:
    """Return the message for an offset beyond the end of the segment."""
    return f"offset {offset} is past the end of the segment ({size} bytes)"


def queue_holds(size: int) -> str:
    """Return the reason why a message never fits on a queue."""
    return f"the queue holds at most {size} bytes (qbytes)"


def other_number(own: str, other: str) -> str:
    """Return the message for a JSON message of the other family."""
    return f"it has a {other}; messages of this queue have a {own}"


def is_back(field: str) -> str:
    """Return the note that a message is back on its queue."""
    return f"; it is back on the queue, behind all others of its {field}"


def wrong_size(struct: str, size: int) -> str:
    """Return the message for a message of 5 bytes that is no struct."""
    return f"the message has 5 bytes, {struct} has {size}"


def other_origin(origin: str) -> str:
    """Return the message for a listing of another boot or namespace."""
    return f"the listing is from another {origin}"


# -- Commands that run programs

NO_OWN_MQUEUE = (
    "'true' had no /dev/mqueue of its own: {} (any queues in it are those of another IPC namespace)"
)


def command_not_found(command: str) -> str:
    """Return the message for a program that is not in PATH."""
    return f"'{command}': command not found"


def left_objects(count: str) -> str:
    """Return the first line of the report of run, with its details."""
    return f"'bash' left {count}\n<lines>"


# -- What other processes do

LEASED = "another process holds a lease on it"


def shrunk(size: str) -> str:
    """Return the reason that a segment became shorter meanwhile."""
    return f"the segment has shrunk to {size}"
