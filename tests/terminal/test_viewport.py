"""The visible part of a text, scrolled by keys."""

from pyipcs.terminal.keys import Key
from pyipcs.terminal.viewport import Frame, Overview, Viewport

TEXT = [str(number) for number in range(100)]


def frame(count: int = 100) -> Frame:
    return Frame(lambda: (f"{line}\n" for line in TEXT[:count]))


def tables(count: int = 100) -> Frame:
    """Return a frame whose overview has the first three lines of its text."""
    return frame(count)._replace(overview=lambda _height: Overview([*TEXT[:3], "more"], 3))


def viewport(shown: Frame, height: int = 10) -> Viewport:
    view = Viewport()
    view.set(shown, height)
    return view


def test_viewport_with_room_shows_the_whole_text() -> None:
    view = viewport(frame(10))
    for key in Key:
        view.move(key)
        assert view.lines() == TEXT[:10]


def test_viewport_counts_the_lines_below() -> None:
    view = viewport(frame())
    assert view.lines() == [*TEXT[:9], "(91 lines more)"]
    view.move(Key.DOWN)
    assert view.lines() == [*TEXT[1:10], "(90 lines more)"]
    view.move(Key.END)
    assert view.lines() == TEXT[90:]
    view.move(Key.DOWN)
    assert view.lines() == TEXT[90:]
    view.move(Key.UP)
    assert view.lines() == [*TEXT[89:98], "(2 lines more)"]
    view.move(Key.HOME)
    assert view.lines()[0] == "0"


def test_viewport_page_down_and_up_pass_over_no_line() -> None:
    for shown in (frame(), tables()):
        view = viewport(shown)
        seen = {*view.lines()}
        for _ in range(12):
            view.move(Key.PAGE_DOWN)
            seen |= {*view.lines()}
        assert {*TEXT} <= seen
        assert view.lines() == TEXT[90:]
        seen = set()
        for _ in range(12):
            seen |= {*view.lines()}
            view.move(Key.PAGE_UP)
        assert {*TEXT[1:]} <= seen
        assert view.lines()[0] == "0"


def test_viewport_lower_than_its_overview_passes_over_no_line() -> None:
    view = viewport(tables(), 3)
    assert view.lines() == [*TEXT[:2], "(2 lines more)"]
    view.move(Key.PAGE_DOWN)
    assert view.lines() == [*TEXT[2:4], "(96 lines more)"]


def test_viewport_at_the_top_draws_the_overview_alone() -> None:
    drawn = []

    def whole() -> list[str]:
        drawn.append(True)
        return [f"{line}\n" for line in TEXT]

    view = viewport(tables()._replace(whole=whole))
    assert view.lines() == [*TEXT[:3], "more"]
    assert not drawn
    view.move(Key.DOWN)
    assert view.lines()[0] == "1"
    view.move(Key.PAGE_DOWN)
    assert view.lines()[0] == "10"
    assert drawn == [True]


def test_viewport_with_a_new_frame_keeps_its_position_in_the_text() -> None:
    view = viewport(frame())
    for _ in range(5):
        view.move(Key.DOWN)
    view.set(frame(), 20)
    assert view.lines() == [*TEXT[5:24], "(76 lines more)"]
    view.set(frame(12), 10)
    assert view.lines() == TEXT[2:12]
    view.set(frame(12), 3)
    assert view.lines() == [*TEXT[2:4], "(8 lines more)"]
    view.set(frame(12), 50)
    assert view.lines() == TEXT[:12]


def test_viewport_of_one_line_scrolls() -> None:
    view = viewport(frame(3), 1)
    assert view.lines() == ["(3 lines more)"]
    view.move(Key.PAGE_DOWN)
    view.move(Key.PAGE_DOWN)
    assert view.lines() == ["2"]
