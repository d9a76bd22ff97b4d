"""The vocabularies of the contract, with the synonyms of common systems.

The synonyms are those of Zendesk, Jira, Salesforce, HubSpot, Freshdesk, ServiceNow, Intercom and Stripe, and the plain
words in German, French and Spanish. They are written in normal form (see ``vocabulary``).
"""

from features.contract.vocabulary import Vocabulary

EVENT_KINDS = Vocabulary(
    "kind",
    {
        "comment": (
            *("comments", "comment added", "public comment", "reply", "public reply", "reply sent", "replied"),
            *("message", "response", "email", "answer", "kommentar", "antwort", "commentaire", "comentario"),
        ),
        "status": ("status change", "status changed", "status update", "state", "state change", "state changed"),
        "priority": ("priority change", "priority changed", "priority update", "severity change"),
        "assigned": (
            *("assign", "assignment", "assignee", "assignee changed", "assigned to", "reassigned", "reassignment"),
            *("owner change", "owner changed", "group change", "group changed", "zugewiesen", "assigne", "asignado"),
        ),
        "escalated": (
            *("escalation", "escalate", "is escalated", "escalated to management", "eskaliert", "eskalation"),
            *("escalade", "escalado"),
        ),
        "deescalated": ("de escalated", "de escalation", "deescalation", "de escalate", "deeskaliert"),
        "reopened": ("reopen", "re opened", "re open", "reopening", "wiedereroffnet", "rouvert", "reabierto"),
        "solved": ("solve", "resolved", "resolve", "resolution", "fixed", "done", "gelost", "resolu", "resuelto"),
        "closed": ("close", "closure", "geschlossen", "ferme", "clos", "cerrado"),
        "sla_breached": (
            *("sla breach", "sla violated", "sla violation", "sla missed", "missed sla", "breach", "breached"),
            *("sla failed", "sla overdue"),
        ),
        "csat": (
            *("satisfaction", "satisfaction rating", "satisfaction score", "customer satisfaction", "rating", "rated"),
            *("survey", "survey response", "csat score", "csat rating", "csat response", "feedback"),
        ),
        "merged": ("merge", "merged into", "merged in", "merged to", "zusammengefuhrt", "fusionne", "fusionado"),
    },
    subject=("ticket", "case", "issue", "incident", "request", "conversation"),
)
ACTORS = Vocabulary(
    "actor",
    {
        "customer": (
            *("end user", "enduser", "end users", "user", "requester", "caller", "client", "contact", "lead"),
            *("external", "visitor", "reporter", "customers", "kunde", "kundin", "cliente"),
        ),
        "agent": (
            *("agents", "admin", "administrator", "staff", "employee", "teammate", "operator", "support", "internal"),
            *("support agent", "team", "team member", "technician", "assignee", "representative", "rep"),
            *("mitarbeiter", "bearbeiter", "agente", "conseiller"),
        ),
        "system": ("bot", "robot", "automation", "automated", "automatic", "trigger", "workflow", "api", "machine"),
    },
)
PRIORITIES = Vocabulary(
    "priority",
    {
        "urgent": (
            *("critical", "highest", "blocker", "emergency", "severe", "very high", "immediate", "showstopper"),
            *("p0", "p1", "s0", "s1", "sev0", "sev1", "severity0", "severity1", "prio1", "priority1", "level1", "0"),
            *("1", "kritisch", "dringend", "sehr hoch", "blockierend", "urgente", "critique", "critica", "critico"),
        ),
        "high": (
            *("major", "important", "elevated", "p2", "s2", "sev2", "severity2", "prio2", "priority2", "level2", "2"),
            *("hoch", "haute", "eleve", "elevee", "alta", "alto"),
        ),
        "normal": (
            *("medium", "moderate", "standard", "default", "mittel", "moyen", "moyenne", "normale", "media", "medio"),
            *("p3", "s3", "sev3", "severity3", "prio3", "priority3", "level3", "3", "average", "not priority"),
        ),
        "low": (
            *("minor", "lowest", "trivial", "planning", "very low", "p4", "p5", "s4", "s5", "sev4", "sev5", "prio4"),
            *("severity4", "severity5", "priority4", "priority5", "level4", "4", "5", "cosmetic", "niedrig", "gering"),
            *("basse", "faible", "baja", "bajo"),
        ),
    },
    coded=True,
)
STATUSES = Vocabulary(
    "status",
    {
        "new": ("created", "submitted", "unassigned", "neu", "nouveau", "nuevo"),
        "open": (
            *("opened", "active", "in progress", "work in progress", "working", "started", "to do", "todo", "triage"),
            *(
                "assigned",
                "in review",
                "waiting for support",
                "waiting on us",
                "waiting on support",
                "customer replied",
            ),
            *("offen", "in bearbeitung", "ouvert", "en cours", "abierto", "en curso"),
        ),
        "pending": (
            *("waiting for customer", "waiting on customer", "waiting on contact", "awaiting customer", "snoozed"),
            *("awaiting reply", "awaiting user info", "waiting", "awaiting customer response", "wartend", "en attente"),
            *("waiting for customer response", "pending customer", "pendiente"),
        ),
        "on_hold": (
            *("hold", "onhold", "awaiting vendor", "awaiting problem", "awaiting change", "waiting on third party"),
            *("waiting for third party", "paused", "blocked", "angehalten"),
        ),
        "reopened": ("re opened", "reopen", "wiedereroffnet", "rouvert", "reabierto"),
        "escalated": ("escalation", "eskaliert"),
        "solved": ("resolved", "done", "fixed", "complete", "completed", "answered", "gelost", "resolu", "resuelto"),
        "closed": (
            *("close", "cancelled", "canceled", "closed complete", "closed incomplete", "closed skipped", "archived"),
            *("rejected", "declined", "abgeschlossen", "geschlossen", "ferme", "cerrado"),
        ),
        "merged": ("merge", "duplicate", "closed duplicate"),
    },
)
RATINGS = Vocabulary(
    "csat",
    {
        "5": (
            *("good", "great", "excellent", "amazing", "very good", "happy", "satisfied", "very satisfied", "positive"),
            *("good with comment", "thumbs up", "gut", "zufrieden", "bon", "satisfait", "bueno", "satisfecho"),
        ),
        "3": ("neutral", "ok", "okay", "average", "mixed"),
        "1": (
            *("bad", "poor", "terrible", "awful", "very bad", "unhappy", "dissatisfied", "very dissatisfied"),
            *("unsatisfied", "negative", "bad with comment", "thumbs down", "schlecht", "unzufrieden", "mauvais"),
            *("insatisfait", "malo", "insatisfecho"),
        ),
        "offered": ("unoffered", "survey sent", "sent"),
    },
    numbers=True,
)
ACCOUNT_TYPES = Vocabulary(
    "type",
    {
        "customer": (
            *("customers", "client", "paying", "paying customer", "customer direct", "customer channel", "paid"),
            *("existing customer", "kunde", "cliente"),
        ),
        "prospect": ("lead", "opportunity", "interessent"),
        "partner": (
            *("reseller", "technology partner", "channel partner reseller", "channel partner", "installation partner"),
            *("agency", "distributor", "integrator", "vendor"),
        ),
        "trial": ("free trial", "trialing", "trialling", "trial account", "evaluation", "poc", "pilot"),
        "free": ("freemium", "free plan", "free account", "free tier", "kostenlos", "gratuit", "gratis"),
        "internal": ("employee", "own", "in house", "intern", "interne", "interno"),
        "test": ("testing", "test account", "demo", "demo account", "sandbox", "dummy", "qa"),
        "former": ("former customer", "ex customer", "churned", "past customer"),
        "competitor": (),
        "investor": (),
        "other": (),
    },
)
INVOICE_STATES = Vocabulary(
    "status",
    {
        "open": (
            *("unpaid", "outstanding", "due", "overdue", "past due", "sent", "issued", "posted", "pending"),
            *("authorised", "authorized", "partially paid", "partial", "not paid", "awaiting payment", "offen"),
            *("uberfallig", "impaye", "impayee", "pendiente", "vencida"),
        ),
        "paid": (
            *("paid in full", "settled", "payed", "succeeded", "complete", "completed", "bezahlt", "beglichen"),
            *("paye", "payee", "pagado", "pagada"),
        ),
        "void": (
            *("voided", "cancelled", "canceled", "deleted", "reversed", "storniert", "annule", "annulee", "anulada"),
            *("refunded", "credited"),
        ),
        "uncollectible": ("uncollectable", "written off", "write off", "bad debt", "ausgebucht"),
        "draft": ("drafted", "in draft", "proforma", "pro forma", "unposted", "scheduled", "entwurf", "brouillon"),
    },
)
_OTHER_CURRENCIES = (
    *("AED", "ARS", "BGN", "BRL", "CLP", "COP", "CZK", "DKK", "EGP", "HKD", "HUF", "IDR", "ILS", "ISK", "KRW", "MXN"),
    *("MYR", "NOK", "NZD", "PEN", "PHP", "PLN", "RON", "RUB", "SAR", "SEK", "SGD", "THB", "TRY", "TWD", "UAH", "VND"),
    "ZAR",
)
CURRENCIES = Vocabulary(
    "currency",
    {
        "EUR": ("€", "euro", "euros"),
        "USD": ("$", "us$", "us dollar", "us dollars", "dollar", "dollars"),
        "GBP": ("£", "pound", "pounds", "pound sterling", "sterling"),
        "CHF": ("sfr", "fr", "franken", "swiss franc", "swiss francs"),
        "JPY": ("¥", "yen"),
        "CNY": ("rmb", "yuan", "renminbi"),
        "INR": ("₹", "rupee", "rupees"),
        "CAD": ("c$", "ca$", "canadian dollar"),
        "AUD": ("a$", "au$", "australian dollar"),
        **dict.fromkeys(_OTHER_CURRENCIES, ()),
    },
    upper=True,
)

VOCABULARIES = (*(EVENT_KINDS, ACTORS, PRIORITIES, STATUSES, RATINGS, ACCOUNT_TYPES, INVOICE_STATES, CURRENCIES),)
"""All of them; ``status`` names that of tickets and that of invoices, which a company's own words tell apart."""
