-- Put all parts that lie in the detached folder of a table back into it.
ALTER TABLE {table:Identifier} ATTACH PARTITION ALL
