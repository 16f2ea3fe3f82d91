-- When each rule was told last.
SELECT rule, max(created_at) AS last FROM notifications FINAL WHERE status = 'firing' AND created_at > {at:DateTime64(3, 'UTC')} - toIntervalDay(1) GROUP BY rule ORDER BY rule
