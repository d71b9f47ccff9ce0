"""Viewing: spaces and recordings in Rerun. Needs the extra ``view``; import nothing of it where it may be missing."""
