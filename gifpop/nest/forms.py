"""Other forms of what ``get`` returns: tables of pandas, and JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from gifpop.nest.value_types import Values


def to_json(obj: Any, **kwargs: Any) -> str:
    """Return values as JSON.

    Parameters
    ----------
    obj : dict, list, array, NodeCollection, or number
        What `get` and `GetDefaults` return, for example.
    **kwargs
        Arguments of `json.dumps`.

    Returns
    -------
    str
        The text; arrays and collections of nodes are lists.
    """
    return json.dumps(obj, default=_plain, **kwargs)


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def as_table(columns: Values, index: Sequence[int]) -> pd.DataFrame:
    """Return a table of pandas.

    Parameters
    ----------
    columns : dict of str to sequence
        Values by name, one for each row.
    index : sequence of int
        Of the rows.
    """
    try:
        import pandas as pd  # takes time, and not everybody has it
    except ImportError as error:
        raise ImportError("output='pandas' needs pandas: pip install pandas") from error
    rows: dict[str, Any] = {name: list(values) for name, values in columns.items()}
    return pd.DataFrame(rows, index=list(index))
