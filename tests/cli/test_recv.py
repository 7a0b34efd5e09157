import json
import os
import signal
import struct
import subprocess
import threading
import time

import pytest

from pyipcs.model import LONG_MAX, Kind
from tests.kit.kernel import Objects, receive_all, remove, row, send
from tests.kit.program import PYIPCS, fork, forked, invoke, need_tool, run

KEY = "0x5eed"


@pytest.fixture
def msqid(objects: Objects) -> int:
    return objects.queue(0x5EED)


@pytest.fixture
def filled(msqid: int) -> int:
    """A queue with messages of several types."""
    for type_, body in ((3, b"c1"), (1, b"a1"), (2, b"b1"), (1, b"a2"), (LONG_MAX, b"z")):
        send(msqid, body, type_)
    return msqid


class TestWhich:
    @pytest.mark.parametrize(
        ("args", "out", "left"),
        [
            ("", "c1\n", 4),
            ("-n 2", "c1\na1\n", 3),
            ("-a", "c1\na1\nb1\na2\nz\n", 0),
            ("-t 1", "a1\n", 4),
            ("-t 1 -a", "a1\na2\n", 3),
            ("-t -2 -n 3", "a1\na2\nb1\n", 2),
            ("-t -2 -a", "a1\na2\nb1\n", 2),
            ("-t 1 -x", "c1\n", 4),
            ("-t 1 --except -a", "c1\nb1\nz\n", 2),
            (f"-t {LONG_MAX}", "z\n", 4),
            (f"-t -{LONG_MAX} -a", "a1\na2\nb1\nc1\nz\n", 0),
            ("-t -9223372036854775808 -n 1", "a1\n", 4),
            ("-t 4294967297 -a", "", 5),
        ],
    )
    def test_what_is_taken_and_what_is_shown(
        self, filled: int, args: str, out: str, left: int
    ) -> None:
        before = row(Kind.QUEUE, filled)
        assert forked("recv", KEY, "--peek", *args.split()) == (0, out, "")
        assert row(Kind.QUEUE, filled) == before, "nothing changes, not even lrpid and rtime"
        assert forked("recv", KEY, *args.split()) == (0, out, "")
        assert row(Kind.QUEUE, filled)["qnum"] == str(left)

    def test_a_private_queue(self, objects: Objects) -> None:
        msqid = objects.queue()
        send(msqid, b"a")
        assert forked("recv", str(msqid), "--peek") == (0, "a\n", "")
        assert forked("recv", f"id:{msqid}") == (0, "a\n", "")


class TestFormats:
    @pytest.mark.parametrize(
        ("body", "args", "out"),
        [
            (b"a\0", "", "a\n"),
            (b"a\n", "-f text", "a\n"),
            (b"a\0", "-f raw", "a\0"),
            (b"a", "-0", "a\0"),
            (b"a\n", "-0 --with-type", "7\ta\n\0"),
            (b"", "", "\n"),
            (b"\xff", "", "\udcff\n"),
            (b"a", "-f raw --with-type", "7\ta"),
            (b"a", "-f hex", f"00000000  61{' ' * 48}|a|\n00000001\n"),
            (b"a", "-J", '{"type": 7, "size": 1, "data": "a"}\n'),
            (b"\xff", "-f json -0", '{"type": 7, "size": 1, "base64": "/w=="}\0'),
            (struct.pack("ih4s", -1, 2, b"ab"), "--unpack ih4s", "-1\t2\tab\n"),
            (struct.pack("i", 5), "-f unpack --unpack i --with-type", "7\t5\n"),
            (b"1234567", "--max-size 3 --truncate", "123\n"),
            (b"123", "--max-size 3", "123\n"),
        ],
    )
    def test_what_is_written(self, msqid: int, body: bytes, args: str, out: str) -> None:
        send(msqid, body, 7)
        assert forked("recv", KEY, "--peek", *args.split()) == (0, out, "")
        assert forked("recv", KEY, *args.split()) == (0, out, "")
        assert receive_all(msqid) == []

    def test_many_and_large_ones(self, objects: Objects, msqid: int) -> None:
        bodies = [
            bytes([65 + number % 26]) * size for number, size in enumerate([8000, 1, 4096, 0, 4095])
        ]
        for body in bodies:
            send(msqid, body)
        assert forked("recv", KEY, "-a").out == "".join(f"{body.decode()}\n" for body in bodies)


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        ("args", "why"),
        [
            ("", "QUEUE is missing"),
            ("1 2", "unexpected operand '2'"),
            ("1 -n 0", "-n/--count: '0': the least is 1"),
            ("1 -n x", "-n/--count: 'x': not a decimal number (see"),
            ("1 -n -1", "-n/--count: '-1': not a decimal number (see"),
            ("1 -n 1 -a", "-n, -a and -F are three ways to say how many"),
            ("1 -aF", "-n, -a and -F are three ways to say how many"),
            ("1 --peek -F", "--peek does not wait, so no -F"),
            ("1 --peek --timeout 3", "--peek does not wait, so no --timeout"),
            ("1 -a --timeout 3", "-a does not wait, so no --timeout"),
            ("1 -x", "-x needs -t TYPE with a positive type"),
            ("1 -x -t -3", "-x needs -t TYPE with a positive type"),
            ("1 -t -9223372036854775809", "-t/--type: '-9223372036854775809': not a type (a long"),
            ("1 --truncate", "--truncate needs --max-size"),
            ("1 --max-size -1", "--max-size: '-1': not a size"),
            ("1 --max-size 3G", "--max-size: '3G': too large (the most is 2147483647)"),
            ("1 -f unpack", "-f unpack and --unpack FORMAT go together"),
            ("1 -f text --unpack i", "-f unpack and --unpack FORMAT go together"),
            ("1 -f raw -0", "-0 is not for -f raw"),
            ("1 -f csv", "-f/--format: 'csv' is not one of"),
            ("1 --unpack y", "--unpack: 'y': not a struct (bad char in struct format)"),
        ],
    )
    def test_command_lines(self, args: str, why: str) -> None:
        result = invoke("recv", *args.split())
        assert (result.status, result.out) == (2, "")
        assert result.err.startswith(f"pyipcs: recv: {why}")
        assert result.err.count("\n") == 1

    def test_queues_that_are_not_there(self) -> None:
        assert forked("recv", KEY) == (1, "", "pyipcs: 0x5eed: no such message queue\n")
        assert forked("recv", KEY, "--peek").status == 1

    @pytest.mark.parametrize("peek", [[], ["--peek"]])
    def test_a_message_that_is_too_large_stays(self, msqid: int, peek: list[str]) -> None:
        send(msqid, b"12")
        send(msqid, b"1234")
        assert forked("recv", KEY, "-a", "--max-size", "3", *peek) == (
            1,
            "12\n",
            "pyipcs: 0x5eed: the message has more than 3 bytes, and stays (--truncate cuts it)\n",
        )
        assert len(receive_all(msqid)) == (2 if peek else 1)

    def test_a_message_that_is_no_such_struct(self, msqid: int) -> None:
        send(msqid, struct.pack("i", 5))
        send(msqid, b"12", 3)
        send(msqid, b"12345")
        result = forked("recv", KEY, "-a", "--unpack", "i")
        assert result == (
            1,
            "5\n",
            "pyipcs: 0x5eed: the message has 2 bytes, i has 4; it went back to the tail\n",
        )
        assert forked("recv", KEY, "--unpack", "i") == (
            1,
            "",
            "pyipcs: 0x5eed: the message has more than the 4 bytes of i, and stays\n",
        )
        assert receive_all(msqid) == [(1, b"12345"), (3, b"12")]

    def test_no_standard_output(self, msqid: int) -> None:
        send(msqid, b"a")
        for peek in ("", "--peek"):
            result = run("bash", "-c", f"{PYIPCS} recv {KEY} {peek} >&-")
            assert result == (1, "", "pyipcs: standard output is closed\n")
        assert receive_all(msqid) == [(1, b"a")]

    def test_a_kernel_without_copies(self, msqid: int) -> None:
        strace = need_tool("strace")
        inject = ["-o", "/dev/null", "-e", "inject=msgrcv:error=ENOSYS"]
        assert run(strace, *inject, PYIPCS, "recv", KEY, "--peek") == (
            1,
            "",
            "pyipcs: 0x5eed: this kernel cannot copy messages (CONFIG_CHECKPOINT_RESTORE)\n",
        )

    def test_a_kernel_without_queues(self, msqid: int) -> None:
        """Only where it is copies that are missing does it speak of copies."""
        strace = need_tool("strace")
        for command, call in (("send", "msgget"), ("send", "msgsnd"), ("recv", "msgrcv")):
            inject = ["-o", "/dev/null", "-e", f"inject={call}:error=ENOSYS"]
            result = run(strace, *inject, PYIPCS, command, KEY, *["a"][: command == "send"])
            assert result.status == 1
            assert "System V IPC is not in this kernel" in result.err
            assert "copy" not in result.err


class TestWaiting:
    @pytest.mark.parametrize(
        ("args", "status"),
        [
            ("--nowait", 3),
            ("--timeout 0", 3),
            ("-n 2 --nowait", 3),
            ("-a", 0),
            ("-a --nowait", 0),
            ("-F --nowait", 3),
            ("--peek", 3),
            ("--peek --nowait", 3),
            ("--peek -n 2", 3),
            ("--peek -a", 0),
            ("-t 5 -a", 0),
            ("-t 5 --nowait", 3),
        ],
    )
    def test_not_at_all(self, msqid: int, args: str, status: int) -> None:
        assert forked("recv", KEY, *args.split()) == (status, "", "")
        if "-n 2" in args or args == "-F --nowait":
            send(msqid, b"a")
            assert forked("recv", KEY, *args.split()) == (status, "a\n", "")

    @pytest.mark.parametrize("many", ["-n 3", "-F"])
    def test_for_some_time(self, msqid: int, many: str) -> None:
        send(msqid, b"a")
        threading.Timer(0.15, send, [msqid, b"b"]).start()
        start = time.monotonic()
        assert forked("recv", KEY, *many.split(), "--timeout", ".3") == (3, "a\nb\n", "")
        assert 0.45 <= time.monotonic() - start < 3

    def test_until_a_message_comes(self, msqid: int) -> None:
        threading.Timer(0.2, send, [msqid, b"a"]).start()
        assert forked("recv", KEY) == (0, "a\n", "")

    @pytest.mark.parametrize("args", ["", "-t 5 -x", "-F"])
    def test_until_the_queue_is_removed(self, objects: Objects, args: str) -> None:
        msqid = objects.queue(0x5EED)
        threading.Timer(0.2, remove, [Kind.QUEUE, msqid]).start()
        assert forked("recv", KEY, *args.split()) == (
            1,
            "",
            "pyipcs: 0x5eed: the message queue was removed\n",
        )


class TestCommands:
    def test_each_message_is_an_input(self, msqid: int) -> None:
        for type_, body in ((1, b"a\0"), (7, b""), (2, bytes(8000))):
            send(msqid, body, type_)
        script = 'echo "$PYIPCS_ID $PYIPCS_TYPE $(wc -c)"'
        assert forked("recv", KEY, "-a", "--exec", script) == (
            0,
            f"{msqid} 1 2\n{msqid} 7 0\n{msqid} 2 8000\n",
            "",
        )

    def test_a_format_that_is_asked_for(self, msqid: int) -> None:
        send(msqid, b"a\0")
        assert forked("recv", KEY, "--exec", "cat", "-f", "text") == (0, "a\n", "")

    @pytest.mark.parametrize(
        ("script", "status"),
        [
            ("exit 5", 5),
            ("kill -9 $$", 137),
            ("/no/such/program 2>/dev/null", 127),
            ("cat; false", 1),
        ],
    )
    def test_the_first_that_fails(self, msqid: int, script: str, status: int) -> None:
        for body in (b"a", b"b", b"c"):
            send(msqid, body, 4)
        guarded = f'[ "$(cat)" = a ] || {{ {script}; }}'
        result = forked("recv", KEY, "-F", "--exec", guarded)
        assert result.status == status
        assert f"ended with status {status}" in result.err
        assert receive_all(msqid) == [(4, b"c"), (4, b"b")]

    def test_one_that_cannot_be_run(self, msqid: int) -> None:
        send(msqid, b"a")
        strace = need_tool("strace")
        refuse = ["-f", "-o", "/dev/null", "-e", "inject=fork,vfork,clone,clone3:error=EAGAIN"]
        assert run(strace, *refuse, PYIPCS, "recv", KEY, "--exec", "cat") == (
            1,
            "",
            "pyipcs: 'cat': Resource temporarily unavailable\n",
        )
        assert receive_all(msqid) == [(1, b"a")]

    def test_looking_takes_nothing(self, msqid: int) -> None:
        send(msqid, b"a")
        assert forked("recv", KEY, "--peek", "--exec", "cat; exit 2").status == 2
        assert receive_all(msqid) == [(1, b"a")]

    def test_a_signal_lets_the_command_end_its_work(self, msqid: int) -> None:
        for body in (b"a", b"b"):
            send(msqid, body)
        child = self._started(msqid, "sleep 0.5; cat >/dev/null")
        os.kill(child, signal.SIGTERM)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGTERM
        assert receive_all(msqid) == [(1, b"b")], "what was taken is done"

    def test_a_second_signal_is_for_the_command(self, msqid: int) -> None:
        send(msqid, b"a")
        child = self._started(msqid, "exec sleep 60")
        for number in (signal.SIGHUP, signal.SIGTERM):
            time.sleep(0.1)
            os.kill(child, number)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGHUP
        assert receive_all(msqid) == [(1, b"a")], "the command had not done with it"

    @staticmethod
    def _started(msqid: int, command: str) -> int:
        """Start a recv whose command has the first message."""
        waiting = row(Kind.QUEUE, msqid)["qnum"]
        child = fork("recv", KEY, "-F", "--exec", command, stdin=0, stdout=1, stderr=2)
        while row(Kind.QUEUE, msqid)["qnum"] == waiting:
            time.sleep(0.01)
        time.sleep(0.1)
        return child

    def test_a_status_is_told_also_where_the_caller_ignores_children(self, msqid: int) -> None:
        send(msqid, b"a")
        script = f"trap '' CHLD; exec {PYIPCS} recv {KEY} -a --exec 'exit 7'"
        assert run("bash", "-c", script).status == 7
        assert receive_all(msqid) == [(1, b"a")]

    def test_signals_are_as_ever_in_the_command(self, msqid: int) -> None:
        send(msqid, b"a")
        script = "grep -E 'SigIgn|SigBlk' /proc/self/status"
        out = forked("recv", KEY, "--exec", script).out.split()
        c_librarys_own = 3 << 31  # signals 32 and 33, which posix_spawn(3) leaves ignored
        assert [int(mask, 16) & ~c_librarys_own for mask in out[1::2]] == [0, 0]


def test_what_cannot_be_put_back_is_told(msqid: int) -> None:
    """The queue was filled meanwhile: the message is on standard error, as send reads it."""
    send(msqid, b"precious", 9)
    fill = f"head -c 8192 /dev/zero | {PYIPCS} send {KEY}; {PYIPCS} send {KEY} {'x' * 8185}; exit 4"
    result = forked("recv", KEY, "--exec", fill)
    assert result.status == 4
    complaint, line, end = result.err.splitlines()
    assert complaint == "pyipcs: 0x5eed: the queue is full; what could not be put back:"
    assert json.loads(line) == {"type": 9, "size": 8, "data": "precious"}
    assert "ended with status 4" in end
    receive_all(msqid)
    assert forked("send", KEY, "--json", data=line.encode()).status == 0
    assert receive_all(msqid) == [(9, b"precious")]


def test_a_full_disk(msqid: int) -> None:
    for args in ("", "-a", "-F"):
        send(msqid, b"a")
        send(msqid, b"b")
        assert run("bash", "-c", f"{PYIPCS} recv {KEY} {args} >/dev/full") == (
            1,
            "",
            "pyipcs: write error: No space left on device\n",
        )
        assert sorted(receive_all(msqid)) == [(1, b"a"), (1, b"b")]


def test_a_terminal_gets_no_escape_sequences(msqid: int) -> None:
    from tests.kit.terminal import whole_run

    body = "a\x1b[31m\x9b\x7f\u202e\r\tä\nb".encode() + b"\xff"
    for args in ((), ("-f", "raw"), ("-f", "hex"), ("-J",), ("--with-type",), ("-0",)):
        send(msqid, body)
        status, text = whole_run("recv", KEY, *args)
        assert status == 0
        assert not set(text) & set("\x1b\x9b\x7f\u202e\0\udcff")
        assert "\r" not in text.replace("\r\n", "")
    send(msqid, body)
    assert whole_run("recv", KEY)[1] == ("a\\x1b[31m\\x9b\\x7f\\u202e\\x0d\tä\r\nb\\xff\r\n")
    send(msqid, body)
    done = subprocess.run([PYIPCS, "recv", KEY, "-f", "raw"], capture_output=True, check=True)
    assert done.stdout == body, "a pipe gets the bytes"
