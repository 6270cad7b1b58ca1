"""The tokens that calls have used."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Usage:
    """Tokens of one answer as Converse reports them; `input_tokens` excludes cached ones."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cache_read_tokens=self.cache_read_tokens + other.cache_read_tokens,
            cache_write_tokens=self.cache_write_tokens + other.cache_write_tokens,
        )


MOST_TOKENS = 100_000_000
"""Of one call; no model takes or gives so many."""


def known_usage(**tokens: object) -> Usage | None:
    """The usage of these counts; None where one cannot be: not a whole number, below 0 or beyond any model."""
    if all(type(number) is int and 0 <= number <= MOST_TOKENS for number in tokens.values()):
        return Usage(**tokens)  # type: ignore[arg-type] # they are whole numbers
    return None
