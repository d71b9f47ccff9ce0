"""habitat-sim in a process and an interpreter of its own: finding it, talking to it, handing scenes over."""
