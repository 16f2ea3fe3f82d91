"""KEEP, PRICE, COMPARE: what was seen, what it cost, and where it would cost less."""
