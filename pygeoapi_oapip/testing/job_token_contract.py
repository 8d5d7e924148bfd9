"""What every store of sealed tokens does. Subclass `JobTokenContract` and give it a fixture `tokens`."""

# ruff: noqa: D102 (the name of a test says what it checks)

from __future__ import annotations

from ..store.job_tokens import JobTokenStore, SealedTokens


class JobTokenContract:
    """Rows with an end."""

    def test_a_job_has_what_was_put_last(self, tokens: JobTokenStore) -> None:
        assert tokens.get("a") is None
        tokens.put(SealedTokens("a", "first", 100.0))
        tokens.put(SealedTokens("a", "last", 200.0))
        tokens.put(SealedTokens("b", "other", 200.0))
        assert tokens.get("a") == SealedTokens("a", "last", 200.0)
        assert tokens.get("c") is None

    def test_what_is_removed_is_gone_and_the_rest_stays(self, tokens: JobTokenStore) -> None:
        for name in ("a", "b"):
            tokens.put(SealedTokens(name, name, 100.0))
        for _ in range(2):
            tokens.remove("a")
        assert tokens.get("a") is None
        assert tokens.get("b") is not None

    def test_what_has_ended_is_swept(self, tokens: JobTokenStore) -> None:
        for name, ends in (("a", 100.0), ("b", 200.0), ("c", 300.0)):
            tokens.put(SealedTokens(name, name, ends))
        assert tokens.sweep(250.0) == 2
        assert tokens.sweep(250.0) == 0
        assert [tokens.get(name) is not None for name in "abc"] == [False, False, True]
