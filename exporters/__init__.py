"""MEASURE: beside the GPUs and the model servers; speaks OTLP and imports nothing of ours."""
