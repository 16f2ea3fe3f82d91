-- What each attempt was booked at, by its number.
SELECT key, cost FROM requests FINAL
