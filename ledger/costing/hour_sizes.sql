-- How many attempts, repeats included, stand in each of the named hours.
SELECT toStartOfHour(at) AS hour, count() AS n FROM requests WHERE toStartOfHour(at) IN {hours:Array(DateTime('UTC'))} GROUP BY hour
