-- One name for what lies on the shards: on a cluster, beside each `…_local` table.
CREATE TABLE IF NOT EXISTS table_name ON CLUSTER 'cluster_name' AS table_name_local
ENGINE = Distributed('cluster_name', currentDatabase(), table_name_local, sharding_key)
