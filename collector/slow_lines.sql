-- Checksums of the lines of an insert that the engine left to the parser in Python.
SELECT crc FROM slow_lines FINAL WHERE segment = {segment:String} ORDER BY crc
