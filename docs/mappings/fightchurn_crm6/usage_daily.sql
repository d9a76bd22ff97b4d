-- Distinct users are given by row and day, and so are never summed over days. value is a product's own measure: left out.
SELECT
    account_id,
    day,
    event_type AS feature,
    n AS events,
    n_users AS users
FROM event_daily
