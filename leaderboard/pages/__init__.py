"""The pages of a board: views are functions of a store that return HTML, served live or written as a static site."""
