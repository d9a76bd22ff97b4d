"""What we knew about an account, and what happened next: pure, and blind to the future."""
