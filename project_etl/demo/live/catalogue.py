"""What changes beside the orders: customers, products, what is said of them, and exchange rates."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import sqlalchemy as sa

from project_etl.demo.customers import customer_id, first_country, person
from project_etl.demo.draws import below, stream
from project_etl.demo.fx_rates import BASE, FIRST_MILLIONTHS, next_rate
from project_etl.demo.live.interval import Interval, amount
from project_etl.demo.live.tables import CUSTOMERS, FX_RATES, PRODUCTS, REVIEWS
from project_etl.demo.products import first_cents, first_shelf, new_price, product_id, ware
from project_etl.demo.reviews import opinion
from project_etl.demo.vocabulary import COUNTRIES, COUNTRY_PICKS, VOTES_PICKS

# Of the past days that the first interval gives rates for.
_RATES_BEFORE = 30
_REVIEW_IS_DELETED = 0.3


def add_customers(interval: Interval, number: int, *, within_days: int = 1) -> None:
    """Insert customers who have signed up within the last days; 1 is today."""
    last = interval.last_number(CUSTOMERS)
    rows = [
        {
            **person(interval.seed, position, first_country(interval.seed, position)),
            "signup_date": interval.now.date() - timedelta(days=below(interval.rnd, within_days)),
        }
        for position in range(last, last + number)
    ]
    interval.insert(CUSTOMERS, rows)


def move_customers(interval: Interval, number: int) -> None:
    """Have some customers live elsewhere."""
    rows = []
    for position in sorted({interval.customer() for _ in range(number)}):
        place = COUNTRIES[COUNTRY_PICKS[below(interval.rnd, len(COUNTRY_PICKS))]]
        city = place.cities[below(interval.rnd, len(place.cities))]
        rows.append({"customer_id": customer_id(position), "country": place.code, "city": city})
    interval.update(CUSTOMERS, rows)


def add_products(interval: Interval, number: int) -> None:
    """Insert products."""
    last, seed = interval.last_number(PRODUCTS), interval.seed
    rows = []
    for position in range(last, last + number):
        cents = first_cents(seed, position)
        rows.append(ware(seed, position, first_shelf(seed, position), cents) | {"price": amount(cents)})
    interval.insert(PRODUCTS, rows)


def change_prices(interval: Interval, number: int) -> None:
    """Give some products a new price, which orders pay from the next interval on."""
    positions = sorted({interval.product(interval.rnd()) for _ in range(number)})
    rows = [
        {
            "product_id": product_id(position),
            "price": amount(new_price(interval.price(position).cents, interval.rnd)),
        }
        for position in positions
    ]
    interval.update(PRODUCTS, rows)


def add_reviews(interval: Interval, number: int, length: timedelta) -> None:
    """Insert reviews, and change and delete some of earlier intervals."""
    rnd, last = interval.rnd, interval.last_number(REVIEWS)
    rows = []
    for offset, at in enumerate(interval.moments(number, length), start=1):
        rating, text = opinion(rnd)
        rows.append(
            {
                "review_id": _review_id(last + offset),
                "product_id": product_id(interval.product(rnd())),
                "customer_id": customer_id(interval.customer()),
                "rating": rating,
                "review_text": text,
                "helpful_votes": VOTES_PICKS[below(rnd, len(VOTES_PICKS))],
                "review_ts": at,
            }
        )
    interval.insert(REVIEWS, rows)
    if last:
        _change_review(interval, _review_id(1 + below(rnd, last)))


def _change_review(interval: Interval, review_id: str) -> None:
    """Have somebody find a review helpful, or its writer take it back, if it is still there."""
    votes = interval.connection.execute(
        sa.select(REVIEWS.c.helpful_votes).where(REVIEWS.c.review_id == review_id)
    ).scalar()
    if votes is None:
        return
    if interval.rnd() < _REVIEW_IS_DELETED:
        interval.delete(REVIEWS, REVIEWS.c.review_id, [review_id])
    else:
        interval.update(REVIEWS, [{"review_id": review_id, "helpful_votes": votes + 1}])


def add_rates(interval: Interval) -> None:
    """Insert the rates of the days that have none yet, today's included."""
    today = interval.now.date()
    last: date | None = interval.connection.execute(sa.select(sa.func.max(FX_RATES.c.rate_date))).scalar()
    of_last = sa.select(FX_RATES.c.quote_currency, FX_RATES.c.rate).where(FX_RATES.c.rate_date == last)
    found = {currency: int(rate * 1_000_000) for currency, rate in interval.connection.execute(of_last)}
    rates = dict(FIRST_MILLIONTHS) | found
    day, rows = (last or today - timedelta(days=_RATES_BEFORE)) + timedelta(days=1), []
    while day <= today:
        rnd = stream(interval.seed, "live rates", day.isoformat()).random
        for currency in rates:
            rates[currency] = next_rate(rates[currency], rnd)
            rate = Decimal(rates[currency]).scaleb(-6)
            rows.append({"rate_date": day, "base_currency": BASE, "quote_currency": currency, "rate": rate})
        day += timedelta(days=1)
    interval.insert(FX_RATES, rows)


def _review_id(number: int) -> str:
    return f"R{number:09d}"
