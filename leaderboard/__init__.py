"""The leaderboard: re-scores predictions against labels nobody else has. It never imports torch."""
