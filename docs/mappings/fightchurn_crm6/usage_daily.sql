-- Distinct users are given by row and day, and so are never summed over days. value is a product's own measure: left out.
-- Usage goes on for a month after the last term was written down. Left in, it would tell the labels that this month was
-- observed, and that nobody left in it.
SELECT
    account_id,
    day,
    event_type AS feature,
    n AS events,
    n_users AS users
FROM event_daily
WHERE day <= (SELECT max(start_date) FROM subscription)
