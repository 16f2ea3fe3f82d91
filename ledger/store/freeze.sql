-- Keep the files of a table as they are now, under a name.
ALTER TABLE {table:Identifier} FREEZE WITH NAME 'breakeven'
