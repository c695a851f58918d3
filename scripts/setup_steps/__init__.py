"""The steps of the set-up, one module each. No step knows another; `scripts/setup.py` puts them in order."""
