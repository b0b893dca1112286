"""kill -9 while a request is on its way: the engine never sees it."""

from ecosystem import kill_sweep


def test_killed_before_each_action(environment, tmp_path):
    kill_sweep(environment, tmp_path, "drop", "172.29.2")
