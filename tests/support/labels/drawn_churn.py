"""Drawn labels of churn by contract: notices, renewals and returns. ``timelines`` explains the marks."""

from support.labels.timelines import Timeline

NOTICES = (
    Timeline(
        "Nothing happens",
        "no event",
        """
                  T    ¦                        ¦         M
A       =====================================================
""",
    ),
    Timeline(
        "Notice inside the window",
        "event on day 12",
        """
                  T    ¦                        ¦         M
A       ======================N--------E
""",
    ),
    Timeline(
        "Notice on the last instant of the window",
        "event on day 30",
        """
                  T    ¦                        ¦         M
A       ========================================N---E
""",
    ),
    Timeline(
        "Notice after the window",
        "no event",
        """
                  T    ¦                        ¦         M
A       =========================================N--E
""",
    ),
    Timeline(
        "Notice inside the lead",
        "unknown: too late to act on: it happened on day 3",
        """
                  T    ¦                        ¦         M
A       =============N-----------E
""",
    ),
    Timeline(
        "Notice on the last instant of the lead",
        "unknown: too late to act on: it happened on day 5",
        """
                  T    ¦                        ¦         M
A       ===============N---------E
""",
    ),
    Timeline(
        "Notice on the cutoff itself: not known yet, and too late",
        "unknown: too late to act on: it happened on day 0",
        """
                  T    ¦                        ¦         M
A       ==========N--------------E
""",
    ),
    Timeline(
        "Notice known before the cutoff",
        "not eligible: cancellation known",
        """
                  T    ¦                        ¦         M
A       =========N---------------E
""",
    ),
    Timeline(
        "Ended before the cutoff",
        "not eligible: no subscription",
        """
                  T    ¦                        ¦         M
A       ==N---E
""",
    ),
    Timeline(
        "Notice taken back before the verdict",
        "no event",
        """
                  T    ¦                        ¦         M
A       ===================N-----------R======================
""",
    ),
    Timeline(
        "Notice taken back inside the lead",
        "no event",
        """
                  T    ¦                        ¦         M
A       ============N-R=======================================
""",
    ),
    Timeline(
        "Notice taken back after the verdict: too late to change it",
        "event on day 9",
        """
                  T    ¦                        ¦         M
A       ===================N-------------------------------R==
""",
    ),
    Timeline(
        "Taken back, then given again inside the window",
        "event on day 22",
        """
                  T    ¦                        ¦         M
A       ============N-R=================N--------E
""",
    ),
    Timeline(
        "Taken back before the cutoff",
        "no event",
        """
                  T    ¦                        ¦         M
A       ==N--R===============================================
""",
    ),
    Timeline(
        "Early renewal: the next subscription starts before this one ends",
        "no event",
        """
                  T    ¦                        ¦         M
A       ===================N----------E
B                               S=============================
""",
    ),
    Timeline(
        "Early renewal, the new one known first",
        "no event",
        """
                  T    ¦                        ¦         M
A       ===================N----------E
B                        S====================================
""",
    ),
    Timeline(
        "Renewal recorded late, for a fixed term with a known end",
        "no event",
        """
                  T    ¦                        ¦         M
A       ===================N------E
B                                 s         K                      E
""",
    ),
    Timeline(
        "Notice known before the cutoff, and the next subscription too: nothing is cancelled",
        "no event",
        """
                  T    ¦                        ¦         M
A       =====N--------------E
B            Z              S================================
""",
    ),
    Timeline(
        "The next subscription is cancelled as well",
        "event on day 12",
        """
                  T    ¦                        ¦         M
A       =====N--------------E
B            Z              S=N-----E
""",
    ),
    Timeline(
        "The next subscription starts after the grace, but names the one that it replaces",
        "no event",
        """
                  T    ¦                        ¦         M
A       ===================N-----E
B>A                          Z                      S========
""",
    ),
    Timeline(
        "An add-on ends, the main subscription goes on: not churn",
        "no event",
        """
                  T    ¦                        ¦         M
A       =====================================================
B       =====N---------------E
""",
    ),
    Timeline(
        "Return on the last day of grace",
        "no event",
        """
                  T    ¦                        ¦         M
A       ===================N-----E
B                                          S==================
""",
    ),
    Timeline(
        "Return after the grace: it left, and came back",
        "event on day 9",
        """
                  T    ¦                        ¦         M
A       ===================N-----E
B                                           S=================
""",
    ),
    Timeline(
        "Two subscriptions, one is given notice",
        "no event",
        """
                  T    ¦                        ¦         M
A       ===================N-----E
B       =====================================================
""",
    ),
    Timeline(
        "Two subscriptions, both are given notice: the last one decides",
        "event on day 20",
        """
                  T    ¦                        ¦         M
A       ===================N---------------------E
B       ==============================N--E
""",
    ),
    Timeline(
        "One of two is already given notice at the cutoff",
        "event on day 15",
        """
                  T    ¦                        ¦         M
A       =====N---------------E
B       =========================N------E
""",
    ),
    Timeline(
        "A short pilot after the notice does not save it",
        "event on day 15",
        """
                  T    ¦                        ¦         M
A       =================N-----------E
B                           S====N-E
""",
    ),
    Timeline(
        "An old subscription that we hear of after the notice saves nothing",
        "event on day 9",
        """
                  T    ¦                        ¦         M
A       ===================N-----------E
B       s--E                    K
""",
    ),
    Timeline(
        "A downgrade is not churn",
        "no event",
        """
                  T    ¦                        ¦         M
A       ====================v================================
""",
    ),
    Timeline(
        "Reactivated: gone before, back at the cutoff, and staying",
        "no event",
        """
                  T    ¦                        ¦         M
A       =NE
B              S==============================================
""",
    ),
    Timeline(
        "An end that we learn of afterwards counts from then on",
        "event on day 16",
        """
                  T    ¦                        ¦         M
A       ===============     E     L
""",
    ),
    Timeline(
        "A source that only shows how things ended: the end is the decision",
        "event on day 17",
        """
                  T    ¦                        ¦         M
A       ========N------------------E
""",
        current_state=True,
    ),
    Timeline(
        "How things ended, and the next one started the same day",
        "no event",
        """
                  T    ¦                        ¦         M
A       ===========================E
B                                  S==========================
""",
        current_state=True,
    ),
    Timeline(
        "While the data have not passed the verdict, nothing is known",
        "unknown: not mature until the data pass day 40",
        """
                  T    ¦                        ¦         M
A       ===================N-----E
""",
        until=40,
    ),
    Timeline(
        "When they have, it is settled",
        "event on day 9",
        """
                  T    ¦                        ¦         M
A       ===================N-----E
""",
        until=41,
    ),
)
