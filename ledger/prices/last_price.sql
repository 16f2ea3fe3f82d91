-- Highest number given to a price.
SELECT max(price_id) AS price_id FROM prices
