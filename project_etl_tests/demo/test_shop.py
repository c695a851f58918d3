"""What `generate` promises: the same bytes, the sizes it names, little memory, and no harm to what is there."""

from __future__ import annotations

import gzip
import hashlib
import os
import subprocess
import sys
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from project_etl.demo import MANIFEST_NAME, Manifest, ManifestError, generate, generate_sample
from project_etl.demo.kinds import EVENTS, ORDERS, REFUNDS, REVIEWS
from project_etl_tests.demo import plain_reading as plain
from project_etl_tests.demo import plain_rules as rules

pytestmark = pytest.mark.long

REPOSITORY = Path(__file__).parents[2]

_GENERATE = """
import sys
from pathlib import Path
from project_etl.demo import generate
generate(Path(sys.argv[1]), scale=float(sys.argv[2]), days=int(sys.argv[3]), without=())
"""
# The peak of this process alone; getrusage would tell that of the process that started it where that was larger.
_PEAK = """
status = Path("/proc/self/status")
if status.exists():
    print(next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM")))
else:
    import resource
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def _digests(landing: Path) -> dict[str, str]:
    return {
        path.relative_to(landing).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(landing.rglob("*"))
        if path.is_file()
    }


def _run(code: str, *arguments: object, **environment: str) -> str:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(
        command, cwd=REPOSITORY, env={**os.environ, **environment}, check=True, capture_output=True, text=True
    ).stdout


def test_same_arguments_make_the_same_bytes_in_another_process_and_place(tmp_path):
    generate(tmp_path / "here", scale=0.05, days=12, without=())
    odd = {"PYTHONHASHSEED": "12345", "LC_ALL": "C", "PYTHONUTF8": "0", "TZ": "Pacific/Kiritimati"}
    _run(_GENERATE, tmp_path / "there", 0.05, 12, **odd)

    assert _digests(tmp_path / "here") == _digests(tmp_path / "there")


def test_another_seed_makes_another_shop(tmp_path):
    generate(tmp_path / "a", scale=0.01, days=3, seed=7, without=())
    generate(tmp_path / "b", scale=0.01, days=3, seed=8, without=())
    # Which days have more than their usual files is the seed's affair.
    first, second = (
        {path: digest for path, digest in _digests(tmp_path / name).items() if not _is_of_some_days(path)}
        for name in "ab"
    )

    assert set(first) == set(second)
    assert [name for name in first if first[name] == second[name]] == []


def _is_of_some_days(path: str) -> bool:
    return any(part in path for part in ("deleted", "again", "refund"))


def test_datasets_left_out_change_nothing_in_the_others(tmp_path):
    optional = {EVENTS, REVIEWS, REFUNDS}
    generate(tmp_path / "some", scale=0.01, days=4, without=optional)
    generate(tmp_path / "all", scale=0.01, days=4, without=())
    some, everything = _digests(tmp_path / "some" / "shop"), _digests(tmp_path / "all" / "shop")
    further = {path for path in everything if path.split("/")[0] in optional or "refunded_orders" in path}

    assert {path.split("/")[0] for path in further} == {*optional, ORDERS}
    assert some == {path: digest for path, digest in everything.items() if path not in further}


def test_scale_1_has_the_sizes_it_names(tmp_path):
    manifest = generate(tmp_path, without=())
    rows = {name: books.rows for name, books in manifest.datasets.items()}

    expected = {"customers": 10_000, "products": 2_000, "orders": 20_000, "order_items": 43_500, "fx_rates": 176}
    expected |= {"events": 80_000, "reviews": 15_000, "refunds": 400}
    assert rows == {name: pytest.approx(size, rel=0.05) for name, size in expected.items()}
    # The star schema has neither rates nor refunds.
    assert sum(rows.values()) - rows["fx_rates"] - rows["refunds"] == 170_525


def test_orders_follow_the_week_and_grow(tmp_path):
    generate(tmp_path, days=84, start=date(2025, 1, 6))
    orders = plain.count(tmp_path, "orders", rules.order_rule)
    per_day = Counter(date.fromisoformat(order["order_ts"][:10]) for order in orders.newest.values())
    weekend = [n for day, n in per_day.items() if day.weekday() >= 5]
    midweek = [n for day, n in per_day.items() if day.weekday() in (1, 2, 3)]
    weeks = [sum(n for day, n in per_day.items() if day.isocalendar().week == week) for week in (2, 13)]

    assert sum(weekend) / len(weekend) > 1.1 * sum(midweek) / len(midweek)
    assert weeks[1] > 1.15 * weeks[0]


def test_few_products_and_customers_make_much_of_the_sales(tmp_path):
    generate(tmp_path)
    orders = plain.count(tmp_path, "orders", rules.order_rule)
    products = Counter(
        item["product_id"]
        for path in (tmp_path / "shop/order_items").rglob("order_items.csv")
        for item in plain.records(path)
        if isinstance(item, dict)
    )
    customers = Counter(order["customer_id"] for order in orders.newest.values() if order["customer_id"])

    assert sum(n for _, n in products.most_common(200)) > 0.25 * products.total()
    assert customers.most_common(1)[0][1] > 10 * customers.total() / len(customers)


def test_memory_stays_flat_as_the_shop_grows(tmp_path):
    small = int(_run(_GENERATE + _PEAK, tmp_path / "small", 1, 20))
    large = int(_run(_GENERATE + _PEAK, tmp_path / "large", 5, 20))

    assert large < 1.5 * small


@pytest.mark.parametrize("days", [1, 2, 4, 8])
def test_a_short_landing_has_all_the_dirt_its_days_allow(tmp_path, days):
    manifest = generate(tmp_path, scale=0.001, days=days, without=())
    missing = {name for books in manifest.datasets.values() for name, kind in books.kinds.items() if not kind.count}
    needs_days = {"repeat_in_later_file", "moved_to_another_day", "day_without_rates"}
    if days == 1:
        needs_days |= {
            "late_record", "corrected_record", "truncated_gzip", "order_lands_later", "product_lands_later",
            "deleted", "restored", "order_deleted", "late_event", "over_midnight",
        }  # fmt: skip
    assert missing == (needs_days if days <= 2 else set())


def test_the_committed_sample_is_what_the_generator_makes(tmp_path):
    committed = REPOSITORY / "data" / "landing"
    generate_sample(tmp_path)

    assert _unpacked(committed) == _unpacked(tmp_path)
    assert sum(path.stat().st_size for path in committed.rglob("*") if path.is_file()) < 200_000


def _unpacked(landing: Path) -> dict[str, bytes]:
    """Return the files by name without their packing, which is the zlib build's affair."""
    files = [*sorted((landing / "shop").rglob("*.*")), landing / MANIFEST_NAME]
    return {path.relative_to(landing).as_posix(): _unpack(path) for path in files if "extra" not in path.name}


def _unpack(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def test_a_landing_that_is_there_is_kept_unless_told(tmp_path):
    generate(tmp_path, scale=0.001, days=2)
    before = _digests(tmp_path)
    with pytest.raises(FileExistsError, match="overwrite"):
        generate(tmp_path, scale=0.001, days=2, seed=8)
    assert _digests(tmp_path) == before

    generate(tmp_path, scale=0.001, days=1, seed=8, overwrite=True)
    generate(tmp_path / "fresh", scale=0.001, days=1, seed=8)
    after = {name: digest for name, digest in _digests(tmp_path).items() if not name.startswith("fresh")}
    assert after == _digests(tmp_path / "fresh")


def test_overwriting_spares_files_that_are_not_ours(tmp_path):
    generate(tmp_path, scale=0.001, days=2)
    stranger = tmp_path / "shop" / "orders" / "2025-01-01" / "mine.csv"
    stranger.write_text("order_id\n")
    with pytest.raises(FileExistsError, match=r"mine\.csv was not made by the generator"):
        generate(tmp_path, scale=0.001, days=2, overwrite=True)
    (tmp_path / MANIFEST_NAME).unlink()
    with pytest.raises(FileExistsError, match=f"has no {MANIFEST_NAME}"):
        generate(tmp_path, scale=0.001, days=2, overwrite=True)
    assert stranger.exists()


def test_what_an_interrupted_run_left_is_swept_up(tmp_path):
    left = tmp_path / "_shop.unfinished" / "shop" / "orders" / "2025-01-01"
    left.mkdir(parents=True)
    (left / "orders.csv").write_text("half")
    generate(tmp_path, scale=0.001, days=1)

    assert sorted(path.name for path in tmp_path.iterdir()) == [MANIFEST_NAME, "shop"]
    assert "half" not in (tmp_path / "shop" / "orders" / "2025-01-01" / "orders.csv").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"days": 0}, "days: found 0, expected 1 to 3,660"),
        ({"scale": 0}, "scale: found 0, expected more than 0"),
        ({"scale": float("nan")}, "scale: found nan"),
        ({"scale": 400, "days": 3_660}, "days and scale: they make .* customers"),
        ({"start": date(1, 1, 1)}, "start: found 0001-01-01"),
    ],
)
def test_an_argument_out_of_range_is_named(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        generate(tmp_path, **arguments)


def test_the_manifest_comes_back_as_it_was_saved(tmp_path):
    manifest = generate(tmp_path, scale=0.01, days=3)

    assert Manifest.load(tmp_path) == Manifest.load(tmp_path / MANIFEST_NAME) == manifest
    # A late and a corrected record, two deletions, and one who is there again.
    assert manifest.datasets["customers"].versions == manifest.datasets["customers"].published + 5


@pytest.mark.parametrize("text", ["{", "[]", '{"datasets": {}}', '{"datasets": {"orders": {}}}'])
def test_a_file_that_is_no_manifest_is_named(tmp_path, text):
    (tmp_path / MANIFEST_NAME).write_text(text)
    with pytest.raises(ManifestError, match=rf"{MANIFEST_NAME}: not a manifest .* generate again"):
        Manifest.load(tmp_path)


def test_a_missing_manifest_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=MANIFEST_NAME):
        Manifest.load(tmp_path)
