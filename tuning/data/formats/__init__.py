"""Training data in other people's formats, read into and written from `Example`.

A format is how rows are shaped (`chat`, `sharegpt`, `alpaca`, `completion`, `table`) and how they
are stored (`rows`, `arrow`). Between a row and its examples stands a `Conversation`.
"""

from __future__ import annotations

from tuning.data.formats.reading import Reading, read_data, read_examples
from tuning.data.formats.recognise import FORMATS, FormatName
from tuning.data.formats.table import Columns
from tuning.data.formats.writing import write_examples

__all__ = [
    "FORMATS",
    "Columns",
    "FormatName",
    "Reading",
    "read_data",
    "read_examples",
    "write_examples",
]
