-- What is remembered of the spans of some traces.
SELECT trace, span, parent, at, event_key, provider, model, side, has_usage FROM span_links FINAL WHERE trace IN {traces:Array(String)}
