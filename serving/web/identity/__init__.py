"""Who is asking, and what they may do: sign-in, sessions, tokens, forgery and rate limits, security headers."""
