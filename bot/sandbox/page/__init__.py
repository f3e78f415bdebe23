"""The page on which people use the practice workspace."""
