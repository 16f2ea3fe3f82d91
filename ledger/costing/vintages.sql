-- The vintages that were made, with what they are and what they hold.
SELECT s.name AS vintage, s.value AS value, count() AS rows, minOrNull(c.hour) AS first, maxOrNull(c.hour) AS last
FROM (SELECT name, value FROM source_state FINAL WHERE source = 'vintage' AND value != '') AS s
LEFT JOIN v_cost_vintages AS c ON c.vintage = s.name
GROUP BY vintage, value ORDER BY vintage
