"""A shop of three days whose numbers a test can know by heart: a Monday, the Tuesday after it, and the next Monday.

Here: what landed. Not here: what the pages must show.
"""

from __future__ import annotations

from pathlib import Path

from project_etl.core.engine.base import Engine
from project_etl_tests.small_shop import CUSTOMER, EVENT, ITEM, ORDER, PRODUCT, REFUND, REVIEW, SmallShop

DAYS = ("2025-01-06", "2025-01-07", "2025-01-13")
# Rolling tables have rows for the days between, too.
BUSINESS_DAYS = tuple(f"2025-01-{day:02}" for day in range(6, 14))
MONDAY, TUESDAY, NEXT_MONDAY = DAYS


def visits_shop(folder: Path, engine: Engine) -> SmallShop:
    """A shop in which Ada buys twice and cancels once, Bo buys for more, and Cy only looks around."""
    shop = SmallShop(folder, engine)
    shop.land_rows(
        "customers",
        MONDAY,
        CUSTOMER,
        CUSTOMER | {"customer_id": "C2", "first_name": "bo", "email": "bo@example.org", "country": "DE"},
        CUSTOMER | {"customer_id": "C3", "first_name": "cy", "email": "cy@example.org", "country": "FR"},
    )
    bear = {"product_id": "P2", "name": "Bear", "category": "toys", "price": 50}
    shop.land_rows("products", MONDAY, PRODUCT, PRODUCT | bear)
    _land_orders(shop)
    _land_events(shop)
    shop.land_rows("refunds", NEXT_MONDAY, REFUND | {"order_id": "O2", "order_item_id": "", "refunded_at": _at(13, 9)})
    shop.land_rows(
        "reviews",
        NEXT_MONDAY,
        REVIEW | {"review_ts": _at(7, 9), "review_text": "Very bright"},
        REVIEW | {"review_id": "R2", "product_id": "P2", "rating": "4", "review_ts": _at(13, 9)},
    )
    # The same bytes once more, and a file that cannot be read.
    shop.land("orders", TUESDAY, (shop.landing / f"shop/orders/{TUESDAY}/orders.csv").read_bytes(), "orders_again.csv")
    shop.land("orders", TUESDAY, b"\x1f\x8b\x08broken", "broken.csv.gz")
    shop.load(*DAYS)
    return shop


def _land_orders(shop: SmallShop) -> None:
    shop.land_rows("orders", MONDAY, ORDER | _placed("O1", 6))
    shop.land_rows("order_items", MONDAY, ITEM)
    shop.land_rows(
        "orders",
        TUESDAY,
        ORDER | _placed("O2", 7) | {"order_total": "50.00"},
        ORDER | _placed("O3", 7) | {"customer_id": "C2", "order_total": "300.00", "country": "DE"},
        ORDER | _placed("O4", 7) | {"customer_id": "", "order_total": "10.00"},
        ORDER | _placed("X1", 7) | {"status": "LOST"},
    )
    shop.land_rows(
        "order_items",
        TUESDAY,
        ITEM | {"order_id": "O2", "product_id": "P2", "quantity": "1", "unit_price": "50.00"},
        ITEM | {"order_id": "O3", "product_id": "P2", "quantity": "6", "unit_price": "50.00"},
        ITEM | {"order_id": "O4", "quantity": "1"},
    )
    shop.land_rows(
        "orders",
        NEXT_MONDAY,
        ORDER | _placed("O5", 13) | {"customer_id": "C9", "order_total": "10.00"},
        ORDER | _placed("O6", 13) | {"status": "CANCELLED", "order_total": "10.00"},
    )
    shop.land_rows(
        "order_items",
        NEXT_MONDAY,
        ITEM | {"order_id": "O5", "quantity": "1"},
        ITEM | {"order_id": "O6", "quantity": "1"},
    )


def _land_events(shop: SmallShop) -> None:
    view = EVENT | {"event_type": "view", "order_id": "", "quantity": 1, "price": 10}
    anonymous = view | {"customer_id": "", "visitor_id": "V2"}
    shop.land_rows(
        "events",
        MONDAY,
        view | {"event_id": "E1", "event_ts": _at(6, 10, 0)},
        view | {"event_id": "E2", "event_ts": _at(6, 10, 5), "event_type": "add_to_cart"},
        EVENT | {"event_id": "E3", "event_ts": _at(6, 10, 10)},
        anonymous | {"event_id": "E4", "event_ts": _at(6, 11), "session_id": "s2"},
    )
    shop.land_rows(
        "events",
        TUESDAY,
        anonymous | {"event_id": "E5", "event_ts": _at(7, 9, 0), "session_id": "s3"},
        anonymous | {"event_id": "E6", "event_ts": _at(7, 9, 1), "session_id": "s3"},
    )
    third = anonymous | {"visitor_id": "V3"}
    shop.land_rows(
        "events",
        NEXT_MONDAY,
        third | {"event_id": "E7", "event_ts": _at(13, 10, 0), "session_id": "s4"},
        third | {"event_id": "E8", "event_ts": _at(13, 10, 30), "session_id": "s4", "event_type": "add_to_cart"},
        third
        | {"event_id": "E9", "event_ts": _at(13, 20), "session_id": "s5", "event_type": "purchase", "order_id": "O77"},
    )


def _placed(order_id: str, day: int) -> dict[str, str]:
    return {"order_id": order_id, "order_ts": _at(day, 10), "updated_at": _at(day, 10)}


def _at(day: int, hour: int, minute: int = 0) -> str:
    return f"2025-01-{day:02}T{hour:02}:{minute:02}:00Z"
