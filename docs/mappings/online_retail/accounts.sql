-- A customer exists for us from the first line we have of theirs; nine moved country: the first one is what we knew.
SELECT
    CustomerID AS account_id,
    arg_min(Country, InvoiceDate) AS region,
    min(InvoiceDate) AS created_at
FROM online_retail
WHERE CustomerID IS NOT NULL
GROUP BY CustomerID
