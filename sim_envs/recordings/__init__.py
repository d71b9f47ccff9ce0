"""Recordings: all frames of one space and one rig, on disk."""
