"""The small problems that compile the kernels run; a changed interface must not break `make`."""

import pytest

from analysis import kernels


@pytest.mark.parametrize("work", kernels._WORK, ids=lambda work: work.__name__.strip("_"))
def test_every_small_problem_runs(work):
    assert work() is None
