"""Gold's loader: compute what is stale, judge it, publish it, and report."""
