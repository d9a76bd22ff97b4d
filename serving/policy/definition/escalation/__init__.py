"""The sections of a policy about escalation: `[[paths.NAME]]` and `[protocol.EVENT]`, their checks and explanation."""
