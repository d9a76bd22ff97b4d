"""How the escalation paths work in practice: times to contact, accept and resolve, breaches, returns and rescues.

Pure: it computes figures with intervals from the timelines of cases, which ``serving.store`` reads.
"""
