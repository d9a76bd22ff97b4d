"""The sections of a policy about people: who they are, their roles, duty rotas and hand-off forms, and their checks."""
