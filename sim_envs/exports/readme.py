"""``README.md`` of an export: what the files are and how to read them."""

from __future__ import annotations

from sim_envs.exports import Selection, Written

_ALWAYS = ("world", "camera", "pixels")


def readme(format_name: str, selection: Selection, written: Written) -> str:
    """Return the text: where the frames come from, then one line a convention.

    What the recording says of its modalities comes first; where the format says something else, that holds.
    """
    meta = selection.recording.meta
    said = {name: meta.conventions[name] for name in (*_ALWAYS, *selection.modalities) if name in meta.conventions}
    lines = [
        f"# {meta.space.id}, exported as {format_name}",
        "",
        f"{len(selection.frames)} frames of {', '.join(selection.splits)}, {meta.rig.width} × {meta.rig.height} pixels "
        f"made by {meta.engine.name} {meta.engine.version}; SHA-256 of the recording {meta.digest}. "
        "`export.json` says more.",
        "",
        *(f"- **{name}**: {how}" for name, how in (said | written.conventions).items()),
        "",
    ]
    return "\n".join(lines)
