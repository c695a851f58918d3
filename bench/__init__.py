"""Speed and memory of the platform beside scripts that do the same work (`python -m bench`).

`landing.py` makes the data, `peers/` are the scripts, `scenarios.py` runs both sides, `measure.py` and `counts.py` say
what a run took and did, and `report.py` writes it down. What the platform itself needs does not belong here.
"""
