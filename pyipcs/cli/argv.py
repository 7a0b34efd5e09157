"""The grammar of getopt_long(3), in one pass over the words before click parses them.

click alone refuses abbreviations and negative numbers, reads `-a=shm` as `=shm`, and keeps no
order between options. The words that this pass returns can be read in one way only: each option
by its own name, its value behind it, then `--` and the operands.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import click


class OptionalValue(click.Option):
    """An option whose value may be left out, and then is `bare`.

    The value is attached with `=` (`--all=shm`, `-a=shm`), or it is one of `words`, which may
    also stand without (`-ashm`) or follow (`-a shm`).
    """

    def __init__(self, *args: Any, bare: str, words: Iterable[str] = (), **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.bare = bare
        self.words = frozenset(words)


class Scan:
    """A command line taken apart: `words` for click, `order` of the options as given."""

    def __init__(
        self,
        params: Iterable[click.Parameter],
        args: Sequence[str],
        peer_names: frozenset[str],
        ctx: click.Context,
    ) -> None:
        self._options = {
            name: param
            for param in params
            if isinstance(param, click.Option)
            for name in param.opts
        }
        self._peer_names = peer_names
        self._ctx = ctx
        self._rest = deque(args)
        self.given: list[str] = []
        self.operands: list[str] = []
        self.order: list[str] = []
        self._scan()

    @property
    def words(self) -> list[str]:
        """The words for click."""
        return [*self.given, "--", *self.operands]

    def _scan(self) -> None:
        while self._rest:
            word = self._rest.popleft()
            if word == "--":
                self.operands.extend(self._rest)
                return
            if word.startswith("--"):
                self._long(word)
            elif _is_option(word):
                self._short(word)
            else:
                self.operands.append(word)

    def _long(self, word: str) -> None:
        name, equals, value = word.partition("=")
        option = self._options[self._full_name(name)]
        if isinstance(option, OptionalValue):
            self._take(option, value if equals else self._following(option))
        elif not option.is_flag:
            self._take(option, value if equals else self._next(name))
        elif equals:
            raise click.UsageError(f"option {name} takes no value", self._ctx)
        else:
            self._take(option)

    def _short(self, word: str) -> None:
        for position, letter in enumerate(word[1:], start=2):
            name = f"-{letter}"
            attached = word[position:]
            option = self._options.get(name)
            if option is None:
                raise self._unknown(name)
            if isinstance(option, OptionalValue):
                if attached.startswith("=") or attached in option.words:
                    self._take(option, attached.removeprefix("="))
                    return
                self._take(option, option.bare if attached else self._following(option))
                continue
            if not option.is_flag:
                self._take(option, attached or self._next(name))
                return
            self._take(option)

    def _full_name(self, name: str) -> str:
        """The option that a long name means; abbreviations count among the peer's names only."""
        if name in self._options:
            return name
        matches = sorted(known for known in self._peer_names if known.startswith(name))
        if len(matches) > 1:
            raise click.UsageError(f"option {name} is ambiguous ({', '.join(matches)})", self._ctx)
        if not matches:
            raise self._unknown(name)
        return matches[0]

    def _unknown(self, name: str) -> click.UsageError:
        from difflib import get_close_matches

        close = get_close_matches(name, self._options)
        hint = f", did you mean {' or '.join(close)}?" if close else ""
        return click.UsageError(f"no such option {name}{hint}", self._ctx)

    def _next(self, name: str) -> str:
        if not self._rest:
            raise click.UsageError(f"option {name} needs a value", self._ctx)
        return self._rest.popleft()

    def _following(self, option: OptionalValue) -> str:
        if self._rest and self._rest[0] in option.words:
            return self._rest.popleft()
        return option.bare

    def _take(self, option: click.Option, *value: str) -> None:
        self.given += [option.opts[-1], *value]
        self.order.append(option.name or "")


def _is_option(word: str) -> bool:
    """Whether a word that is no long option is short ones; `-5` and `-.5` are arguments."""
    if len(word) < 2 or word[0] != "-":
        return False
    return word == "-0" or not (word[1].isdigit() or word[1] == ".")


def in_order(ctx: click.Context, names: Iterable[str]) -> Iterator[tuple[str, Any]]:
    """The values of repeatable options, each with its option's name, as the user ordered them."""
    values = {name: iter(ctx.params[name]) for name in names}
    for name in ctx.meta[__name__]:
        if name in values:
            yield name, next(values[name])


class Grammar(click.Command):
    """A command that reads its words by getopt_long's rules."""

    peer_names: frozenset[str] = frozenset()

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take the words apart, then let click convert and check them."""
        params = self.get_params(ctx)
        scan = Scan(params, args, self.peer_names, ctx)
        if scan.operands and not any(isinstance(param, click.Argument) for param in params):
            raise click.UsageError(f"unexpected operand {scan.operands[0]!r}", ctx)
        ctx.meta[__name__] = scan.order
        return super().parse_args(ctx, scan.words)
