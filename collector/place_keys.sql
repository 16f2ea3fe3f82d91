-- Keys of places of sets of names: side, provider, model, key, team, environment, workload, deployment.
SELECT cityHash64({declared:String}, n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8]) AS key
FROM (SELECT arrayJoin({names:Array(Array(String))}) AS n)
