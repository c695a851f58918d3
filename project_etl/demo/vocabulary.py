"""What the shop sells, to whom and when: names, places, categories, and the shape of a year, a week and a day.

Constants only. Weights are whole numbers, so that a pick from them is exact everywhere.
"""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

from project_etl.demo.draws import weighted

CURRENCIES = ("EUR", "GBP", "USD")
# The shop's own price list factors, in hundredths of the euro price. They are not the day's rates.
PRICE_LIST_HUNDREDTHS = {"EUR": 100, "GBP": 84, "USD": 106}


class Country(NamedTuple):
    """A country the shop delivers to."""

    code: str
    currency: str
    phone_prefix: str
    cities: tuple[str, ...]


COUNTRIES = (
    Country("GB", "GBP", "+44", ("London", "Manchester", "Leeds", "Glasgow", "Bristol")),
    Country("DE", "EUR", "+49", ("Berlin", "München", "Hamburg", "Köln", "Leipzig")),
    Country("FR", "EUR", "+33", ("Paris", "Lyon", "Nîmes", "Lille", "Saint-Étienne")),
    Country("US", "USD", "+1", ("New York", "Chicago", "Austin", "Seattle", "Denver")),
    Country("NL", "EUR", "+31", ("Amsterdam", "Utrecht", "'s-Hertogenbosch")),
    Country("ES", "EUR", "+34", ("Madrid", "Málaga", "Bilbao")),
    Country("IT", "EUR", "+39", ("Milano", "Roma", "L'Aquila")),
    Country("IE", "EUR", "+353", ("Dublin", "Cork")),
    Country("SE", "EUR", "+46", ("Stockholm", "Malmö")),
    Country("PL", "EUR", "+48", ("Warszawa", "Kraków")),
    Country("AT", "EUR", "+43", ("Wien", "Graz")),
    Country("BE", "EUR", "+32", ("Brussel", "Gent")),
)
# Positions in COUNTRIES, as often as customers live there.
COUNTRY_PICKS = weighted(tuple(enumerate((26, 20, 13, 12, 7, 6, 5, 4, 3, 2, 1, 1))))

FIRST_NAMES = (
    "Olivia", "Amelia", "Noah", "Oliver", "Emma", "Mia", "Leon", "Finn", "Louise", "Jules", "Chloé", "Léa", "Hugo",
    "Sophie", "Sanne", "Daan", "Lucía", "Mateo", "Sofía", "Giulia", "Leonardo", "Aoife", "Conor", "Saoirse", "Astrid",
    "Björn", "Elsa", "Zofia", "Jan", "Maja", "James", "Mary", "Robert", "Linda", "Ava", "Ethan", "Zoë", "Anaïs",
    "Jürgen", "Käthe", "Fatima", "Yusuf", "Priya", "Arjun", "Mei", "Kenji", "Anne-Marie", "Jean-Luc",
)  # fmt: skip
LAST_NAMES = (
    "Smith", "Jones", "Taylor", "Brown", "O'Brien", "Müller", "Schmidt", "Schäfer", "Fischer", "Weber", "Martin",
    "Bernard", "Dubois", "Lefèvre", "Moreau", "Johnson", "Williams", "Garcia", "Miller", "Davis", "De Jong", "Jansen",
    "Van Dijk", "Bakker", "García", "Fernández", "López", "Rossi", "Russo", "Ferrari", "Murphy", "Kelly", "Walsh",
    "Andersson", "Karlsson", "Nilsson", "Nowak", "Kowalska", "Wójcik", "Gruber", "Huber", "Peeters", "Patel", "Khan",
    "Nguyen", "Chen", "Tanaka", "Haddad",
)  # fmt: skip
EMAIL_DOMAINS = ("example.com", "example.org", "example.net", "mail.example.com")
LOYALTY_TIERS = ("bronze", "silver", "gold")
CHANNELS = ("web", "app", "store")


class Category(NamedTuple):
    """A category with the price in cents around which its products lie."""

    name: str
    typical_cents: int
    subcategories: dict[str, tuple[str, ...]]
    tags: tuple[str, ...]


CATEGORIES = (
    Category("Electronics", 14900, {
        "Audio": ("Headphones", "Speaker", "Turntable"), "Computers": ('27" Monitor', "Keyboard", "Laptop Stand"),
        "Phones": ("Phone Case", "Charger", "Power Bank")}, ("bluetooth", "usb-c", "refurbished")),
    Category("Home & Kitchen", 3900, {
        "Cookware": ("Saucepan", "Crème Brûlée Set", "Skillet"), "Furniture": ("Stool", "Bookcase", "Desk"),
        "Bedding": ("Duvet", "Pillow", "Throw, Knitted")}, ("dishwasher-safe", "handmade", "oak")),
    Category("Fashion", 4500, {
        "Women": ("Dress", "Blouse", "Skirt"), "Men": ("Shirt", "Chinos", "Jumper"),
        "Shoes": ("Trainers", "Boots", "Sandals")}, ("organic", "wool", "slim-fit")),
    Category("Beauty", 2200, {
        "Skincare": ("Day Cream", "Serum", "Sun Lotion"), "Fragrance": ("Eau de Toilette", "Candle")},
        ("vegan", "spf50", "gift")),
    Category("Sports & Outdoors", 5500, {
        "Fitness": ("Yoga Mat", "Kettlebell", "Rowing Band"), "Camping": ("Tent", "Sleeping Bag", "Lantern"),
        "Cycling": ("Helmet", "Pump", "Bike Light")}, ("waterproof", "lightweight")),
    Category("Toys & Games", 2500, {
        "Board Games": ("Strategy Game", "Family Game"), "Building": ("Brick Set", "Marble Run"),
        "Outdoor Play": ("Kite", "Water Blaster")}, ("ages 3+", "ages 8+", "award-winner")),
    Category("Books", 1500, {
        "Fiction": ("Novel", "Short Stories"), "Non-Fiction": ("Biography", "Atlas"), "Children": ("Picture Book",)},
        ("paperback", "hardback", "signed")),
    Category("Grocery", 800, {
        "Coffee & Tea": ("Espresso Beans", "Green Tea"), "Pantry": ("Olive Oil", "Sea Salt", "Honey"),
        "Sweets": ("Chocolate", "Fudge")}, ("fair-trade", "organic", "gluten-free")),
)  # fmt: skip
# (category, subcategory) pairs; a product's place in the shop is one position here.
SHELVES = tuple((category, shelf) for category in CATEGORIES for shelf in category.subcategories)
ADJECTIVES = (
    "Classic",
    "Compact",
    "Modern",
    "Rustic",
    "Deluxe",
    "Everyday",
    "Nordic",
    "Vintage",
    "Essential",
    "Zürich",
)

STATUS_PICKS = weighted((
    ("PLACED", 8), ("PAID", 44), ("SHIPPED", 22), ("DELIVERED", 7), ("COMPLETED", 15), ("CANCELLED", 3),
    ("RETURNED", 1),
))  # fmt: skip
# What an order can become: most go on, some are cancelled before they leave or come back afterwards.
NEXT_STATUSES = {
    "PLACED": weighted((("PAID", 8), ("CANCELLED", 2))),
    "PAID": weighted((("SHIPPED", 9), ("CANCELLED", 1))),
    "SHIPPED": ("DELIVERED",),
    "DELIVERED": weighted((("COMPLETED", 8), ("RETURNED", 2))),
    "COMPLETED": ("RETURNED",),
}
REFUND_REASONS = (
    "damaged", "does not fit", "not as described", "late, no longer needed", "changed my mind", "wrong item",
    'missing parts of the "set"', "goodwill",
)  # fmt: skip
# Views in a visit: many leave after one, few look at a lot.
VIEWS_PICKS = weighted(((1, 38), (2, 18), (3, 14), (4, 9), (5, 7), (6, 5), (8, 4), (12, 3), (20, 2)))
RATING_PICKS = weighted(((5, 45), (4, 27), (3, 12), (2, 7), (1, 9)))
VOTES_PICKS = weighted(((0, 55), (1, 18), (2, 10), (3, 7), (5, 5), (9, 3), (24, 2)))
# What reviews say: a beginning that goes with the rating, and an end that goes with any.
REVIEW_BEGINNINGS = {
    5: (
        "Love it!",
        "Exactly what I was looking for",
        "Superb quality, worth every cent 😍",
        "Best purchase this year 🎉",
        'My daughter calls it "the good one"',
        "Très content, merci",
    ),
    4: (
        "Good, solid, no frills",
        "Very nice 👍",
        "Does what it says",
        "Happy with it, mostly",
        "Sehr schön, gerne wieder",
    ),
    3: ("It is okay", "Average, nothing special", "Looks nicer in the photos", "Not bad, not great"),
    2: ("Disappointed", 'Smaller than "large" suggests', "Came late, and the box was open", "The colour is off"),
    1: ("Broke after two days 😡", "Avoid", "Never arrived whole", '"Quality"? No.'),
}
REVIEW_ENDS = (
    "", "", ", would buy again", "; delivery took 3 days, 2 hours", " (bought as a gift)", " – my cook 👩‍🍳 agrees",
    ", size M fits", ". Packaging: 5/5", "… see for yourself", ", 10 % off helped",
)  # fmt: skip
REVIEW_FURTHER_LINES = (
    "\nUpdate after a week: still fine", "\n\n+ quick delivery\n- price", "\r\nSent from my phone",
    "\nPS: \"ask for the blue one\"",
)  # fmt: skip
# What some people write in a field that must not be empty; it stays a text.
REVIEW_WORDS = ("N/A", "-", "none", "null", "NaN")
LINES_PICKS = weighted(((1, 40), (2, 28), (3, 16), (4, 9), (5, 5), (6, 2)))
QUANTITY_PICKS = weighted(((1, 72), (2, 16), (3, 6), (4, 3), (6, 2), (12, 1)))
HOUR_PICKS = weighted(tuple(enumerate((
    8, 5, 3, 2, 2, 4, 10, 20, 32, 42, 50, 54, 58, 52, 47, 45, 48, 55, 66, 80, 84, 70, 44, 20,
))))  # fmt: skip

# Orders per day, in thousandths of an ordinary one.
WEEKDAY_THOUSANDTHS = (1020, 960, 950, 980, 1050, 1120, 1180)
MONTH_THOUSANDTHS = (920, 940, 970, 980, 1000, 990, 960, 950, 1000, 1030, 1160, 1240)
HOLIDAY_THOUSANDTHS = {
    (1, 1): 480, (1, 2): 850, (2, 13): 1300, (2, 14): 1150, (5, 1): 850, (12, 23): 1150, (12, 24): 600, (12, 25): 350,
    (12, 26): 750, (12, 31): 650,
}  # fmt: skip
GROWTH_THOUSANDTHS_PER_DAY = 3


def ascii_letters(name: str) -> str:
    """Return a name as it stands in an e-mail address: `Chloé` becomes `chloe`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii")
    return "".join(letter for letter in plain.lower() if letter.isalnum())


EMAIL_FIRST_NAMES = tuple(ascii_letters(name) for name in FIRST_NAMES)
EMAIL_LAST_NAMES = tuple(ascii_letters(name) for name in LAST_NAMES)
