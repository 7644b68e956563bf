"""Raw tables: which columns there are, and how they become inputs of a network."""
