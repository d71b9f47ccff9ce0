"""Captions written from what a recording knows of a frame: its labels, depth, colours and pose.

In the order the data flows: ``lexicon`` and ``colours`` (what things are called), ``scene`` (what is visible),
``relations`` (how it stands to each other), ``phrases`` and ``grammar`` (sentences), ``references`` (the truth of the
task ``captioning``).
"""
