"""Ordering the list of cases by a risk: nothing to do any more.

This revision gave ``cases`` a computed column and an index for each of two risks. Revision 0007 replaced them by the
table ``case_scores``, which has a row for any risk. Databases of this revision still have the columns.

Revision: 0006, after 0005.
"""

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Leave the schema as it is; 0007 follows in the same transaction."""
