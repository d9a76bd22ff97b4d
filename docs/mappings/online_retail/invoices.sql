-- One row an invoice, as it was issued: exact duplicate lines count once, and a line without a price sells nothing.
-- A cancellation (prefix C, negative quantity) is no purchase: counted as one, it would hide a customer falling silent.
SELECT
    InvoiceNo AS invoice_id,
    CustomerID AS account_id,
    min(InvoiceDate) AS issued_at,
    round(sum(Quantity * UnitPrice), 2) AS amount
FROM (SELECT DISTINCT * FROM online_retail)
WHERE CustomerID IS NOT NULL AND Quantity > 0 AND UnitPrice > 0
GROUP BY InvoiceNo, CustomerID
