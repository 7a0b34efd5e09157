"""What lives long: neither memory nor descriptors grow (for minutes: tests.trials.endurance)."""

import pytest

from tests.trials.endurance import endure

_KIB = 3000  # more than caches take in that time, and less than what is kept of each frame


@pytest.mark.usefixtures("isolated")
def test_nothing_grows_under_load() -> None:
    courses = endure(4, seed=1)
    assert not [(one.label, one.complaints) for one in courses if one.complaints]
    for course in courses:
        third = len(course.samples) // 3
        start, end = course.descriptors(slice(third)), course.descriptors(slice(-third, None))
        assert start == end, course.label
        assert course.samples[-1].rss < course.samples[0].rss + _KIB, course.label
    passed = {course.label: course.passed for course in courses}
    assert passed["recv -F"] == passed["send -l"] > 1000
    assert all(passed[label] > 3 for label in passed if "--watch" in label)
