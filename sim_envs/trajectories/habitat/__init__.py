"""Trajectories from habitat: over its navigation mesh, and from habitat-lab's episodes."""
