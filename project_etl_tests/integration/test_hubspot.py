"""The client and the test server of HubSpot are held against the vendor's own description of its API.

Each request that the client makes, and each answer that the server gives, must be one of the description's. It lies
beside the repository: `../shared/data/hubspot` (HubSpot's public collection of API specifications).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openapi_core import OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse

from project_etl.core.engine.base import Engine
from project_etl.core.model.pull import PullError
from project_etl.sources import _hubspot_client
from project_etl.sources._hubspot_pull import ACCOUNT
from project_etl_tests.core.extract.hubspot_server import TOKEN, Asked, HubSpot, Reply, hubspot, too_many
from project_etl_tests.core.extract.hubspot_shop import VARIABLE, HubspotShop

PLACE = Path("shared") / "data" / "hubspot"
FILES = {"contacts": "contacts-v3.json", "0-3": "deals-v3.json"}


class Description:
    """The vendor's description, and what was found to differ from it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.held = 0
        self.differs: list[str] = []
        self.apis = {kind: OpenAPI.from_dict(_spec(name)) for kind, name in FILES.items()}

    def look(self, asked: Asked, reply: Reply) -> None:
        """Hold one request and its answer against the description."""
        if asked.path == ACCOUNT:
            return
        api = self.apis["0-3" if "/0-3" in asked.path else "contacts"]
        request = MockRequest(
            "https://api.hubapi.com",
            asked.method.lower(),
            asked.path,
            args={name: values if len(values) > 1 else values[0] for name, values in asked.query.items()},
            headers=dict(asked.headers),
            content_type=asked.headers.get("Content-Type", ""),
            data=asked.body,
        )
        answer = MockResponse(
            json.dumps(_described(reply.body)).encode(), reply.status, content_type="application/json"
        )
        try:
            api.validate_request(request)
            api.validate_response(request, answer)
        except OpenAPIError as error:
            causes = getattr(error.__cause__, "schema_errors", error.__cause__)
            self.differs.append(f"{asked.method} {asked.path} {asked.query}: {error}: {causes}")
        self.held += 1


def _spec(name: str) -> dict[str, Any]:
    places = (folder / PLACE / name for folder in Path(__file__).resolve().parents)
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        pytest.fail(f"the vendor's description is missing: put {name} into {PLACE} beside the repository")
    spec = json.loads(found.read_text(encoding="utf-8"))
    # An error is described for content of any kind, of which the library reads none.
    content = spec["components"]["responses"]["Error"]["content"]
    content["application/json"] = content["*/*"]
    return spec


def _described(body: Any) -> Any:
    """An answer as the description has it: it does not know that a property without a value is null."""
    if not isinstance(body, dict):
        return body
    return {
        name: {key: value for key, value in each.items() if value is not None} if name == "properties"
        else [_described(one) for one in each] if name == "results" else each
        for name, each in body.items()
    }  # fmt: skip


@pytest.fixture
def crm(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[HubSpot, Description]]:
    monkeypatch.setenv(VARIABLE, TOKEN)
    monkeypatch.setattr(_hubspot_client, "FIRST_WAIT_SECONDS", 0.01)
    with hubspot() as server:
        described = Description(server.url)
        server.seen = described.look
        yield server, described


def test_all_that_is_asked_and_answered_is_in_the_vendors_description(
    crm: tuple[HubSpot, Description], tmp_path: Path, engine: Engine
) -> None:
    server, described = crm
    shop = HubspotShop(tmp_path, server, engine)
    for number in range(1, 351):
        server.put(number, 5000, email=f"p{number}@example.org", lifecyclestage="lead")
        server.put_deal(number, 5000, dealname=f"Deal {number}", dealstage="sent", amount="10", contacts=(number, 2))
    for dataset in ("contacts", "deals"):
        shop.pull(dataset)
        shop.load_bronze(dataset)
    for number in range(1, 221):
        server.put(number, lifecyclestage="customer")
    for number in (3, 400):
        server.put_deal(number, dealstage="won", hs_is_closed="true", contacts=(9,))
    server.archive(350)
    server.archive(350, kind="0-3")
    server.trouble = [None, too_many("TEN_SECONDLY_ROLLING", {"X-HubSpot-RateLimit-Interval-Milliseconds": "10"})]
    assert [shop.pull(dataset).records for dataset in ("contacts", "deals")] == [221, 3]
    for dataset in ("contacts", "deals"):
        shop.load_bronze(dataset)
    server.things["0-3"][5].contacts = (6, 7)
    del server.things["contacts"][4]
    assert [shop.pull(dataset, recount=True).records for dataset in ("contacts", "deals")] == [1, 1]
    shop.load(*sorted({path.parent.name for dataset in ("contacts", "deals") for path in shop.files(dataset)}))
    contacts = dict(shop.rows("silver/crm_contacts", "contact_id", "lifecycle_stage"))
    assert contacts == {str(n): "customer" if n < 221 else "lead" for n in range(1, 350) if n != 4}
    deals = {key: rest for key, *rest in shop.rows("silver/crm_deals", "deal_id", "contact_id", "is_open")}
    assert deals.keys() == {*map(str, range(1, 350)), "400"}
    assert (deals["5"], deals["400"], deals["1"], deals["7"]) == (["6", True], ["9", False], ["1", True], ["2", True])
    assert described.held > 20
    assert not described.differs, "\n".join(described.differs)


def test_refusals_are_in_the_vendors_description(crm: tuple[HubSpot, Description], tmp_path: Path) -> None:
    server, described = crm
    shop = HubspotShop(tmp_path, server)
    server.scopes = set()
    with pytest.raises(PullError, match=r"needs the scope crm\.objects\.contacts\.read"):
        shop.pull()
    server.trouble = [None, too_many("DAILY")]
    with pytest.raises(PullError, match="is used up"):
        shop.pull()
    assert described.held == 2
    assert not described.differs, "\n".join(described.differs)


def test_what_is_not_in_the_description_is_noticed(crm: tuple[HubSpot, Description]) -> None:
    _, described = crm
    headers = {"Authorization": "Bearer x", "Content-Type": "application/json"}
    described.look(Asked("POST", "/crm/v3/objects/contacts/search", {}, headers, b"{}"), Reply(200, {"results": []}))
    described.look(Asked("GET", "/crm/v3/objects/contacts", {}, headers, b""), Reply(200, {"results": [{"id": 1}]}))
    described.look(Asked("GET", "/crm/v3/objects/people", {}, headers, b""), Reply(200, {}))
    assert len(described.differs) == 3
