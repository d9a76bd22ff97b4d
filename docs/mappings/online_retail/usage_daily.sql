-- Lines a day stand for usage: what was ordered, and what was sent back.
SELECT
    CustomerID AS account_id,
    CAST(InvoiceDate AS DATE) AS day,
    CASE WHEN starts_with(InvoiceNo, 'C') THEN 'cancelled_lines' ELSE 'order_lines' END AS feature,
    count(*) AS events
FROM (SELECT DISTINCT * FROM online_retail)
WHERE CustomerID IS NOT NULL AND UnitPrice > 0
GROUP BY ALL
