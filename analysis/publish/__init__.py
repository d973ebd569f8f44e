"""From chapters to a book: pair, execute, stage, build, check."""
