"""Memory and descriptors of long-lived commands: see endurance.py."""

import pytest

from tests.trials.endurance import endure

_KIB = 3000  # caches take less in that time, a copy of each frame would take more


@pytest.mark.slow
@pytest.mark.trial
@pytest.mark.usefixtures("isolated", "shm", "own_mqueue")
def test_long_lived_commands_under_load_do_not_grow() -> None:
    courses = endure(4, seed=1)
    assert not [(course.label, course.complaints) for course in courses if course.complaints]
    for course in courses:
        assert course.samples[-1].rss < course.samples[0].rss + _KIB, course.label
    passed = {course.label: course.passed for course in courses}
    assert passed["recv -F"] == passed["send -l"] > 1000
    assert passed["recv /lines -F"] == passed["send /lines -l"] > 1000
    assert all(passed[label] > 3 for label in passed if "--watch" in label)
