-- A customer is an account. Customers of the test mode and deleted ones are left out.
SELECT id AS account_id, name, country AS region, created AS created_at, 'stripe' AS source, id AS record_id,
    'https://dashboard.stripe.com/customers/' || id AS url
FROM customer
WHERE is_deleted IS NOT TRUE AND livemode IS NOT FALSE
