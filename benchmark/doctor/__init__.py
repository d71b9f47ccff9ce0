"""The doctor: what on this machine works, what does not, and what to do about it.

Nothing is imported here: every probe is a process of its own and starts by importing this package.
"""
