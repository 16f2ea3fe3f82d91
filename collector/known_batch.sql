-- A batch that went all the way, by its token: how many of its lines were left to the parser in Python.
SELECT rejected FROM batches FINAL WHERE source = 'requests_log' AND token = {token:String}
