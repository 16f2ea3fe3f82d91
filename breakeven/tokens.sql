-- Access tokens with the last day on which each was used.
SELECT t.id AS id, t.role AS role, t.note AS note, toString(t.sha256) AS sha256, t.created_at AS created_at, t.expires_at AS expires_at,
  t.revoked AS revoked, u.last AS last_used
FROM (SELECT * FROM tokens FINAL) AS t
LEFT JOIN (SELECT id, toNullable(max(day)) AS last FROM token_uses GROUP BY id) AS u ON u.id = t.id
ORDER BY created_at, id
