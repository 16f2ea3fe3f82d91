"""What it really cost: hourly money of both sides, rebuilt from facts, every part adding up."""
