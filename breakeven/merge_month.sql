-- Merge one month of a table into one part, so that no reading has to sort out replaced rows any more.
OPTIMIZE TABLE {table:Identifier} PARTITION ID {month:String} FINAL
