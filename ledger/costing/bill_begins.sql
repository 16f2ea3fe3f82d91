-- The first day for which each provider's bills were brought in: before it nothing is known of them.
SELECT provider, min(toDate(start, 'UTC')) AS first FROM charges FINAL WHERE about_models GROUP BY provider
