"""ISO code lists that contracts check against.

Belongs here: lists taken from `pycountry`. Does not belong here: how source systems spell countries (`sources/`).
"""

from __future__ import annotations

import pycountry

UNKNOWN_COUNTRY = "ZZ"
"""ISO 3166 leaves `ZZ` to users; here it means that the country is not known."""

# ISO 3166 leaves `XK` to users too, and shops, banks and the EU use it.
KOSOVO = "XK"

COUNTRIES: tuple[str, ...] = (*sorted(country.alpha_2 for country in pycountry.countries), KOSOVO, UNKNOWN_COUNTRY)
CURRENCIES: tuple[str, ...] = tuple(sorted(currency.alpha_3 for currency in pycountry.currencies))
