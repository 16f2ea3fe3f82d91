"""BRING IN: usage and bills that are asked for, telemetry that is sent, files that are imported."""
