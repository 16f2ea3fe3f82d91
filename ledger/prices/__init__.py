"""What things cost: the token price book, what a billed name costs when, GPU rates and overheads."""
