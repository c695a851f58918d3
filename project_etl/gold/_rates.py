"""What Gold tables say of revenue orders without a rate.

The facts publish such an order, with empty amounts. A daily table sums amounts with `total`, which is empty when one of
them is, so that its day breaks a rule and is held back. A snapshot table leaves the order out of its sums.
"""

from __future__ import annotations

from project_etl.core.contracts import FAIL, on_fail

WHERE_TO_LOOK = "fx_rate_known of gold/fact_orders counts those that have none; add the rates to fx_rates"

NEEDS_RATES = on_fail(
    FAIL,
    null=on_fail(
        FAIL,
        description=f"every revenue order that is summed must have a rate into the reporting currency: {WHERE_TO_LOOK}",
    ),
)
"""What happens when a sum of a daily table is empty: its day is held back."""
