"""Short texts of values that may hold many numbers, for representations and messages."""

from __future__ import annotations

MOST_SHOWN = 12  # entries; shorter sequences are shown whole, so that what is printed can be read back
AT_EACH_END = 3
MOST_BITS = 128  # of an integer that is shown


def brief(value: object) -> str:
    """Return ``repr(value)``; of a long tuple or list, the first and last entries and their number."""
    if not isinstance(value, (tuple, list)) or len(value) <= MOST_SHOWN:
        return repr(value)
    first, last = (", ".join(map(repr, entries)) for entries in (value[:AT_EACH_END], value[-AT_EACH_END:]))
    opening, closing = "()" if isinstance(value, tuple) else "[]"
    return f"{opening}{first}, ..., {last}; {len(value)} values{closing}"


def brief_integer(value: int) -> str:
    """Return the digits of an integer, or how many bits it has if these are many."""
    bits = value.bit_length()
    return str(value) if bits <= MOST_BITS else f"{'-' if value < 0 else ''}an integer of {bits} bits"
