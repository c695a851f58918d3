"""What Streamlit runs.

It has a folder of its own: Streamlit would take each module of a folder `pages` that stands beside it for a page.
"""
