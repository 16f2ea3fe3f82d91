"""Where facts are sent to: one file a protocol."""
