"""The same rows on every engine: transforms, shared steps and rules over the values at which engines differ."""
