SELECT id AS account_id, coalesce(company, nullif(concat_ws(' ', first_name, last_name), '')) AS name, country AS region,
    created AS created_at, 'chargebee' AS source, id AS record_id
FROM customer
WHERE is_deleted IS NOT TRUE AND created IS NOT NULL
