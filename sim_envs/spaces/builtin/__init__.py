"""Built-in spaces: a floor plan, its shell, its furniture and its light, all drawn from the space's number."""
