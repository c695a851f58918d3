"""Source `shop`: the shop's own files, made by the generator here, and the shape that users bring.

Belongs here: its datasets and their columns. Does not belong here: types, cleaning and rules (`silver/`).
"""

from __future__ import annotations

from project_etl.core.model.records import Feed
from project_etl.core.model.source import Dataset, Source

_CHANGED = "When the shop last changed the record."

DATASETS = (
    Dataset(
        "shop",
        "customers",
        {
            "customer_id": "Customer number.",
            "first_name": "Given name.",
            "last_name": "Family name.",
            "email": "E-mail address.",
            "phone": "Telephone number.",
            "country": "Home country.",
            "city": "Home city.",
            "signup_date": "Day on which the customer signed up.",
            "updated_at": _CHANGED,
        },
    ),
    Dataset(
        "shop",
        "products",
        {
            "product_id": "Product number.",
            "name": "Name shown to customers.",
            "category": "Main category.",
            "subcategory": "Finer category.",
            "price": "List price.",
            "currency": "Currency of the price.",
            "active": "Whether the product is on sale.",
            "tags": "Free tags, a JSON array.",
            "updated_at": _CHANGED,
        },
    ),
    Dataset(
        "shop",
        "orders",
        {
            "order_id": "Order number.",
            "customer_id": "Customer number; empty for a guest.",
            "order_ts": "When the order was placed.",
            "status": "Where the order stands.",
            "currency": "Currency of the order's amounts.",
            "order_total": "Total of the order.",
            "country": "Country of delivery; may be empty.",
            "updated_at": _CHANGED,
        },
    ),
    Dataset(
        "shop",
        "order_items",
        {
            "order_item_id": "Line number.",
            "order_id": "Order number.",
            "product_id": "Product number.",
            "quantity": "Pieces sold.",
            "unit_price": "Price of one piece.",
            "discount": "Discount on the whole line; empty for none.",
            "updated_at": _CHANGED,
        },
    ),
    Dataset(
        "shop",
        "fx_rates",
        {
            "rate_date": "Day for which the rate holds.",
            "base_currency": "Currency of which one unit is exchanged.",
            "quote_currency": "Currency in which the rate is given.",
            "rate": "Units of the quote currency for one unit of the base currency.",
        },
    ),
)

SHOP = Source(
    name="shop",
    datasets=DATASETS,
    feeds={dataset.name: Feed(dataset.bronze, tuple(dataset.columns)) for dataset in DATASETS},
)
