-- Rules that are muted at an instant, and until when.
SELECT rule, max(until) AS ends FROM mutes FINAL
WHERE since <= {at:DateTime64(3, 'UTC')} AND until > {at:DateTime64(3, 'UTC')}
GROUP BY rule ORDER BY rule
