"""Rows of fixed width, written column by column: a hundred million of them in well under a minute."""

from pathlib import Path

import numpy

# Rows that are made at once.
BLOCK = 500_000


def digits(numbers: numpy.ndarray, width: int) -> numpy.ndarray:
    """Numbers as text with leading zeros, one row of bytes each."""
    text = numpy.empty((len(numbers), width), dtype=numpy.uint8)
    rest = numbers.astype(numpy.int64)
    for at in range(width - 1, -1, -1):
        rest, digit = numpy.divmod(rest, 10)
        text[:, at] = digit + ord("0")
    return text


def texts(choices: list[str], which: numpy.ndarray) -> numpy.ndarray:
    """One of some texts of the same length, for each row."""
    table = numpy.array([list(choice.encode()) for choice in choices], dtype=numpy.uint8)
    return table[which]


def rows(*columns: numpy.ndarray | str) -> numpy.ndarray:
    """Columns side by side; a text is the same in each row."""
    count = next(len(column) for column in columns if not isinstance(column, str))
    whole = [
        numpy.broadcast_to(numpy.frombuffer(column.encode(), dtype=numpy.uint8), (count, len(column.encode())))
        if isinstance(column, str)
        else column
        for column in columns
    ]
    return numpy.hstack(whole)


def write(path: Path, header: str, blocks, replaced) -> None:
    """Writes a header and blocks of rows. `replaced(block, at)` returns other texts for some rows of a block: by row."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(header.encode())
        for number, block in enumerate(blocks):
            whole = numpy.ascontiguousarray(block).tobytes()
            width, done, pieces = block.shape[1], 0, []
            for row, text in replaced(number, block):
                pieces += [whole[done : row * width], text]
                done = (row + 1) * width
            file.write(b"".join([*pieces, whole[done:]]))
