"""Drawn contracts, in the order of the docs' page; ``contract_timelines`` explains the marks.

``PYTHONPATH=tests python -m support.labels.drawn_contracts > docs/contracts.md`` makes the page of the docs.
"""

from support.labels.contract_timelines import ContractTimeline, contracts_page

CONTRACTS = (
    ContractTimeline(
        "Nothing ends",
        "running; renews on day 45; revenue 100",
        """
                         T
A       ================================!==========
""",
    ),
    ContractTimeline(
        "A notice",
        "leaving on day 69; revenue 100",
        """
                         T
A       ============N---------------------------E
""",
    ),
    ContractTimeline(
        "Early renewal, entered on the same day",
        "running; renews on day 90; continued by B; revenue 100",
        """
                         T
A       ============N---------------------------E
B                   Z                           S======!
""",
    ),
    ContractTimeline(
        "Upgrade in mid-term",
        "running; renews on day 60; continued by B; revenue 100",
        """
                         T
A       ========N---E
B                   S========================!
""",
    ),
    ContractTimeline(
        "Upgrade, before our copy learns of the new contract",
        "leaving on day 9; revenue 100",
        """
                         T
A       ========N-----------E
B                           s  K
""",
    ),
    ContractTimeline(
        "Co-terming: two contracts become one",
        "running; continued by D; revenue 200",
        """
                         T
A       ============N-------------------E
B       ============N-----------------E
D                   Z                  S===========
""",
    ),
    ContractTimeline(
        "An add-on ends",
        "running; a part ends on day 54: 20%; renews on day 60; revenue 125",
        """
                         T
A       =====================================!
C       ============N----------------------E
""",
    ),
    ContractTimeline(
        "The add-on is renewed under another name",
        "running; continued by D; revenue 125",
        """
                         T
A       ============================================
C       ============N----------------------E
D                   Z                        S======
""",
    ),
    ContractTimeline(
        "The large part ends: a downgrade that was announced",
        "running; a part ends on day 54: 80%; revenue 125",
        """
                         T
A       ============N----------------------E
C       ============================================
""",
    ),
    ContractTimeline(
        "A contract that started long before continues nothing",
        "running; a part ends on day 33: 50%; revenue 200",
        """
                         T
A       ============N---------------E
B                S====================================
""",
    ),
    ContractTimeline(
        "A pause of 21 days, the next contract is known",
        "running; continued by B; revenue 100",
        """
                         T
A       ============N-------E
B                     Z            S=================
""",
    ),
    ContractTimeline(
        "In the pause, the next contract is not known",
        "left on day -12",
        """
                         T
A       =====N-------E
B                           S=================
""",
    ),
    ContractTimeline(
        "After the pause",
        "running; continued by B; revenue 100",
        """
                         T
A       ==N----E
B                     S=====================
""",
    ),
    ContractTimeline(
        "A gap of 51 days is no pause",
        "leaving on day 33; revenue 100",
        """
                         T
A       ============N---------------E
B                     Z                              S======
""",
    ),
    ContractTimeline(
        "Win-back: it left, and came back after the grace",
        "running; revenue 100",
        """
                         T
A       =NE
B                     S=====================
""",
    ),
    ContractTimeline(
        "The next contract names the one that it replaces, after the grace",
        "running; continued by B; revenue 100",
        """
                         T
A       ============N-------E
B>A                   Z                             S======
""",
    ),
    ContractTimeline(
        "A contract without an end that another one replaces",
        "running; renews on day 69; continued by B; revenue 100",
        """
                         T
A       =======================================
B>A              S==============================!
""",
    ),
    ContractTimeline(
        "A successor that is cancelled as well saves nothing",
        "leaving on day 33; revenue 100",
        """
                         T
A       ========N-------------------E
B           Z       N            S--E
""",
    ),
    ContractTimeline(
        "Two contracts that end together do not save each other",
        "leaving on day 54; revenue 200",
        """
                         T
A       ============N----------------------E
B                 S=N----------------------E
""",
    ),
    ContractTimeline(
        "Two contracts end one after the other: the last end counts",
        "leaving on day 51; revenue 200",
        """
                         T
A       ============N--------------E
B       ==============N-------------------E
""",
    ),
    ContractTimeline(
        "A merged record: another account of the group continues it",
        "running; continued by B; in the account new; revenue 100",
        """
                         T
A       ============N----------------------E
new.B>A             Z                      S=======
""",
    ),
    ContractTimeline(
        "The old record after the merger",
        "none; in the account new",
        """
                         T
A       =====N----E
new.B>A      Z    S========================
""",
    ),
    ContractTimeline(
        "A notice that was taken back",
        "running; notice taken back on day -12; revenue 100",
        """
                         T
A       =====N-------R=======================
""",
    ),
    ContractTimeline(
        "It has left",
        "left on day -3",
        """
                         T
A       ======N---------E
""",
    ),
    ContractTimeline(
        "A renewal date has passed, and the new one is not entered yet",
        "running; renewal overdue by 3 days; revenue 100",
        """
                         T
A       ================!==========================
""",
    ),
    ContractTimeline(
        "The renewal date has passed, and a new contract began",
        "running; renews on day 57; continued by B; revenue 200",
        """
                         T
A       ================!==========================
B                       S===================!
""",
    ),
    ContractTimeline(
        "Month to month: no renewal date",
        "running; revenue 100",
        """
                         T
A       ===========================================
""",
    ),
    ContractTimeline(
        "No contract has a price",
        "running; revenue unknown",
        """
                         T
Q       ===========================================
""",
    ),
    ContractTimeline(
        "One of two has a price",
        "running; revenue 100",
        """
                         T
Q       ===========================================
A       ===========================================
""",
    ),
    ContractTimeline(
        "A part of unknown revenue ends",
        "running; a part ends on day 54: unknown; revenue 100",
        """
                         T
Q       ============N----------------------E
A       ===========================================
""",
    ),
    ContractTimeline(
        "An end is not known before it comes",
        "running; revenue 100",
        """
                         T
A       ===================================N-------E
""",
        current_state=True,
    ),
)

if __name__ == "__main__":
    print(contracts_page(CONTRACTS), end="")
