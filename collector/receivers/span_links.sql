-- What is remembered of the spans of some traces (ids between commas), but for what inserts of some versions brought.
SELECT trace, span, parent, at, event_key, provider, model, side, has_usage FROM span_links FINAL
WHERE trace IN splitByChar(',', {traces:String}) AND ver NOT IN {without:Array(UInt64)}
