import json
import os
import struct
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyipcs.cli.output import Output
from pyipcs.cli.sending import Sending
from pyipcs.errors import CommandError
from pyipcs.model import LONG_MAX, Kind
from pyipcs.sysv.keys import parse_target
from pyipcs.sysv.queue import MessageQueue
from tests.kit.kernel import Objects, receive_all, remove, send
from tests.kit.program import Result, fork, forked, invoke

KEY = "0x5eed"
FULL = "pyipcs: 0x5eed: the queue is full; "


@pytest.fixture
def msqid(objects: Objects) -> int:
    return objects.queue(0x5EED)


def shrink(msqid: int, qbytes: int) -> None:
    from pyipcs.sysv import libc as own

    own.change(Kind.QUEUE, msqid, qbytes=qbytes)


class TestMessages:
    @pytest.mark.parametrize(
        ("args", "data", "messages"),
        [
            ("hello", b"", [(1, b"hello")]),
            ("a b", b"", [(1, b"a"), (1, b"b")]),
            ("-t 7 a -z", b"", [(7, b"a\0")]),
            (f"-t {LONG_MAX} a", b"", [(LONG_MAX, b"a")]),
            ("-t 2147483648 a", b"", [(2147483648, b"a")]),
            ("", b"one\ntwo\n", [(1, b"one\ntwo\n")]),
            ("", b"", [(1, b"")]),
            ("-z", b"one", [(1, b"one\0")]),
            ("-l", b"one\n\ntwo\n", [(1, b"one"), (1, b""), (1, b"two")]),
            ("-l", b"one\ntwo", [(1, b"one"), (1, b"two")]),
            ("-l", b"", []),
            ("-lz", b"one\n", [(1, b"one\0")]),
            ("-0", b"one\n\0\0two", [(1, b"one\n"), (1, b""), (1, b"two")]),
            ("--hex 6162 00 -z", b"", [(1, b"ab\0"), (1, b"\0\0")]),
            ("--hex -l", b"61\n6162\n", [(1, b"a"), (1, b"ab")]),
            ("--hex", b"61 62\n63\n", [(1, b"abc")]),
            ("--pack i 42", b"", [(1, struct.pack("i", 42))]),
            ("--pack i -5", b"", [(1, struct.pack("i", -5))]),
            ("--pack=ihd 1 -2 2.5 -t 3", b"", [(3, struct.pack("ihd", 1, -2, 2.5))]),
            ("--pack 4x", b"ignored", [(1, bytes(4))]),
            (
                "--pack ii -l",
                b"1\t2\n3\t4\n",
                [(1, struct.pack("ii", *p)) for p in ((1, 2), (3, 4))],
            ),
            ("--pack i", b"42\n", [(1, struct.pack("i", 42))]),
            (
                "--json",
                b'{"type": 5, "data": "a"}\n{"base64": "/w=="}\n',
                [(5, b"a"), (1, b"\xff")],
            ),
            ("--json -0 -t 2", b'{"data":\n"a"}\0{"data": ""}\0', [(2, b"a"), (2, b"")]),
            ("-- -l", b"", [(1, b"-l")]),
            ("-5 -.5", b"", [(1, b"-5"), (1, b"-.5")]),
            ("-F - -l", b"x\n", [(1, b"x")]),
        ],
    )
    def test_what_is_sent(
        self, msqid: int, args: str, data: bytes, messages: list[tuple[int, bytes]]
    ) -> None:
        assert forked("send", KEY, *args.split(), data=data) == (0, "", "")
        assert receive_all(msqid) == messages

    def test_bytes_of_the_command_line(self, msqid: int) -> None:
        assert forked("send", KEY, os.fsdecode(b"\xff\xfe"), "", "a b") == (0, "", "")
        assert receive_all(msqid) == [(1, b"\xff\xfe"), (1, b""), (1, b"a b")]

    def test_a_file(self, msqid: int, tmp_path: Path) -> None:
        path = tmp_path / "lines"
        path.write_bytes(b"one\ntwo\n")
        assert forked("send", KEY, "-l", "-F", str(path)) == (0, "", "")
        assert forked("send", KEY, "--file", str(path)) == (0, "", "")
        assert receive_all(msqid) == [(1, b"one"), (1, b"two"), (1, b"one\ntwo\n")]

    @pytest.mark.parametrize(
        "name", ["5eed", "id:{id}", "{id}", "0x5EED", "key:24301", "0x00005eed"]
    )
    def test_every_name_of_the_queue(self, msqid: int, name: str) -> None:
        if name == "5eed":
            assert forked("send", name, "a").status == 2
            return
        assert forked("send", name.format(id=msqid), "a") == (0, "", "")
        assert receive_all(msqid) == [(1, b"a")]

    def test_a_private_queue(self, objects: Objects) -> None:
        msqid = objects.queue()
        assert forked("send", str(msqid), "a") == (0, "", "")
        assert receive_all(msqid) == [(1, b"a")]

    @settings(
        max_examples=40,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(
        st.lists(st.binary(max_size=300).map(lambda line: line.replace(b"\n", b"")), max_size=40)
    )
    def test_lines_of_any_bytes_from_a_slow_pipe(self, msqid: int, lines: list[bytes]) -> None:
        receive_all(msqid)
        text = b"".join(line + b"\n" for line in lines)
        read, write = os.pipe()
        child = fork("send", KEY, "-l", stdin=read, stdout=1, stderr=2)
        for start in range(0, len(text), 97):
            os.write(write, text[start : start + 97])
        os.close(write)
        os.close(read)
        assert os.waitpid(child, 0)[1] == 0
        assert receive_all(msqid) == [(1, line) for line in lines]


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        ("args", "why"),
        [
            ("", "QUEUE is missing"),
            ("0111 a", "QUEUE: '0111': id:111 or key:0111?"),
            ("0x0 a", "QUEUE: '0x0': key 0 is IPC_PRIVATE, which names no object"),
            ("Q a", "QUEUE: 'Q': not an id, a 0x key, id:N, key:N or ftok:PATH[:PROJ]"),
            ("1 -t 0 a", "-t/--type: '0': not a message's type (1 to 9223372036854775807)"),
            ("1 -t -1 a", "-t/--type: '-1': not a message's type (1 to 9223372036854775807)"),
            ("1 -t 1x a", "-t/--type: '1x': not a message's type (1 to"),
            (
                "1 -t 9223372036854775808 a",
                "-t/--type: '9223372036854775808': not a message's type ",
            ),
            ("1 --pack y 1", "--pack: 'y': not a struct (bad char in struct format)"),
            ("1 --pack i x", "--pack i: 'x' is not a number"),
            ("1 --pack i 1 2", "--pack i: the struct has 1 field, not 2"),
            ("1 --hex 0", "'0': not pairs of hex digits"),
            ("1 --json {}", "'{}': it needs exactly one of data and base64"),
            ("1 a -l", "-l and -0 split standard input or a file, not MESSAGE"),
            ("1 -l -0", "-l and -0 are two ways to split"),
            ("1 -F x a", "-F FILE stands in the place of MESSAGE"),
            ("1 --hex --json", "--hex, --json and --pack are three ways to write a message"),
            ("1 -z --json", "-z goes with text and --hex alone"),
            ("1 --timeout x a", "--timeout: 'x': not a number of seconds"),
            ("1 --timeout -1 a", "--timeout: '-1': not a number of seconds"),
            ("1 --timeout nan a", "--timeout: 'nan': not a number of seconds"),
            ("1 --nope a", "no such option --nope"),
        ],
    )
    def test_command_lines(self, args: str, why: str) -> None:
        result = invoke("send", *args.split())
        assert (result.status, result.out) == (2, "")
        assert result.err.startswith(f"pyipcs: send: {why}")
        assert result.err.endswith("(see pyipcs send --help)\n")
        assert result.err.count("\n") == 1

    def test_queues_that_are_not_there(self, objects: Objects) -> None:
        assert forked("send", KEY, "a") == (1, "", "pyipcs: 0x5eed: no such message queue\n")
        assert forked("send", "2147483647", "a") == (
            1,
            "",
            "pyipcs: 2147483647: no such message queue\n",
        )
        objects.segment(0x5EED)
        assert forked("send", KEY, "a").err == (
            "pyipcs: 0x5eed: no such message queue (but a segment of that key)\n"
        )
        objects.semaphores(0x5EED)
        assert forked("send", KEY, "a").err == (
            "pyipcs: 0x5eed: no such message queue "
            "(but a segment and a semaphore set of that key)\n"
        )

    @pytest.mark.parametrize(
        ("args", "data", "label"),
        [
            (["a", "b" * 8193], b"", "message 2"),
            (["-l"], b"a\n" + b"b" * 8193 + b"\nc\n", "line 2"),
            (["-0"], b"a\0" + b"b" * 8193, "record 2"),
            (["-z"], b"b" * 8192, "standard input"),
            (["--json"], b'{"data": "a"}\n{"data": "%b"}\n' % (b"b" * 8193), "line 2"),
        ],
    )
    def test_a_message_over_msgmax_before_anything_is_sent(
        self, msqid: int, args: list[str], data: bytes, label: str
    ) -> None:
        assert forked("send", KEY, *args, data=data) == (
            1,
            "",
            f"pyipcs: {label}: it has 8193 bytes, and a message has 8192 bytes at the most "
            "(msgmax); nothing was sent\n",
        )
        assert receive_all(msqid) == []

    def test_a_message_over_what_the_queue_can_hold(self, msqid: int) -> None:
        shrink(msqid, 100)
        assert forked("send", KEY, "a" * 101).err == (
            "pyipcs: message 1: it has 101 bytes, and this queue holds 100 bytes at the most "
            "(qbytes); nothing was sent\n"
        )
        assert forked("send", KEY, "a" * 100).status == 0
        receive_all(msqid)
        shrink(msqid, 0)
        assert forked("send", KEY, "").err == (
            "pyipcs: message 1: it has 0 bytes, and this queue holds 0 bytes at the most (qbytes); "
            "nothing was sent\n"
        )

    def test_a_line_without_an_end(self, msqid: int) -> None:
        """It is refused long before memory runs out, and says how many went before."""
        result = self._through_a_pipe(b"one\ntwo\n", endless=b"x" * 65536)
        assert result.status == 1
        assert result.err == (
            "pyipcs: line 3: it has more than 327680 characters, and a message has 8192 bytes at "
            "the most (msgmax); 2 messages were sent\n"
        )
        assert receive_all(msqid) == [(1, b"one"), (1, b"two")]

    def test_what_has_no_errno(self, msqid: int, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("stdout", "stderr"):
            monkeypatch.setattr(sys, name, None)  # as where they are closed
        target, queue = parse_target(KEY), MessageQueue(msqid)
        sending = Sending(Output(), target, queue, wait=False)
        with pytest.raises(CommandError, match=r"^words; nothing was sent$"), sending.told():
            raise OSError("words")

    @pytest.mark.root
    def test_the_longest_text_of_a_body_that_goes(self, msqid: int) -> None:
        field, number = b"-5.960464477539063e-08", 8192
        msgmax = Path("/proc/sys/kernel/msgmax")
        before = msgmax.read_text()
        msgmax.write_text(str(2 * number))
        try:
            data = b"\t".join([field] * number)
            assert forked("send", KEY, "--pack", f"{number}e", "-l", data=data) == (0, "", "")
        finally:
            msgmax.write_text(before)
        assert receive_all(msqid) == [(1, struct.pack("e", float(field)) * number)]

    @pytest.mark.parametrize(
        ("args", "data", "words", "sent"),
        [
            ("--json", b'{"data": "a"}\n{"data": \n', "line 2: not JSON; 1 message was sent", 1),
            ("--json", b"\n", "line 1: not JSON; nothing was sent", 0),
            (
                "--hex -l",
                b"61\n62\n6\n",
                "line 3: not pairs of hex digits; 2 messages were sent",
                2,
            ),
            ("--pack i -l", b"1\nx\n", "line 2: 'x' is not a number; 1 message was sent", 1),
            (
                "-0",
                b"a\0" + bytes([98]) * 8193,
                "record 2: it has 8193 bytes, and a message has "
                "8192 bytes at the most (msgmax); 1 message was sent",
                1,
            ),
        ],
    )
    def test_records_of_a_stream(
        self, msqid: int, args: str, data: bytes, words: str, sent: int
    ) -> None:
        result = self._through_a_pipe(data, *args.split())
        assert (result.status, result.err) == (1, f"pyipcs: {words}\n")
        assert len(receive_all(msqid)) == sent
        whole = forked("send", KEY, *args.split(), data=data)
        assert (whole.status, whole.err) == (
            1,
            f"pyipcs: {words.partition(';')[0]}; nothing was sent\n",
        )
        assert receive_all(msqid) == [], "a file is looked at first"

    @staticmethod
    def _through_a_pipe(data: bytes, *args: str, endless: bytes = b"") -> Result:
        read, write = os.pipe()
        err_read, err_write = os.pipe()
        child = fork("send", KEY, *(args or ["-l"]), stdin=read, stdout=err_write, stderr=err_write)
        os.close(read)
        os.close(err_write)
        os.write(write, data)
        try:
            while endless:
                os.write(write, endless)
        except BrokenPipeError:
            pass
        os.close(write)
        with os.fdopen(err_read) as errors:
            text = errors.read()
        return Result(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), "", text)

    def test_a_file_that_cannot_be_read(self, msqid: int, tmp_path: Path) -> None:
        missing = tmp_path / "missing"
        assert forked("send", KEY, "-F", str(missing)) == (
            1,
            "",
            f"pyipcs: {missing}: No such file or directory\n",
        )
        assert forked("send", KEY, "-F", str(tmp_path)).err == (
            f"pyipcs: {tmp_path}: Is a directory\n"
        )


class TestWaiting:
    def test_not_at_all(self, msqid: int) -> None:
        shrink(msqid, 3)
        for option in ("--nowait", "--timeout=0"):
            assert forked("send", KEY, option, "a", "b", "c", "d", "e") == (
                3,
                "",
                f"{FULL}3 messages were sent\n",
            )
            assert receive_all(msqid) == [(1, b"a"), (1, b"b"), (1, b"c")]

    def test_for_some_time(self, msqid: int) -> None:
        shrink(msqid, 1)
        start = time.monotonic()
        assert forked("send", KEY, "--timeout", ".2", "a", "b") == (
            3,
            "",
            f"{FULL}1 message was sent\n",
        )
        assert 0.2 < time.monotonic() - start < 3

    def test_until_there_is_room(self, msqid: int) -> None:
        shrink(msqid, 1)
        taken: list[bytes] = []

        def take() -> None:
            while len(taken) < 20:
                time.sleep(0.005)
                taken.extend(body for _, body in receive_all(msqid))

        thread = threading.Thread(target=take)
        thread.start()
        lines = [b"%c" % (65 + number) for number in range(20)]
        assert forked("send", KEY, "-l", "--timeout", "10", data=b"\n".join(lines)) == (0, "", "")
        thread.join()
        assert taken == lines

    def test_until_the_queue_is_removed(self, objects: Objects) -> None:
        msqid = objects.queue(0x5EED)
        send(msqid, bytes(8192))
        send(msqid, bytes(8191))
        threading.Timer(0.2, remove, [Kind.QUEUE, msqid]).start()
        assert forked("send", KEY, "a", "b") == (
            1,
            "",
            "pyipcs: 0x5eed: the message queue was removed; 1 message was sent\n",
        )


def test_json_that_another_program_writes(msqid: int) -> None:
    lines = "\n".join(json.dumps({"type": n, "data": "ä" * n}, ensure_ascii=False) for n in (1, 2))
    assert forked("send", KEY, "--json", data=lines.encode()) == (0, "", "")
    assert receive_all(msqid) == [(1, "ä".encode()), (2, "ää".encode())]
