"""What a board remembers: teams, tokens, uploads, submissions and standings in a database; files by their content."""
