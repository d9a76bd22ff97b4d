-- How other systems may know a customer: an id in its metadata, and the domain of its mail address.
SELECT
    id AS record_id,
    CASE
        WHEN starts_with(metadata, '{') THEN coalesce(
            json_extract_string(metadata, '$.account_id'),
            json_extract_string(metadata, '$.external_id'),
            json_extract_string(metadata, '$.salesforce_id'),
            json_extract_string(metadata, '$.customer_id')
        )
        ELSE metadata
    END AS external_id,
    email AS domain,
    name
FROM customer
WHERE is_deleted IS NOT TRUE AND livemode IS NOT FALSE
