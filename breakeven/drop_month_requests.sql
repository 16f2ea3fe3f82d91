-- Drop one whole month of requests.
ALTER TABLE requests DROP PARTITION {month:String}
