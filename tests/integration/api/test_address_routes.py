"""Address pools and blocks through the API and the command line."""

import csv
import io

import pytest
from tests.factories import Organisation
from tests.integration.api.conftest import Caller, caller, fields
from tests.integration.api.test_command_line import Stackyard, org, server, stackyard  # noqa: F401

from stackyard.cmdb.models import AddressBlock, AddressPool, ApiToken, Environment
from stackyard.environments.addresses import claim_block


@pytest.fixture
def pat(org: Organisation) -> Caller:  # noqa: F811
    return caller(org.platform)


def test_a_pool_is_made_changed_and_taken_away(pat: Caller) -> None:
    made = pat.ask("POST", "/address-pools", {"name": "corp", "block": "10.20.0.0/16", "reserved": ["10.20.0.0/24"]})
    assert made.status_code == 201
    assert made.json() | {"sandboxes": []} == {
        "name": "corp",
        "block": "10.20.0.0/16",
        "reserved": ["10.20.0.0/24"],
        "vpc_prefix": 20,
        "sandboxes": [],
        "total": 65536,
        "given": 0,
        "reserved_addresses": 256,
        "free": 65280,
        "largest_free": "/17",
    }
    changed = pat.ask("PUT", "/address-pools/corp", {"name": "corp", "block": "10.20.0.0/17", "vpc_prefix": 22}).json()
    assert (changed["free"], changed["vpc_prefix"]) == (32768, 22)
    assert pat.ask("DELETE", "/address-pools/corp").status_code == 200
    assert pat.ask("GET", "/address-pools").json()["count"] == 0


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"name": "x y", "block": "10.20.0.1/16", "vpc_prefix": 3}, {"name", "block", "vpc_prefix"}),
        ({"name": "corp", "block": "2001:db8::/32"}, {"block"}),
        ({"name": "corp", "block": "10.0.0.0/16", "reserved": ["\u202e", "10.9.0.0/24"]}, {"reserved"}),
        ({"name": "corp", "block": 10}, {"block"}),
        ({"name": "corp", "block": "10.0.0.0/16", "vpc_prefix": 10**30}, {"vpc_prefix"}),
        ({"name": "corp", "block": "10.0.0.0/16", "size": 1}, {"size"}),
    ],
)
def test_a_bad_pool_is_refused_with_its_fields(pat: Caller, body: dict[str, object], named: set[str]) -> None:
    assert set(fields(pat.ask("POST", "/address-pools", body))) == named


def test_blocks_are_noted_listed_downloaded_and_released(pat: Caller) -> None:
    AddressPool.objects.create(name="corp", block="10.20.0.0/16")
    held = pat.ask("POST", "/address-pools/corp/blocks", {"purpose": "=office", "prefix": 20})
    assert (held.status_code, held.json()["block"], held.json()["last"]) == (201, "10.20.0.0/20", "10.20.15.255")
    assert fields(pat.ask("POST", "/address-pools/corp/blocks", {"purpose": "x", "block": "10.20.8.0/24"})) == ["block"]

    def listed(query: str) -> list[str]:
        return [b["block"] for b in pat.ask("GET", f"/address-blocks?{query}").json()["items"]]

    assert listed("pool=corp") == listed("block=10.20.4.0/24") == ["10.20.0.0/20"]
    assert listed("block=10.20.16.0/20") == []
    assert fields(pat.ask("GET", "/address-blocks?block=x")) == ["block"]
    assert pat.ask("GET", "/address-blocks?pool=nothing").status_code == 404

    answer = pat.ask("GET", "/address-blocks.csv")
    (row,) = csv.DictReader(io.StringIO(answer.content.decode()))
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert (row["pool"], row["block"], row["addresses"]) == ("corp", "10.20.0.0/20", "4096")
    assert row["purpose"] == "'=office", "no formula for a spreadsheet"

    assert pat.ask("DELETE", f"/address-blocks/{held.json()['id']}").status_code == 200
    assert pat.ask("DELETE", f"/address-blocks/{held.json()['id']}").status_code == 404
    assert listed("") == []


def test_a_department_sees_its_own_blocks_only(
    org: Organisation,  # noqa: F811
    environment: Environment,
) -> None:
    org.sandbox.pool = org.other_sandbox.pool = AddressPool.objects.create(name="corp", block="10.20.0.0/16")
    org.sandbox.save()
    org.other_sandbox.save()
    claim_block(org.sandbox.pool, 26, purpose="subnets", environment=environment)
    claim_block(org.sandbox.pool, 26, purpose="office")

    def seen(who: str) -> tuple[list[str], list[str], bytes]:
        person = caller(getattr(org, who))
        blocks = [b["purpose"] for b in person.ask("GET", "/address-blocks").json()["items"]]
        pool = person.ask("GET", "/address-pools/corp").json()
        return blocks, pool["sandboxes"], person.ask("GET", "/address-blocks.csv").content

    assert seen("platform")[:2] == (["subnets", "office"], ["commerce-dev", "mobility-dev"])
    assert seen("viewer")[:2] == (["subnets"], ["commerce-dev"])
    blocks, sandboxes, text = seen("stranger")
    assert (blocks, sandboxes) == ([], ["mobility-dev"])
    assert b"subnets" not in text


@pytest.mark.django_db(transaction=True)
def test_from_the_command_line(
    stackyard: Stackyard,  # noqa: F811
    org: Organisation,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refused = stackyard("address", "add-pool", "corp", "10.20.0.0/16")
    assert (refused.exit_code, "platform staff" in refused.stderr) == (4, True)

    monkeypatch.setenv("STACKYARD_TOKEN", ApiToken.issue(org.platform, "test")[1])
    made = stackyard("address", "add-pool", "corp", "10.20.0.0/16", "--reserve", "10.20.0.0/24")
    assert made.output == "Pool corp: 10.20.0.0/16, 65,280 of 65,536 addresses are free.\n"
    again = stackyard("address", "add-pool", "more", "10.20.128.0/17")
    assert (again.exit_code, "overlaps with pool corp, which is 10.20.0.0/16" in again.stderr) == (2, True)

    stackyard("address", "claim", "corp", "the office", "--block", "10.20.64.0/20")
    claimed = stackyard("address", "claim", "corp", "a lab", "--prefix", "24")
    assert claimed.output == "10.20.1.0/24 of pool corp is held: a lab.\n"
    listed = stackyard("address", "list").output.splitlines()
    assert [line.split("\t")[:2] for line in listed] == [["corp", "10.20.1.0/24"], ["corp", "10.20.64.0/20"]]
    assert stackyard("address", "pools").output.split("\t")[:4] == ["corp", "10.20.0.0/16", "/20", "4,352"]
    as_csv = list(csv.DictReader(io.StringIO(stackyard("address", "list", "--csv").output)))
    assert [row["purpose"] for row in as_csv] == ["a lab", "the office"]

    assert stackyard("address", "release", "corp", "10.20.1.0/24").exit_code == 0
    gone = stackyard("address", "release", "corp", "10.20.1.0/24")
    assert (gone.exit_code, "Nobody holds 10.20.1.0/24 in pool corp" in gone.stderr) == (3, True)
    assert AddressBlock.objects.filter(released_at=None).count() == 1
