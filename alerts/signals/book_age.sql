-- Days since this version of the price book was loaded, as the price job told it last.
SELECT argMax(value, (at, ver)) AS days FROM signals WHERE rule = 'price_book_age_days' AND at <= {to:DateTime('UTC')} HAVING count() > 0
