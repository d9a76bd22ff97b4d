"""The report of a night: what it read, scored, decided and warned of, as codes and numbers.

Here belong the schema, the conversion of reports of earlier versions, and the sentences that a person reads of them.
The night (``pipelines.night``) fills the schema; the command line and the review app print it.
"""
