"""The sentences of the grammar: what can be said of a view, in several ways each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmark.captions.phrases import Group, noun_phrase, pick, with_article
from benchmark.captions.view import View, one_of, pair_of, relation_of

Slots = dict[str, str]

WAYS = {
    "left of": ("to the left of", "left of"),
    "right of": ("to the right of", "right of"),
    "in front of": ("in front of",),
    "behind": ("behind",),
    "above": ("above", "over"),
    "under": ("under", "below"),
    "next to": ("next to", "beside", "by"),
}
"""Relation → ways to say it."""
WHERE = {"near": ("nearby", "close by"), "far": ("far away", "in the distance")}
THERE = {False: "there is", True: "there are"}


@dataclass(frozen=True)
class Statement:
    """One thing that can be said.

    Attributes:
        liking: how often it is said, relative to the others that can be said of the same view.
        sayable: whether it can be said of a view.
        slots: draws what it is said of, and returns what fills the slots of its sentences.
        sentences: ways to say it. ``{there}`` and ``{verb}`` agree with ``{one}``; every sentence may use ``{room}``
            and ``{a_room}`` as well.
    """

    liking: float
    sayable: Callable[[View], bool]
    slots: Callable[[View, np.random.Generator], Slots]
    sentences: tuple[str, ...]


def _subject(group: Group, rng: np.random.Generator) -> Slots:
    return {"one": noun_phrase(group, rng), "there": THERE[group.plural], "verb": group.verb}


def _pair(one: Group, two: Group, rng: np.random.Generator) -> Slots:
    return {**_subject(one, rng), "two": noun_phrase(two, rng)}


def _one(view: View, rng: np.random.Generator) -> Slots:
    return _subject(one_of(view.groups, rng), rng)


def _two(view: View, rng: np.random.Generator) -> Slots:
    one, two = view.some(2, rng)
    return _pair(one, two, rng)


def _three(view: View, rng: np.random.Generator) -> Slots:
    one, two, three = view.some(3, rng)
    return {**_pair(one, two, rng), "three": noun_phrase(three, rng)}


def _close(view: View, rng: np.random.Generator) -> Slots:
    return _subject(one_of(view.close, rng), rng)


def _distance(view: View, rng: np.random.Generator) -> Slots:
    group = one_of((*view.near, *view.far), rng)
    where = WHERE["near" if group in view.near else "far"]
    return {**_subject(group, rng), "where": pick(where, rng)}


def _side(view: View, rng: np.random.Generator) -> Slots:
    group = one_of([group for group in view.groups if group.concept in view.aside], rng)
    return {**_subject(group, rng), "side": view.aside[group.concept]}


def _sides(view: View, rng: np.random.Generator) -> Slots:
    one, two = pair_of(view.sides, rng)
    return {**_pair(one, two, rng), "side": view.aside[one.concept], "other_side": view.aside[two.concept]}


def _depth(view: View, rng: np.random.Generator) -> Slots:
    return _pair(*pair_of(view.depth, rng), rng)


def _relation(view: View, rng: np.random.Generator) -> Slots:
    chosen = relation_of(view, view.related, rng)
    pair = _pair(view.alone(chosen.subject), view.alone(chosen.object), rng)
    return {**pair, "relation": pick(WAYS[chosen.kind], rng)}


def _on(view: View, rng: np.random.Generator) -> Slots:
    chosen = relation_of(view, view.on, rng)
    top, bottom = view.alone(chosen.subject), view.alone(chosen.object)
    return {**_pair(top, bottom, rng), "it": "them" if bottom.plural else "it"}


def _surface(view: View, rng: np.random.Generator) -> Slots:
    coloured = [
        f"{colour} walls" if name == "wall" else with_article(f"{colour} {name}")
        for name, colour in view.scene.surfaces.items()
    ]
    return {**_one(view, rng), "surface": pick([*coloured, " and ".join(coloured[:2])], rng)}


def _bare(view: View, rng: np.random.Generator) -> Slots:
    coloured = [with_article(f"{colour} {name}") for name, colour in view.scene.surfaces.items()]
    return {"surface": pick([*coloured, " and ".join(coloured[:2])], rng)}


STATEMENTS: dict[str, Statement] = {
    "one": Statement(
        0.3,
        lambda view: len(view.groups) >= 1,
        _one,
        (
            "{there} {one} in {room}",
            "{one} {verb} in {room}",
            "{a_room} with {one}",
            "a view of {one} in {room}",
            "{one} can be seen in {room}",
        ),
    ),
    "two": Statement(
        1.0,
        lambda view: len(view.groups) >= 2,
        _two,
        (
            "{there} {one} and {two} in {room}",
            "{a_room} with {one} and {two}",
            "a view of {a_room} with {one} and {two}",
            "{one} and {two} are in {room}",
            "we see {one} and {two}",
        ),
    ),
    "three": Statement(
        3.0,
        lambda view: len(view.groups) >= 3,
        _three,
        (
            "{a_room} with {one}, {two} and {three}",
            "{there} {one}, {two} and {three} in {room}",
            "we see {one}, {two} and {three}",
            "{one} with {two} and {three} around",
            "{one} along with {two} and {three}",
            "besides {two} and {three} {there} {one}",
        ),
    ),
    "close": Statement(
        0.4,
        lambda view: bool(view.close),
        _close,
        (
            "a close view of {one}",
            "{one} fills much of the picture",
            "{one} seen from close by",
            "we stand close to {one}",
        ),
    ),
    "distance": Statement(
        0.2,
        lambda view: bool(view.near or view.far),
        _distance,
        ("{one} {where}", "{there} {one} {where}", "{one} can be seen {where}"),
    ),
    "side": Statement(
        0.4,
        lambda view: bool(view.aside),
        _side,
        (
            "{one} {verb} on the {side} side of {room}",
            "on the {side} {there} {one}",
            "{there} {one} on the {side}",
            "{one} on the {side} of the picture",
        ),
    ),
    "sides": Statement(
        1.5,
        lambda view: bool(view.sides),
        _sides,
        (
            "{one} on the {side} and {two} on the {other_side}",
            "{there} {one} on the {side} and {two} on the {other_side}",
            "on the {side} {there} {one}, on the {other_side} {two}",
        ),
    ),
    "depth": Statement(
        1.0,
        lambda view: bool(view.depth),
        _depth,
        (
            "{one} nearby and {two} farther away",
            "{one} in the foreground, {two} in the background",
            "{two} in the distance beyond {one}",
        ),
    ),
    "relation": Statement(
        3.0,
        lambda view: bool(view.related),
        _relation,
        (
            "{one} {relation} {two}",
            "{there} {one} {relation} {two}",
            "{one} {verb} {relation} {two}",
            "{one} can be seen {relation} {two}",
            "{a_room} with {one} {relation} {two}",
        ),
    ),
    "on": Statement(
        2.0,
        lambda view: bool(view.on),
        _on,
        (
            "{two} with {one} on {it}",
            "{one} {verb} on {two}",
            "{there} {one} on {two}",
            "{one} on top of {two}",
            "{a_room} with {one} on {two}",
        ),
    ),
    "surface": Statement(
        0.3,
        lambda view: bool(view.groups and view.scene.surfaces),
        _surface,
        (
            "{one} in {a_room} with {surface}",
            "{there} {one} in {a_room} with {surface}",
            "{a_room} with {surface} and {one}",
        ),
    ),
    "bare": Statement(
        1.0,
        lambda view: not view.groups,
        _bare,
        (
            "there is nothing but {surface}",
            "a view of {surface}",
            "{surface} and nothing else",
            "we look at {surface}",
            "only {surface} can be seen",
            "the picture shows {surface}",
            "an empty part of {a_room} with {surface}",
            "a close view of {surface}",
        ),
    ),
}
"""Everything that can be said of a view that shows anything."""
