-- Which services' spans are known to have told tokens on some days.
SELECT DISTINCT day, service FROM span_services WHERE day IN {days:Array(Date)}
