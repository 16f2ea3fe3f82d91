-- What following every verdict would save in 720 h, at least: where several workloads want one own deployment, only the one that
-- saves most on it counts, since the others would find it busy.
SELECT {to:DateTime} AS time, if(sum(n) = 0, NULL, sum(best)) AS value
FROM (
  SELECT place, count() AS n, greatest(0, if(place = '', sum(saving), max(saving))) AS best
  FROM (
    SELECT if(latest.1 = 'api', '', latest.2) AS place,
      if(latest.1 IN ('api', 'self_hosted', 'hybrid') AND latest.1 != latest.3 AND latest.3 != '', ifNull(toFloat64(latest.4), 0), 0) AS saving
    FROM (
      SELECT argMax((v.verdict, v.option, v.current, v.saving_usd_month), v.at) AS latest
      FROM v_verdicts AS v
      WHERE v.at < {to:DateTime} + toIntervalHour(1) AND {from:DateTime} < {to:DateTime} AND (empty({workload:Array(String)}) OR v.workload IN {workload:Array(String)})
        AND (empty({team:Array(String)}) OR v.workload IN (SELECT name FROM workloads GROUP BY name HAVING argMax(team, recorded_at) IN {team:Array(String)}))
      GROUP BY v.workload))
  GROUP BY place)
