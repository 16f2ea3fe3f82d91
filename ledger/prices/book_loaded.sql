-- When a version of the price book was first loaded; at a change of version only changed prices are written.
SELECT minOrNull(recorded_at) AS loaded FROM prices FINAL WHERE source = {source:String}
