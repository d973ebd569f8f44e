"""Processes that the package starts."""

import pytest

from analysis import processes


def test_pool_works_side_by_side():
    with processes.pool(1) as pool:
        assert pool.submit(sum, (1, 2)).result() == 3


def test_machine_without_shared_locks_is_told_what_to_do(monkeypatch):
    """Seen on a bare machine: /dev/shm not mounted, and nothing but 'Permission denied' said."""

    def refuse(*args, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(processes, "ProcessPoolExecutor", refuse)
    with pytest.raises(OSError, match=r"/dev/shm.*mount"):
        processes.pool(2)
