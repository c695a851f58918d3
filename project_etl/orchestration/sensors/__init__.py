"""Sensors: what is out of date is asked for, and nothing is remembered about it."""
