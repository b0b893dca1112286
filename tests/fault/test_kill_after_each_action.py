"""kill -9 after the engine has performed a request, before its answer arrives."""

from ecosystem import kill_sweep


def test_killed_after_each_action(environment, tmp_path):
    kill_sweep(environment, tmp_path, "hold", "172.29.3")
