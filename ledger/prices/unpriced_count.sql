-- Attempts of the API side that have tokens and no price row.
SELECT count() AS attempts FROM requests FINAL WHERE side = 'api' AND price_id = 0 AND unpriced != 0
