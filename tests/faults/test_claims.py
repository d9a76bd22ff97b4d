"""No case is claimed twice: fifty people at once on both databases, as threads and as processes."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import select
from support.nights.night_crashes import PROCESSES
from support.nights.night_factory import open_cases

from serving.cases.case_errors import IllegalActionError, StaleCaseError
from serving.cases.cases import Cases
from serving.cases.permissions import Actor, Role
from serving.store import Store
from serving.store.tables import Case, CaseEvent

CLAIMERS, CASES = 50, 500
NORTH = frozenset({"north"})


def claim_all(store: Store, name: str) -> int:
    """Claim until nothing is left; how many."""
    cases, actor, taken = Cases(store), Actor(name, Role.REVIEWER, NORTH), 0
    while cases.take_next("north", actor) is not None:
        taken += 1
    return taken


def claim_all_at(url: str, name: str) -> None:
    with Store(url) as store:
        claim_all(store, name)


def check(store: Store) -> Counter[str]:
    with store.reading() as session:
        owners = list(session.scalars(select(Case.owner).where(Case.state == "claimed")))
        claims = list(session.execute(select(CaseEvent.case_id, CaseEvent.actor).where(CaseEvent.kind == "claim")))
    assert len(owners) == len(claims) == len({case for case, _ in claims}) == CASES
    assert Counter(owners) == Counter(actor for _, actor in claims)
    return Counter(owners)


def test_fifty_claimers_share_five_hundred_cases(store: Store) -> None:
    open_cases(store, CASES)
    names = [f"p{number:02d}" for number in range(CLAIMERS)]
    with ThreadPoolExecutor(CLAIMERS) as threads:
        taken = dict(zip(names, threads.map(lambda name: claim_all(store, name), names), strict=True))
    assert check(store) == Counter(taken)


def test_four_processes_share_them_too(store: Store) -> None:
    open_cases(store, CASES)
    url = store.url.render_as_string(hide_password=False)
    processes = [PROCESSES.Process(target=claim_all_at, args=(url, f"p{number}")) for number in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 4
    check(store)


def test_fifty_people_of_two_squads_share_the_cases_of_both(store: Store) -> None:
    """Without a squad, a person gets the next case of any squad that they see, and nobody's case twice."""
    open_cases(store, CASES)
    with store.transaction() as session:
        for case in session.scalars(select(Case).where(Case.rank % 2 == 0)):
            case.squad = "south"
    squads = [frozenset({"north"}), frozenset({"south"}), frozenset({"north", "south"})]

    def take_all(number: int) -> list[tuple[str, str]]:
        cases, actor = Cases(store), Actor(f"p{number:02d}", Role.REVIEWER, squads[number % 3])
        taken = iter(lambda: cases.take_next(None, actor), None)
        return [(case.id, case.squad) for case in taken if case.squad in actor.squads]

    with ThreadPoolExecutor(CLAIMERS) as threads:
        taken = [pair for pairs in threads.map(take_all, range(CLAIMERS)) for pair in pairs]
    assert len(taken) == len({case for case, _ in taken}) == CASES
    assert Counter(squad for _, squad in taken) == {"north": CASES // 2, "south": CASES // 2}
    check(store)


def test_of_many_who_saw_the_same_page_one_gets_the_case(store: Store) -> None:
    open_cases(store, 1)
    with store.reading() as session:
        seen = session.scalars(select(Case)).one()

    def claim(number: int) -> str:
        try:
            Cases(store).claim(seen.id, Actor(f"p{number}", Role.REVIEWER, NORTH), seen.version)
        except StaleCaseError as error:
            return error.actor
        except IllegalActionError:
            return "illegal"
        return "mine"

    with ThreadPoolExecutor(20) as threads:
        results = Counter(threads.map(claim, range(20)))
    with store.reading() as session:
        owner = session.scalars(select(Case.owner)).one()
    assert results == Counter({"mine": 1, owner: 19})
