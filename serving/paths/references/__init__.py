"""How others refer to a case from outside: signed links in mails, and the keys by which other systems know it."""
