"""What a home keeps, forgets and gives back: backups, restores, pruning and erasure of its files."""
