"""Tables in no particular format, and their Markdown, LaTeX and terminal forms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table as RichTable

BEST, TIED = "best", "tied"


@dataclass(frozen=True)
class Cell:
    """What is printed, what sorts it, and whether it leads its column (``best``, ``tied`` or "")."""

    text: str
    value: float | str = ""
    mark: str = ""


@dataclass(frozen=True)
class Grid:
    """A table in no particular format.

    Attributes:
        title: what it shows, also its caption for screen readers.
        columns: headings; the first column names the row.
        numeric: first column from which values are right-aligned.
        groups: for each row the group it belongs to; a rule is drawn where it changes.
        note: what the numbers rest on.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    groups: tuple[str, ...]
    note: str = ""
    numeric: int = 1


def markdown(grid: Grid) -> str:
    """Return a GitHub-flavoured table with its title and note."""
    align = ["---" if i < grid.numeric else "---:" for i in range(len(grid.columns))]
    lines = [f"**{grid.title}**", "", _line(grid.columns), _line(align)]
    lines += [_line([marked(cell, "**{}**") for cell in row]) for row in grid.rows]
    if grid.note:
        lines += ["", f"*{grid.note}*"]
    return "\n".join(lines) + "\n"


def marked(cell: Cell, bold: str) -> str:
    """Return the text of a cell with its mark; ``bold`` is a pattern such as ``**{}**``."""
    return bold.format(cell.text) if cell.mark == BEST else f"≈ {cell.text}" if cell.mark == TIED else cell.text


def narrowed(grid: Grid, columns: Sequence[str]) -> Grid:
    """Return the grid with some of its columns only: a terminal has no room for all."""
    kept = [index for index, column in enumerate(grid.columns) if column in columns]
    return replace(
        grid,
        columns=tuple(grid.columns[index] for index in kept),
        rows=tuple(tuple(row[index] for index in kept) for row in grid.rows),
        numeric=sum(index < grid.numeric for index in kept),
    )


def terminal_table(grid: Grid, title: str, width: int) -> RichTable:
    """Return the grid for a terminal of ``width`` columns; intervals get a line of their own in a narrow one."""
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table as RichTable

    between = "\n[" if width < 110 else " ["
    table = RichTable(
        title=title, caption=escape(grid.note), title_justify="left", caption_justify="left", box=SIMPLE_HEAD
    )
    for index, column in enumerate(grid.columns):
        table.add_column(column, justify="right" if index >= grid.numeric else "left", no_wrap=index == 0)
    for index, row in enumerate(grid.rows):
        last = index + 1 == len(grid.rows) or grid.groups[index + 1] != grid.groups[index]
        texts = (marked(Cell(escape(c.text.replace(" [", between)), c.value, c.mark), "[bold]{}[/bold]") for c in row)
        table.add_row(*texts, end_section=last)
    return table


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "−": "$-$",
    "≈": r"$\approx$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "<": "$<$",
    ">": "$>$",
    "×": r"$\times$",
    "±": r"$\pm$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "→": r"$\rightarrow$",
    "δ": r"$\delta$",
    "°": r"\textdegree{}",
    "²": r"$^2$",
    "³": r"$^3$",
    "√": r"$\surd$",
    "–": "--",
    "…": r"\dots{}",
    "†": r"\dag{}",
    "·": r"\textperiodcentered{}",
    "\u00a0": "~",
}


def latex(grid: Grid) -> str:
    """Return a ``table`` with booktabs rules, no wider than the text; it needs the packages booktabs and graphicx."""
    align = "l" * grid.numeric + "r" * (len(grid.columns) - grid.numeric)
    lines = [" & ".join(latex_text(column) for column in grid.columns) + r" \\", r"\midrule"]
    for index, row in enumerate(grid.rows):
        if index and grid.groups[index] != grid.groups[index - 1]:
            lines.append(r"\addlinespace")
        lines.append(" & ".join(_latex_cell(cell) for cell in row) + r" \\")
    return "\n".join(
        [
            r"\begin{table}[p]",
            r"\centering",
            rf"\caption{{{latex_text(grid.title)}}}",
            r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
            rf"\begin{{tabular}}{{{align}}}",
            r"\toprule",
            *lines,
            r"\bottomrule",
            r"\end{tabular}}",
            *([rf"\par\smallskip{{\footnotesize {latex_text(grid.note)}\par}}"] if grid.note else []),
            r"\end{table}",
            "",
        ]
    )


def latex_text(text: str) -> str:
    """Return text as LaTeX prints it; what a plain pdflatex has no letter for becomes its name in brackets."""
    return "".join(_LATEX.get(letter, letter if ord(letter) < 0x250 else f"[U+{ord(letter):04X}]") for letter in text)


def _latex_cell(cell: Cell) -> str:
    text = latex_text(cell.text)
    return rf"\textbf{{{text}}}" if cell.mark == BEST else rf"$\approx$ {text}" if cell.mark == TIED else text
