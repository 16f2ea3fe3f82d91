-- Booked spans of every name as billed.
SELECT vintage, provider, model, variant, region, valid_from, valid_to, id0, start1, id1, start2, id2, flags
FROM price_ranges FINAL
WHERE vintage = 'booked' AND valid_to >= valid_from
ORDER BY provider, model, variant, region, valid_from
