"""A column of vectors: for each node an array of its own length, equal ones held once."""

import numpy as np


class Ragged:
    """One float64 array for each of n nodes.

    Parameters
    ----------
    n : int
    value : float64 array
        What all nodes have at first.
    """

    def __init__(self, n, value):
        self.values, self.codes = [value], np.zeros(n, dtype=np.int32)

    def __len__(self):
        return len(self.codes)

    def __getitem__(self, i):
        """Return the array of the ``i``-th node."""
        return self.values[self.codes[i]]

    def take(self, places):
        """Return the arrays of some nodes, as a list."""
        return [self.values[code] for code in self.codes[places].tolist()]

    def copy(self):
        """Return a column with the same arrays, to be changed apart."""
        other = Ragged(0, None)
        other.values, other.codes = list(self.values), self.codes.copy()
        return other

    def put(self, places, arrays):
        """Set the arrays of some nodes: one for all, or a list with one for each."""
        if isinstance(arrays, list):
            known = {}
            codes = [known.setdefault(array.tobytes(), len(known)) for array in arrays]
            new = [None] * len(known)
            for code, array in zip(codes, arrays, strict=True):
                new[code] = array
        else:
            codes, new = 0, [arrays]
        self.codes[places] = np.asarray(codes, dtype=np.int32) + len(self.values)
        self.values += new
        if len(places) == len(self) or len(self.values) > 2 * len(self) + 16:
            self._compact()

    def _compact(self):
        """Forget arrays that no node has."""
        used, self.codes = np.unique(self.codes, return_inverse=True)
        self.codes = self.codes.astype(np.int32)
        self.values = [self.values[code] for code in used.tolist()]

    def lengths(self):
        """Return the length of each node's array."""
        return np.array([len(value) for value in self.values])[self.codes]

    def rows(self, count, fill):
        """Return the entries 0 to ``count`` - 1: each a number, or an array over the nodes where they differ."""
        self._compact()
        table = np.full((len(self.values), count), fill)
        for row, value in zip(table, self.values, strict=True):
            row[: len(value)] = value
        if len(self.values) == 1:
            return table[0].tolist()
        return list(np.ascontiguousarray(table[self.codes].T))
