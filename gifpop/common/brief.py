"""Short texts of values that may hold many numbers, or digits, for representations and messages."""

from __future__ import annotations

MOST_BITS = 128  # of an integer that is shown by its digits
MOST_SHOWN = 12  # entries; shorter sequences are shown whole, so that what is printed can be read back
AT_EACH_END = 3


def brief(value: object) -> str:
    """Return ``repr(value)``; for a long tuple or list, its first and last entries and its length.

    Very long integers are shown by their number of bits.
    """
    if isinstance(value, int) and value.bit_length() > MOST_BITS:
        return f"{'a negative' if value < 0 else 'an'} integer of {value.bit_length()} bits"
    if not isinstance(value, (tuple, list)):
        return repr(value)
    if len(value) <= MOST_SHOWN:
        comma = "," if isinstance(value, tuple) and len(value) == 1 else ""
        return _bracketed(value, ", ".join(map(brief, value)) + comma)
    first, last = (", ".join(map(brief, entries)) for entries in (value[:AT_EACH_END], value[-AT_EACH_END:]))
    return _bracketed(value, f"{first}, ..., {last}; {len(value)} values")


def _bracketed(value: object, text: str) -> str:
    return f"({text})" if isinstance(value, tuple) else f"[{text}]"
