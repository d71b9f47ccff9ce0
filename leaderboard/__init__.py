"""The leaderboard: re-scores predictions against labels nobody else has. Nothing of it is built yet."""
