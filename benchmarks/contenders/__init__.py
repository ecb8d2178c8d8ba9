"""One small file per contender."""
