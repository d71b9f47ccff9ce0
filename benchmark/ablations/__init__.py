"""Ablations: the grids that the paper asks for, their figures, and what they say in words."""
