"""Spaces, the engines that render them, and the recordings that result: everything before learning starts."""
