-- One piece of the stored rows of a partition, as they lie there.
SELECT * FROM {table:Identifier}
WHERE _partition_id = {partition:String} AND cityHash64(ver) % {pieces:UInt32} = {piece:UInt32}
