"""HubSpot from a server on loopback: nothing is lost, nothing is asked for in vain, and trouble is told in words."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from project_etl.catalog import puller_of
from project_etl.core.engine.base import Engine
from project_etl.core.model.pull import PullError
from project_etl.sources import _hubspot_client, _hubspot_pull
from project_etl_tests.core.extract.hubspot_server import BROKEN, TOKEN, HubSpot, Reply, hubspot, too_many
from project_etl_tests.core.extract.hubspot_shop import VARIABLE, HubspotShop
from project_etl_tests.small_shop import settings_of


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, TOKEN)
    monkeypatch.setattr(_hubspot_client, "FIRST_WAIT_SECONDS", 0.001)
    monkeypatch.setattr(_hubspot_client, "SECONDS_BETWEEN_SEARCHES", 0)


@pytest.fixture
def crm() -> Iterator[HubSpot]:
    with hubspot() as found:
        yield found


@pytest.fixture
def shop(tmp_path: Path, crm: HubSpot) -> HubspotShop:
    return HubspotShop(tmp_path, crm)


# --- slices -----------------------------------------------------------------------------------------------------------


def test_the_first_pull_lists_everything_and_later_ones_search_what_was_changed(
    crm: HubSpot, shop: HubspotShop
) -> None:
    for number in range(1, 251):
        crm.put(number, 5000, email=f"{number}@example.org")
    crm.archive(7)
    assert shop.pull().records == 250
    assert crm.count("GET", "/contacts") == 4
    assert [record["id"] for record in shop.landed()[0] if record.get("_deleted")] == ["7"]
    crm.put(3, email="new@example.org")
    crm.put(300)
    assert shop.pull().records == 2
    assert shop.numbers()[1] == ["3", "300"]
    assert not shop.pull().files
    assert crm.count("POST", "/search") == 2


def test_values_land_as_received_and_without_a_property_they_are_null(crm: HubSpot, shop: HubspotShop) -> None:
    at = crm.put(5, email="Ann@Example.org", firstname="ann", lifecyclestage="lead").changed
    shop.pull()
    ((record,),) = shop.landed()
    text = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert record == {
        "id": "5", "createdAt": text, "updatedAt": text, "archived": False, "archivedAt": None,
        "email": "Ann@Example.org", "firstname": "ann", "lastname": None, "phone": None, "company": None,
        "lifecyclestage": "lead", "hs_lead_status": None,
    }  # fmt: skip


@pytest.mark.parametrize("at_one_instant", [True, False])
def test_more_than_a_search_may_find_is_found(
    crm: HubSpot, shop: HubspotShop, monkeypatch: pytest.MonkeyPatch, *, at_one_instant: bool
) -> None:
    monkeypatch.setattr("project_etl_tests.core.extract.hubspot_server.MOST_FOUND", 400)
    crm.put(1, 5000)
    shop.pull()
    # Numbers of one and of several digits, for as text 10 comes before 9.
    for number in range(2, 1002):
        crm.put(number, 0 if at_one_instant else -number / 1000)
    assert shop.pull().records == 1000
    assert shop.numbers()[1] == [str(number) for number in range(2, 1002)]
    assert crm.count("POST", "/search") == 5


def test_what_the_index_does_not_know_yet_comes_with_a_later_pull(crm: HubSpot, tmp_path: Path) -> None:
    shop = HubspotShop(tmp_path, crm, overlap_seconds=300)
    crm.put(1, 5000)
    shop.pull()
    crm.lag = timedelta(seconds=90)
    crm.put(2)
    assert not shop.pull(seconds=60).files
    assert shop.pull(seconds=60).records == 1
    assert shop.numbers()[-1] == ["2"]


def test_the_last_seconds_are_left_to_the_next_pull(crm: HubSpot, tmp_path: Path) -> None:
    shop = HubspotShop(tmp_path, crm, lag_seconds=60)
    crm.put(1, 5000)
    assert shop.pull().until == crm.now - timedelta(seconds=60)
    crm.put(2)
    assert not shop.pull(seconds=60).files
    assert shop.pull(seconds=1).records == 1


def test_a_file_that_is_gone_before_it_was_loaded_is_pulled_again(crm: HubSpot, shop: HubspotShop) -> None:
    crm.put(1, 5000)
    shop.pull()
    for number in (2, 3):
        crm.put(number)
        shop.pull()
    shop.files()[1].unlink()
    done = shop.pull()
    assert [note.partition(" from")[0] for note in done.notes] == ["a slice"]
    assert shop.numbers()[1] == ["2"]


def test_an_archived_contact_is_deleted_and_a_restored_one_is_back(
    crm: HubSpot, tmp_path: Path, engine: Engine
) -> None:
    shop = HubspotShop(tmp_path, crm, engine)
    crm.put(1, 5000, email="a@example.org")
    crm.put(2, 5000, email="b@example.org")
    seen: list[list[str]] = []
    for step in (lambda: None, lambda: crm.archive(1), lambda: crm.put(1)):
        step()
        shop.pull()
        shop.load(*sorted({path.parent.name for path in shop.files()}))
        seen.append([number for (number,) in shop.rows("silver/crm_contacts", "contact_id")])
    assert seen == [["1", "2"], ["2"], ["1", "2"]]


# --- deals ------------------------------------------------------------------------------------------------------------


def test_deals_land_with_all_their_contacts_and_the_first_by_number(crm: HubSpot, shop: HubspotShop) -> None:
    crm.put_deal(1, 5000, dealname="Lamps", contacts=(100, 9, 30))
    crm.put_deal(2, 5000)
    shop.pull("deals")
    crm.put_deal(3, amount="12.5", contacts=(7,))
    shop.pull("deals")
    said = [[(each["id"], each["contact"], each["contacts"]) for each in file] for file in shop.landed("deals")]
    assert said == [[("1", "9", "9;30;100"), ("2", None, None)], [("3", "7", "7")]]
    assert crm.count("GET", "/0-3/3") == 1


def test_many_changed_deals_are_read_out_of_the_list_of_all(crm: HubSpot, shop: HubspotShop) -> None:
    crm.put_deal(1, 5000)
    shop.pull("deals")
    for number in range(2, 152):
        crm.put_deal(number, contacts=(number,))
    listed = crm.count("GET", "/0-3")
    assert shop.pull("deals").records == 150
    # Two pages, and one of what is archived.
    assert crm.count("GET", "/0-3") == listed + 3
    assert shop.landed("deals")[1][-1]["contact"] == "151"


def test_a_deal_that_is_archived_while_it_is_pulled_comes_as_a_deletion(crm: HubSpot, shop: HubspotShop) -> None:
    crm.put_deal(1, 5000)
    shop.pull("deals")
    crm.put_deal(2)
    # The account, the search, and then the deal that is not there any more.
    crm.trouble = [None, None, Reply(404, {})]
    assert not shop.pull("deals").files
    crm.archive(2, kind="0-3")
    shop.pull("deals")
    assert [(each["id"], each["_deleted"]) for each in shop.landed("deals")[1]] == [("2", True)]


def test_who_wants_no_deals_needs_no_scope_for_them(crm: HubSpot, tmp_path: Path) -> None:
    crm.scopes = {"contacts"}
    shop = HubspotShop(tmp_path, crm, deals=False)
    with puller_of(shop.settings, "hubspot") as puller:
        assert puller.looked_at("contacts") == "0 contacts in the account 4711"
    with pytest.raises(ValueError, match="not enough values"):
        shop.pull("deals")


# --- the recount ------------------------------------------------------------------------------------------------------


def test_a_recount_finds_what_the_pulls_missed_and_what_has_vanished(crm: HubSpot, shop: HubspotShop) -> None:
    for number in (1, 2, 3, 4):
        crm.put(number, 5000)
    shop.pull()
    with_waiting = shop.pull(recount=True)
    assert "is not in Bronze yet" in with_waiting.waits
    shop.load_bronze()
    crm.put(5, 4000)
    crm.put(1, 3000, email="late@example.org")
    del crm.things["contacts"][2]
    crm.archive(3, 100_000)
    done = shop.pull(recount=True)
    assert done.notes == (
        "2 contacts had not been pulled, and are now; 2 contacts are gone from HubSpot, and count as deleted now",
    )
    missed, new, vanished, archived = sorted(shop.landed()[1], key=lambda each: ("_deleted" in each, each["id"]))
    assert [each["id"] for each in (missed, new, vanished, archived)] == ["1", "5", "2", "3"]
    assert (missed["email"], missed["_read_at"] is not None) == ("late@example.org", True)
    assert vanished["archivedAt"] is None
    assert archived["archivedAt"] is not None
    shop.load_bronze()
    assert not shop.pull(recount=True).files
    # Back as it was before: nothing but looking tells.
    crm.things["contacts"][3].archived = None
    assert shop.pull(recount=True).notes == ("1 contacts had not been pulled, and are now",)
    shop.load_bronze()
    assert not shop.pull(recount=True).files


def test_a_recount_finds_deals_whose_contacts_have_changed(crm: HubSpot, shop: HubspotShop) -> None:
    deal = crm.put_deal(1, 5000, contacts=(5,))
    shop.pull("deals")
    shop.load_bronze("deals")
    for contacts in ((6,), (5,), ()):
        deal.contacts = contacts
        assert not shop.pull("deals").files
        assert shop.pull("deals", recount=True).records == 1
        shop.load_bronze("deals")
        assert not shop.pull("deals", recount=True).files
    assert [file[0]["contact"] for file in shop.landed("deals")] == ["5", "6", "5", None]


def test_a_list_that_is_cut_short_deletes_nothing(crm: HubSpot, shop: HubspotShop) -> None:
    for number in (1, 2):
        crm.put(number, 5000)
    shop.pull()
    shop.load_bronze()
    crm.trouble = [None, Reply(200, {"results": []})]
    done = shop.pull(recount=True)
    assert (done.files, done.notes) == ((), ())


def test_another_account_is_pulled_from_its_beginning_and_deletes_nothing(crm: HubSpot, shop: HubspotShop) -> None:
    crm.put(1, 5000)
    shop.pull()
    shop.load_bronze()
    crm.account, crm.things["contacts"] = 4712, {}
    crm.put(8, 6000)
    shop.pull(recount=True)
    assert shop.numbers() == [["1"], ["8"]]


# --- trouble ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trouble",
    [
        too_many("TEN_SECONDLY_ROLLING", {"X-HubSpot-RateLimit-Interval-Milliseconds": "2"}),
        too_many("SECONDLY", {"Retry-After": "0"}),
        too_many("SECONDLY", {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}),
        Reply(502, "<html>Bad gateway</html>"),
        Reply(503, {"message": "busy"}),
        BROKEN,
    ],
)
def test_who_is_asked_to_wait_waits_and_goes_on(crm: HubSpot, shop: HubspotShop, trouble: Reply) -> None:
    for number in range(1, 151):
        crm.put(number, 5000)
    crm.trouble = [None, None, trouble, trouble]
    assert shop.pull().records == 150


def test_the_days_quota_is_not_asked_for_again(crm: HubSpot, shop: HubspotShop) -> None:
    crm.trouble = [too_many("DAILY", {"Retry-After": "1"})]
    with pytest.raises(PullError, match="quota of requests for this day is used up"):
        shop.pull()
    assert len(crm.asked) == 1


def test_nobody_waits_for_an_hour(crm: HubSpot, shop: HubspotShop) -> None:
    crm.trouble = [too_many("SECONDLY", {"Retry-After": "3600"})]
    with pytest.raises(PullError, match="asks to be left alone for 3600 seconds"):
        shop.pull()


@pytest.mark.parametrize(("trouble", "said"), [(Reply(500, ""), "answers 500"), (BROKEN, "does not answer")])
def test_trouble_that_lasts_is_told_and_leaves_nothing_half(
    crm: HubSpot, shop: HubspotShop, trouble: Reply, said: str
) -> None:
    for number in range(1, 151):
        crm.put(number, 5000)
    crm.trouble = [None, None, *[trouble] * _hubspot_client.ATTEMPTS]
    with pytest.raises(PullError, match=rf"{said}.*, 8 times: the next pull tries again"):
        shop.pull()
    assert not shop.files()
    assert shop.pull().records == 150


def test_a_wrong_token_is_told_and_not_shown(crm: HubSpot, shop: HubspotShop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "pat-wrong-secret")
    with pytest.raises(PullError, match=r"HubSpot does not know the token that pull\.hubspot\.token names") as error:
        shop.pull()
    assert "secret" not in str(error.value)
    crm.trouble = [Reply(400, {"message": "Bad header: Bearer pat-wrong-secret"})]
    with pytest.raises(PullError, match=r"answers 400: Bad header: Bearer \*\*\*"):
        shop.pull()


@pytest.mark.parametrize("token", ["pat secret", "pat-secret\nmore", " ", "pät-secret"])
def test_what_can_be_no_token_is_told_and_not_shown(
    shop: HubspotShop, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv(VARIABLE, token)
    with pytest.raises(PullError, match=r"what pull\.hubspot\.token names is no token") as error:
        shop.pull()
    assert "secret" not in str(error.value)


def test_a_token_may_end_in_a_new_line(shop: HubspotShop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, f"{TOKEN}\n")
    assert not shop.pull().files


def test_a_missing_scope_is_named(crm: HubSpot, shop: HubspotShop) -> None:
    crm.scopes = {"contacts"}
    with pytest.raises(PullError, match=r"needs the scope crm\.objects\.deals\.read; HubSpot says: This app hasn't"):
        shop.pull("deals")


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([Reply(200, "<html>hello</html>")], "something else than HubSpot"),
        ([Reply(200, "[]")], "something else than HubSpot"),
        ([Reply(200, {})], "names no portalId"),
        ([Reply(404, {})], "names no portalId"),
        ([Reply(302, "")], "answers 302"),
        ([None, Reply(404, {})], r"is no list of HubSpot: correct pull\.hubspot\.url or pull\.hubspot\.version"),
        ([None, Reply(200, {"results": [{"id": None}]})], "expected digits"),
        ([None, None, Reply(200, {"results": [], "paging": {"next": {"after": "100"}}})], "comes back to 100"),
    ],
)
def test_a_server_that_is_not_hubspot_is_told(
    crm: HubSpot, shop: HubspotShop, answers: list[Reply | None], said: str
) -> None:
    for number in range(1, 151):
        crm.put(number, 5000)
    crm.trouble = answers
    with pytest.raises(PullError, match=said):
        shop.pull()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Reply(404, {}), r"has no /crm/v3/objects/contacts: correct pull\.hubspot\.url or pull\.hubspot\.version"),
        (Reply(200, {"results": []}), "answers a search with something else"),
        (Reply(200, {"results": [{"id": "0"}], "total": 1}), "not in the order of their numbers"),
    ],
)
def test_a_search_that_is_not_hubspots_is_told(crm: HubSpot, shop: HubspotShop, answer: Reply, said: str) -> None:
    crm.put(1, 5000)
    shop.pull()
    crm.trouble = [None, answer]
    with pytest.raises(PullError, match=said):
        shop.pull()


def test_searches_keep_a_distance(shop: HubspotShop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_hubspot_client, "SECONDS_BETWEEN_SEARCHES", 0.05)
    with puller_of(shop.settings, "hubspot") as puller:
        start = datetime.now(UTC)
        for _ in range(4):
            puller.looked_at("contacts")
    assert datetime.now(UTC) - start >= timedelta(seconds=0.15)


def test_a_later_version_of_the_api_has_other_paths(crm: HubSpot, tmp_path: Path) -> None:
    crm.put(1, 5000)
    assert HubspotShop(tmp_path, crm, version="2026-03").pull().records == 1
    assert crm.asked[1].path == "/crm/objects/2026-03/contacts"


# --- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"token": "pat-eu1-secret"}, "where the secret is kept"),
        ({"token": "env:T", "url": "https://ann:secret@hub"}, "expected a web address without a user"),
        ({"token": "env:T", "version": "v2"}, "String should match pattern"),
    ],
)
def test_wrong_settings_are_told(options: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        settings_of(("hubspot",), pull={"hubspot": options})


def test_recounts_are_nightly_or_never() -> None:
    pull = _hubspot_pull.hubspot_pull({})
    assert [
        pull.recounts(pull.options.model_validate({"token": "env:T", "recount": how})) for how in ("nightly", "never")
    ] == [
        "45 1 * * *",
        "",
    ]


@pytest.mark.parametrize("missing", ["requests", "tenacity"])
def test_an_extra_that_is_not_installed_is_told(
    shop: HubspotShop, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(PullError, match=r"project_etl\[hubspot\]"):
        shop.pull()


def test_no_client_is_imported_before_something_is_pulled() -> None:
    script = "import sys, project_etl.sources.hubspot; sys.exit(bool({'requests', 'tenacity'} & {*sys.modules}))"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
