"""Silver's loader: plan what is to be judged, judge and rank it, publish it, and report."""
