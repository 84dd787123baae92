"""Tables of text for a terminal or a log: no name and no number is ever cut."""

from collections.abc import Sequence

_GAP = "  "


def lay_out(heads: Sequence[str], rows: Sequence[Sequence[str]], width: int | None) -> str:
    """A table as text: the first column left-aligned, the others right-aligned.

    Where it is wider than `width` it is turned on its side, or else split into blocks that repeat the first column.
    None is no limit; a single column that does not fit is as wide as it is.
    """
    columns = [list(column) for column in zip(heads, *rows, strict=True)]
    if width is None or _width(columns) <= width:
        return _block(columns)
    turned = [list(column) for column in zip(*columns, strict=True)]
    if _width(turned) <= width:
        return _block(turned)
    return "\n\n".join(_block(block) for block in _blocks(columns, width))


def _blocks(columns: list[list[str]], width: int) -> list[list[list[str]]]:
    first, *others = columns
    blocks = [[first]]
    for column in others:
        if len(blocks[-1]) > 1 and _width([*blocks[-1], column]) > width:
            blocks.append([first])
        blocks[-1].append(column)
    return blocks


def _width(columns: list[list[str]]) -> int:
    return sum(max(_cells(text) for text in column) for column in columns) + len(_GAP) * (len(columns) - 1)


def _cells(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)


def _block(columns: list[list[str]]) -> str:
    padded = []
    for index, column in enumerate(columns):
        width = max(_cells(text) for text in column)
        spaces = [" " * (width - _cells(text)) for text in column]
        cells = [text + space if index == 0 else space + text for text, space in zip(column, spaces, strict=True)]
        padded.append([cells[0], "-" * width, *cells[1:]])
    return "\n".join(_GAP.join(line).rstrip() for line in zip(*padded, strict=True))
