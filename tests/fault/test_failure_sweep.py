"""A failure at every request of an apply (design, promises 1 and 5): after each, one more apply
converges, the plan is empty, and what was in PostgreSQL and Redis is still there."""

from ecosystem import FAULTS, assert_clean_end, prepared, program, sweep
from harness import Proxy, run


def test_a_failure_at_every_request(environment, tmp_path):
    ecosystem = prepared(environment, "172.29.1")

    def disturb(at):
        # Each request meets one kind, the next one another; the to and fro shifts them.
        kind = FAULTS[(at + at // len(FAULTS)) % len(FAULTS)]
        with Proxy(tmp_path, kind, at) as proxy:
            result = run(program, "apply", environment.file, "--timeout", "100s", "--request-timeout", "4s", check=False, env={**environment.env, **proxy.env})
            assert_clean_end(result, f"{kind} at request {at}")
            return len(proxy.requests()) >= at

    disturbed = sweep(ecosystem, disturb)
    assert disturbed > 40
