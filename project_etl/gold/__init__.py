"""Answers: one module per Gold table, with its contract on top and the transform that fills it below.

Two facts (`fact_order_items`, `fact_orders`) read Silver; every other table reads the facts only, so that "revenue
order", the reporting currency and the version of a customer or product are decided in one place. What they say of an
order without a rate is in `_rates.py`. Not here: steps that several tables share (`core/transforms`), which days are
computed and how they are written (`core/gold`).
"""
