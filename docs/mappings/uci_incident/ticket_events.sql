-- What changed from one log entry to the next, at the time of the entry (sys_updated_at). Escalated is the second
-- reassignment, a reopening, or a raised priority (1 is the highest).
WITH entries AS (
    SELECT
        *,
        strptime(sys_updated_at, '%-d/%-m/%Y %H:%M') AS updated_at,
        CAST(sys_mod_count AS INTEGER) AS step,
        CAST(reassignment_count AS INTEGER) AS moves,
        CAST(reopen_count AS INTEGER) AS reopenings,
        CAST(left(priority, 1) AS INTEGER) AS level
    FROM incident_event_log
),
changes AS (
    SELECT
        *,
        row_number() OVER log AS entry,
        lag(incident_state) OVER log AS state_before,
        lag(moves) OVER log AS moves_before,
        lag(reopenings) OVER log AS reopenings_before,
        lag(level) OVER log AS level_before,
        lag(made_sla) OVER log AS sla_before
    FROM entries
    WINDOW log AS (PARTITION BY number ORDER BY updated_at, step, incident_state)
),
events AS (
    SELECT *, 'status' AS kind, incident_state AS value FROM changes
    WHERE incident_state NOT IN ('Resolved', 'Closed') AND incident_state IS DISTINCT FROM state_before
    UNION ALL
    SELECT *, 'solved', incident_state FROM changes
    WHERE incident_state = 'Resolved' AND incident_state IS DISTINCT FROM state_before
    UNION ALL
    SELECT *, 'closed', incident_state FROM changes
    WHERE incident_state = 'Closed' AND incident_state IS DISTINCT FROM state_before
    UNION ALL
    SELECT *, 'assigned', nullif(assignment_group, '?') FROM changes WHERE moves > moves_before
    UNION ALL
    SELECT *, 'reopened', NULL FROM changes WHERE reopenings > reopenings_before
    UNION ALL
    SELECT *, 'priority', priority FROM changes WHERE level <> level_before
    UNION ALL
    SELECT *, 'sla_breached', NULL FROM changes WHERE made_sla = 'false' AND coalesce(sla_before, 'true') = 'true'
    UNION ALL
    SELECT *, 'escalated', NULL FROM changes
    WHERE (moves >= 2 AND moves_before < 2) OR reopenings > reopenings_before OR level < level_before
)
SELECT
    concat_ws('/', number, entry, kind) AS event_id,
    number AS ticket_id,
    updated_at AS occurred_at,
    kind,
    value,
    nullif(assignment_group, '?') AS "group"
FROM events
