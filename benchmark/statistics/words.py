"""What the intervals of a table rest on, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def rests_on(groups: Mapping[str, Sequence[tuple[str, int, int]]], seeds: Sequence[int]) -> str:
    """Say in words what the intervals of a table rest on.

    Args:
        groups: what a group of spaces is called → (space, trajectories, frames) of each.
        seeds: number of training seeds of each model; empty where nothing was trained.
    """
    said = []
    for title, spaces in groups.items():
        frames, trajectories = sum(s[2] for s in spaces), sum(s[1] for s in spaces)
        where = spaces[0][0] if len(spaces) == 1 else f"{len(spaces)} spaces"
        said.append(f"{title}: {_count(frames, 'frame')} of {_count(trajectories, 'trajectory')} in {where}.")
    if seeds:
        said.append(_of_seeds(min(seeds), max(seeds)))
    every = [space for spaces in groups.values() for space in spaces]
    said.append(f"Conditional on {'this space' if len(every) == 1 else f'these {len(every)} spaces'}.")
    few = [space for space, trajectories, _ in every if trajectories < 2]
    if few:
        said.append(f"A single trajectory in {', '.join(few)}: its spread is unknown and in no interval.")
    return " ".join(said)


def _of_seeds(least: int, most: int) -> str:
    if most == 1:
        return "One training seed, so the spread between training runs is not in the intervals."
    several = f"{most}" if least == most else f"{least} to {most}"
    alone = " (not for models with one)" if least == 1 else ""
    return f"{several} training seeds, resampled with the trajectories{alone}."


def _count(number: int, noun: str) -> str:
    plural = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{number:,} {noun if number == 1 else plural}"
