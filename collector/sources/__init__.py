"""Where facts are asked for: one file a source."""
