"""The leaderboard: re-scores predictions against labels nobody else has. It never imports torch.

Built so far: the submission file, its validation, public and private packs, and scoring one against the other.
"""
