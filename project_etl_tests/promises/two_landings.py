"""Two landings that bring everything that happens to records and files, in three days, and what makes tables of them.

Belongs here: the scene. Does not belong here: what goes wrong on the way (the tests).
"""

from __future__ import annotations

from project_etl_tests.small_shop import CUSTOMER, ITEM, ORDER, PRODUCT, SmallShop

D1, D2, D3 = "2025-01-01", "2025-01-02", "2025-01-03"
# First and last.
DAYS = D1, D3


def land_first(shop: SmallShop) -> None:
    """Two days with all that happens to records: bad ones, an item that waits for its order, a file that is none."""
    padded = {**CUSTOMER, "customer_id": " C3\u00a0", "updated_at": "2025-01-01 00:00:00+00"}
    shop.land_rows("customers", D1, CUSTOMER, {**CUSTOMER, "customer_id": "C2", "email": "no address"}, padded)
    shop.land_rows("products", D1, PRODUCT, {**PRODUCT, "product_id": "P2", "price": -1})
    shop.land_rows("orders", D1, ORDER, {**ORDER, "order_id": "O2", "status": "SHIPED"}, {**ORDER, "order_id": "O5"})
    shop.land("orders", D1, "", "empty.csv")
    shop.land_rows("order_items", D2, ITEM, {**ITEM, "order_item_id": "I3", "order_id": "O3"})
    rate = {"rate_date": D1, "base_currency": "EUR", "quote_currency": "GBP", "rate": "0.85"}
    shop.land_rows("fx_rates", D1, rate, {**rate, "rate_date": D2, "rate": "0"})


def land_second(shop: SmallShop) -> None:
    """The order that was waited for, newer versions and deletions, corrected files, and a good one for an empty one."""
    newer = {"updated_at": "2025-01-03T00:00:00Z"}
    shop.land_rows(
        "customers", D3, {**CUSTOMER, **newer, "country": "FR"}, {"customer_id": "C3", **newer, "_deleted": True}
    )
    shop.land_rows("products", D3, {**PRODUCT, **newer, "category": "office"})
    gone = {"order_id": '="O5"', **newer, "_deleted": "true"}
    shop.land_rows("orders", D3, {**ORDER, "order_id": "O3"}, {**ORDER, **newer, "status": "RETURNED"}, gone)
    shop.land_rows("orders", D1, {**ORDER, "order_id": "O4"}, name="empty.csv")
    shop.land_rows("order_items", D2, ITEM, {**ITEM, "order_item_id": "I3", "order_id": "O3", "quantity": "3"})
    rate = {"rate_date": D1, "base_currency": "EUR", "quote_currency": "GBP", "rate": "0.86"}
    shop.land_rows("fx_rates", D1, rate)


def undisturbed(shop: SmallShop) -> None:
    """Materialize everything in this process."""
    shop.everything(D1, D2, D3)
