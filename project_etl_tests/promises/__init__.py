"""The promises that no single module keeps: one answer in any order, and after any crash."""
