"""The files that shops of WooCommerce export: their columns and what each means.

Belongs here: the columns, in the exports' spelling and order. Does not belong here: what becomes of them
(`woocommerce.py`).

- Orders and customers are those of the extension "Customer/Order/Coupon Export", woocommerce.com/document/
  ordercustomer-csv-export: orders in its format "Default - One Row per Item", customers in its format "Default".
- Products are those of WooCommerce itself, woocommerce.com/document/product-csv-importer-exporter. Weights and sizes
  have the shop's own units in their names, and each attribute four columns: kilograms, centimetres and one attribute
  are declared, and Bronze keeps what else there is.
"""

from __future__ import annotations

from project_etl.core.model.source import Dataset, Person

_ADDRESS = {
    "first_name": "given name",
    "last_name": "family name",
    "company": "company",
    "email": "e-mail address",
    "phone": "phone number",
    "address_1": "first line",
    "address_2": "second line",
    "postcode": "postcode",
    "city": "city",
    "state": "province",
    "country": "code of the country",
}
_BILLING = {f"billing_{name}": f"Billing address: {meaning}." for name, meaning in _ADDRESS.items()}
# No e-mail address, no phone number, and in orders the company comes last.
_SHIPPING = {
    f"shipping_{name}": f"Delivery address: {meaning}."
    for name, meaning in _ADDRESS.items()
    if name not in ("email", "phone")
}
_LAST = "shipping_company"
_ORDER_SHIPPING = {name: meaning for name, meaning in _SHIPPING.items() if name != _LAST} | {_LAST: _SHIPPING[_LAST]}
_GUEST = "0"

ORDERS = Dataset(
    "woocommerce",
    "orders",
    {
        "order_id": "The order's own number in the shop; in each row of the order.",
        "order_number": "Number that the customer sees.",
        "date": "When it was placed, by the clocks of the shop.",
        "status": "Where it stands.",
        "shipping_total": "Cost of shipping, without taxes.",
        "shipping_tax_total": "Taxes on shipping.",
        "fee_total": "Fees, without taxes.",
        "fee_tax_total": "Taxes on fees.",
        "tax_total": "All taxes.",
        "discount_total": "Discounts.",
        "order_total": "What the customer pays.",
        "refunded_total": "What was paid back.",
        "order_currency": "Currency of all amounts.",
        "payment_method": "How it is paid.",
        "shipping_method": "How it is sent.",
        "customer_id": "Customer number; 0 for a guest.",
        **_BILLING,
        **_ORDER_SHIPPING,
        "customer_note": "What the customer wrote.",
        "item_id": "Number of the line.",
        "item_product_id": "The product's own number in the shop.",
        "item_name": "Product of the line.",
        "item_sku": "Article number of the line.",
        "item_price": "Price of one piece.",
        "item_quantity": "Pieces of the line.",
        "item_subtotal": "What the line costs before discounts, without taxes.",
        "item_subtotal_tax": "Taxes on the line before discounts.",
        "item_total": "What the line costs after discounts, without taxes.",
        "item_total_tax": "Taxes on the line after discounts.",
        "item_refunded": "What was paid back for the line.",
        "item_refunded_qty": "Pieces of the line that came back.",
        "item_meta": "What was chosen of the product.",
        "shipping_items": "Lines of shipping.",
        "fee_items": "Lines of fees.",
        "tax_items": "Lines of taxes.",
        "coupon_items": "Lines of coupons.",
        "order_notes": "Notes on the order.",
        "download_permissions_granted": "Whether files may be downloaded.",
    },
    person=Person(
        "customer_id",
        "billing_email",
        details=(*_BILLING, *_ORDER_SHIPPING, "customer_note", "order_notes"),
        nobody=(_GUEST,),
    ),
)

CUSTOMERS = Dataset(
    "woocommerce",
    "customers",
    {
        "customer_id": "Customer number; 0 for a guest.",
        "first_name": "Given name.",
        "last_name": "Family name.",
        "email": "E-mail address.",
        "date_registered": "When the customer signed up.",
        **_BILLING,
        **_SHIPPING,
    },
    person=Person("customer_id", "email", is_about=True, nobody=(_GUEST,)),
)

PRODUCTS = Dataset(
    "woocommerce",
    "products",
    {
        "ID": "The product's own number in the shop.",
        "Type": "simple, variable, variation, grouped or external, and other types.",
        "SKU": "Article number.",
        "GTIN, UPC, EAN, or ISBN": "Number of the maker.",
        "Name": "Name of the product.",
        "Published": "1 when the shop shows it; 0 for a private one, -1 for a draft.",
        "Is featured?": "Whether the shop recommends it.",
        "Visibility in catalog": "Where it is found.",
        "Short description": "Short description.",
        "Description": "Description.",
        "Date sale price starts": "When it begins to be on sale.",
        "Date sale price ends": "When it ceases to be on sale.",
        "Tax status": "Whether it is taxed.",
        "Tax class": "How it is taxed.",
        "In stock?": "Whether it is in stock.",
        "Stock": "Pieces in stock.",
        "Low stock amount": "From how few pieces on the shop is warned.",
        "Backorders allowed?": "Whether it is sold when there is none.",
        "Sold individually?": "Whether an order has one at most.",
        "Weight (kg)": "Weight.",
        "Length (cm)": "Length.",
        "Width (cm)": "Width.",
        "Height (cm)": "Height.",
        "Allow customer reviews?": "Whether customers may review it.",
        "Purchase note": "What who buys it is told.",
        "Sale price": "Price while it is on sale.",
        "Regular price": "Price, with the shop's decimal point.",
        "Categories": "Categories with commas between them, each from the main one down, with ` > ` between them.",
        "Tags": "Tags, with commas between them.",
        "Shipping class": "How it is sent.",
        "Images": "Links to pictures.",
        "Download limit": "How often it may be downloaded.",
        "Download expiry days": "How long it may be downloaded.",
        "Parent": "Product that it is a variation of: its article number, or `id:` and its own number.",
        "Grouped products": "Products that it is a group of.",
        "Upsells": "Products to buy instead.",
        "Cross-sells": "Products to buy too.",
        "External URL": "Where it is sold.",
        "Button text": "What the button there says.",
        "Position": "Place in lists.",
        "Brands": "Brands.",
        "Attribute 1 name": "What attribute 1 is, such as a size.",
        "Attribute 1 value(s)": "Attribute 1 of the product.",
        "Attribute 1 visible": "Whether attribute 1 is shown.",
        "Attribute 1 global": "Whether attribute 1 is that of all products.",
    },
)
