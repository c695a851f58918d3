"""Steps that transforms share, and the only place for arithmetic and text functions in which engines differ."""
