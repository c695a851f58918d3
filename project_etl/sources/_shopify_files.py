"""The files that Shopify's admin pages export: their columns and what each means.

Belongs here: the columns, in Shopify's spelling and order. Does not belong here: what becomes of them (`shopify.py`).

They are those of the CSV files "for Excel, Numbers, or other spreadsheet programs" and "plain CSV file", which are the
same: help.shopify.com, "Exporting orders", "Exporting customers" and "Using CSV files to import and export products".
"""

from __future__ import annotations

from project_etl.core.model.source import Dataset, Person

_ADDRESS = {
    "Name": "name",
    "Street": "street, both lines",
    "Address1": "first line",
    "Address2": "second line",
    "Company": "company",
    "City": "city",
    "Zip": "postcode, behind an apostrophe",
    "Province": "code of the province",
    "Country": "code of the country",
    "Phone": "phone number",
}
_BILLING = {f"Billing {name}": f"Billing address: {meaning}." for name, meaning in _ADDRESS.items()}
_SHIPPING = {f"Shipping {name}": f"Delivery address: {meaning}." for name, meaning in _ADDRESS.items()}
_TAXES = {
    f"Tax {number} {part}": f"{meaning} of tax {number}."
    for number in range(1, 6)
    for part, meaning in {"Name": "Name and rate", "Value": "Amount"}.items()
}

ORDERS = Dataset(
    "shopify",
    "orders",
    {
        "Name": "Order number, such as `#1001`; in each row of the order.",
        "Email": "The customer's e-mail address; empty for a guest.",
        "Financial Status": "How far it is paid.",
        "Paid at": "When it was paid.",
        "Fulfillment Status": "How far it is sent.",
        "Fulfilled at": "When it was sent.",
        "Accepts Marketing": "Whether the customer agreed to marketing.",
        "Currency": "Currency of all amounts.",
        "Subtotal": "What the lines cost, after discounts.",
        "Shipping": "Cost of shipping.",
        "Taxes": "Taxes.",
        "Total": "What the customer pays.",
        "Discount Code": "Code that the customer used.",
        "Discount Amount": "Discounts on lines, order and shipping.",
        "Shipping Method": "How it is sent.",
        "Created at": "When it was placed.",
        "Lineitem quantity": "Pieces of the line.",
        "Lineitem name": "Product and variant of the line.",
        "Lineitem price": "Price of one piece, before discounts.",
        "Lineitem compare at price": "Price of one piece before it was reduced.",
        "Lineitem sku": "Article number of the line.",
        "Lineitem requires shipping": "Whether the line has to be sent.",
        "Lineitem taxable": "Whether the line is taxed.",
        "Lineitem fulfillment status": "Whether the line is sent.",
        **_BILLING,
        **_SHIPPING,
        "Notes": "Note on the order.",
        "Note Attributes": "Further notes, by name.",
        "Cancelled at": "When it was cancelled.",
        "Payment Method": "How it is paid.",
        "Payment Reference": "Reference of the payment.",
        "Refunded Amount": "What was paid back.",
        "Vendor": "Maker of the line's product.",
        "Outstanding Balance": "What is still to be paid.",
        "Employee": "Who sold it, at a till.",
        "Location": "Where it was sold, at a till.",
        "Device ID": "Till that sold it.",
        "Id": "Shopify's own number of the order.",
        "Tags": "Tags of the order.",
        "Risk Level": "Risk of fraud.",
        "Source": "Channel of the sale.",
        "Lineitem discount": "Discount on the line.",
        **_TAXES,
        "Phone": "The customer's phone number.",
        "Receipt Number": "Number of the till's receipt.",
        "Duties": "Customs duties.",
        "Billing Province Name": "Billing address: province.",
        "Shipping Province Name": "Delivery address: province.",
        "Payment ID": "Number of the payment.",
        "Payment Terms Name": "When it has to be paid.",
        "Next Payment Due At": "When the next payment is due.",
        "Payment References": "References of all payments.",
    },
    person=Person(
        "Email",
        details=(
            *_BILLING,
            *_SHIPPING,
            "Billing Province Name",
            "Shipping Province Name",
            "Phone",
            "Notes",
            "Note Attributes",
        ),
        any_case=True,
    ),
)

CUSTOMERS = Dataset(
    "shopify",
    "customers",
    {
        "Customer ID": "Shopify's own number of the customer, behind an apostrophe.",
        "First Name": "Given name.",
        "Last Name": "Family name.",
        "Email": "E-mail address.",
        "Accepts Email Marketing": "Whether the customer agreed to marketing by e-mail.",
        "Default Address Company": "Address: company.",
        "Default Address Address1": "Address: first line.",
        "Default Address Address2": "Address: second line.",
        "Default Address City": "Address: city.",
        "Default Address Province Code": "Address: code of the province.",
        "Default Address Country Code": "Address: code of the country.",
        "Default Address Zip": "Address: postcode, behind an apostrophe.",
        "Default Address Phone": "Address: phone number.",
        "Phone": "Phone number, behind an apostrophe.",
        "Accepts SMS Marketing": "Whether the customer agreed to marketing by text message.",
        "Total Spent": "What the customer has paid.",
        "Total Orders": "How many orders the customer has.",
        "Note": "Note on the customer.",
        "Tax Exempt": "Whether the customer pays no taxes.",
        "Tags": "Tags of the customer.",
        "Accepts WhatsApp Marketing": "Whether the customer agreed to marketing by WhatsApp.",
    },
    person=Person("Email", is_about=True, any_case=True),
)

_OPTIONS = {
    f"Option{number} {part}": meaning.format(number)
    for number in (1, 2, 3)
    for part, meaning in {
        "Name": "What option {} is, such as a size.",
        "Value": "Option {} of the variant.",
        "Linked To": "Where option {} comes from.",
    }.items()
}
_GOOGLE = (
    *("Google Product Category", "Gender", "Age Group", "MPN", "Condition", "Custom Product"),
    *(f"Custom Label {number}" for number in range(5)),
)

PRODUCTS = Dataset(
    "shopify",
    "products",
    {
        "Handle": "Name of the product in links; in each row of the product.",
        "Title": "Name of the product.",
        "Body (HTML)": "Description.",
        "Vendor": "Maker.",
        "Product Category": "Category in Shopify's taxonomy, from the main one down, with ` > ` between them.",
        "Type": "The shop's own category.",
        "Tags": "Tags, with commas between them.",
        "Published": "Whether the online shop shows it.",
        **_OPTIONS,
        "Variant SKU": "Article number.",
        "Variant Grams": "Weight in grams.",
        "Variant Inventory Tracker": "Who counts the stock.",
        "Variant Inventory Qty": "Pieces in stock.",
        "Variant Inventory Policy": "Whether it is sold when there is none.",
        "Variant Fulfillment Service": "Who sends it.",
        "Variant Price": "Price of one piece.",
        "Variant Compare At Price": "Price of one piece before it was reduced.",
        "Variant Requires Shipping": "Whether it has to be sent.",
        "Variant Taxable": "Whether it is taxed.",
        "Unit Price Total Measure": "How much a piece holds.",
        "Unit Price Total Measure Unit": "Unit of how much a piece holds.",
        "Unit Price Base Measure": "How much the base price is for.",
        "Unit Price Base Measure Unit": "Unit of how much the base price is for.",
        "Variant Barcode": "Barcode.",
        "Image Src": "Link to a picture.",
        "Image Position": "Place of the picture.",
        "Image Alt Text": "What the picture shows.",
        "Gift Card": "Whether it is a gift card.",
        "SEO Title": "Title for search engines.",
        "SEO Description": "Description for search engines.",
        **{f"Google Shopping / {name}": f"For Google Shopping: {name}." for name in _GOOGLE},
        "Variant Image": "Link to the variant's picture.",
        "Variant Weight Unit": "Unit in which the weight is shown.",
        "Variant Tax Code": "Code for taxes.",
        "Cost per item": "What a piece costs the shop.",
        "Status": "active, draft or archived.",
    },
)
