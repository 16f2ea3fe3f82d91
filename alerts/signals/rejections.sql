-- Rows that were refused in the last hour, by source.
SELECT source, sum(b.rejected) AS rejected, sum(b.rows) + sum(b.rejected) AS received FROM batches AS b FINAL
WHERE received_at > {to:DateTime('UTC')} - toIntervalHour(1) AND received_at <= {to:DateTime('UTC')}
GROUP BY source HAVING received > 0 ORDER BY source
