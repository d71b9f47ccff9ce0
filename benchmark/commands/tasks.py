"""What ``tst-bench tasks`` does."""

from __future__ import annotations

import inspect
import json
import re
import sys
from typing import Any

from rich.markup import escape
from rich.table import Table

from baselines.heads import HEADS
from benchmark.commands.console import out
from benchmark.prediction_schema import prediction_schema
from benchmark.tasks import TASKS, Task


def list_tasks() -> None:
    """Print the tasks, one line each."""
    table = Table("task", "main measure", "other measures", "a space must have", box=None, padding=(0, 2, 0, 0))
    for name in TASKS:
        task = TASKS[name]
        main, *others = (measure.label for measure in task.measures)
        table.add_row(name, main, ", ".join(others), _needs(task))
    out.print(table)


def show_task(name: str) -> None:
    """Print what is known of a task."""
    task, spec = TASKS[name], TASKS[name].head()
    head = f"{spec.output}, {spec.channels} channels" + (f", loss {spec.loss}" if spec.loss else "")
    about = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    rows = {
        "task": f"{task.name}, version {task.version}",
        "asked": _paragraph(sys.modules[type(task).__module__]),
        "scored": _text(type(task)),
        "a space must have": _needs(task),
        "categories": f"{len(task.categories)}: {', '.join(task.categories)}" if task.categories else "none",
        "answers": "; ".join(f"{array}: {_array(schema)}" for array, schema in task.form.schema().items()),
        "head": f"{head}. {_paragraph(HEADS[spec.output])}",
        "sums of a trajectory": f"{' × '.join(str(n) for n in task.sum_shape)} numbers",
    }
    for key, value in rows.items():
        about.add_row(key, escape(value))
    out.print(about)
    measures = Table("measure", "better", "what it is", box=None, padding=(0, 2, 0, 0))
    for measure in task.measures:
        better = "higher" if measure.higher_is_better else "lower"
        measures.add_row(escape(measure.label + measure.in_brackets), better, escape(measure.meaning))
    out.print()
    out.print(measures)


def print_schema(name: str) -> None:
    """Print the JSON schema of a task's predictions."""
    print(json.dumps(prediction_schema(TASKS[name]), indent=1, ensure_ascii=False))


def _needs(task: Task) -> str:
    return " and ".join(task.needs) if task.needs else "nothing but frames"


def _array(schema: dict[str, Any]) -> str:
    """Say type, shape and meaning of an array."""
    inner = schema
    while "items" in inner:
        inner = inner["items"]
    shape = " × ".join(str(n) for n in schema.get("shape", ()))
    return f"{schema.get('dtype', '')} ({shape}), {inner.get('description', '')}".strip(", ")


def _paragraph(described: object) -> str:
    """Return the first paragraph of a description."""
    return _plain((inspect.getdoc(described) or "").split("\n\n")[0])


def _text(described: object) -> str:
    """Return a description without its list of attributes."""
    return _plain((inspect.getdoc(described) or "").split("\n\nAttributes:")[0])


def _plain(text: str) -> str:
    """Put a text on one line, without the marks of our documentation."""
    return " ".join(re.sub(r":\w+:|[`*]", "", text).split())
