-- The incident as its first log entry shows it, known when that entry was written. resolved_at, closed_at, closed_code and
-- resolved_by are written back onto every entry of an incident: they are the future and never read. So are assigned_to,
-- which on the first entry of a reassigned incident is mostly a person of its last group, and sys_created_by.
-- opened_at is the same on all entries. Three incidents name no caller: they go to quarantine, seen.
WITH entries AS (
    SELECT *, strptime(sys_updated_at, '%-d/%-m/%Y %H:%M') AS updated_at FROM incident_event_log
)
SELECT
    number AS ticket_id,
    nullif(caller_id, '?') AS account_id,
    strptime(opened_at, '%-d/%-m/%Y %H:%M') AS opened_at,
    nullif(contact_type, '?') AS channel,
    nullif(category, '?') AS category,
    nullif(priority, '?') AS priority,
    nullif(assignment_group, '?') AS "group",
    nullif(subcategory, '?') AS subcategory,
    nullif(u_symptom, '?') AS symptom,
    nullif(location, '?') AS location,
    nullif(opened_by, '?') AS opened_by,
    impact,
    urgency,
    knowledge,
    incident_state AS first_state,
    updated_at AS known_at
FROM entries
QUALIFY row_number() OVER (PARTITION BY number ORDER BY updated_at, CAST(sys_mod_count AS INTEGER), incident_state) = 1
