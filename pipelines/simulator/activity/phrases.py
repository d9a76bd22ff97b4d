"""The grammar of ticket texts: sentences to choose from, by category and by tone (0 content … 3 angry)."""

from collections.abc import Mapping
from typing import Final

THINGS: Final = (
    "the weekly report",
    "the dashboard",
    "the approval workflow",
    "the mobile app",
    "the REST API",
    "the CSV import",
    "the Salesforce sync",
    "the audit log",
    "single sign-on",
    "the calendar view",
    "the automation rules",
    "the export to Excel",
    "the notification e-mails",
    "the user directory",
    "the billing page",
    "the search",
)

SUBJECTS: Final[Mapping[str, tuple[str, ...]]] = {
    "how_to": (
        "How do we set up {}?",
        "Question about {}",
        "Can you walk us through {}?",
        "Best way to use {}",
        "Help with {}",
    ),
    "bug": (
        "{} shows wrong numbers",
        "Error in {}",
        "{} stopped working after the update",
        "Strange behaviour of {}",
        "{} fails",
    ),
    "performance": ("{} is very slow", "Timeouts in {}", "{} takes minutes to load", "Slow again: {}", "{} hangs"),
    "outage": (
        "Cannot reach {}",
        "Is {} down?",
        "Service unavailable: {}",
        "{} offline since this morning",
        "Nothing loads in {}",
    ),
    "billing": (
        "Question on our last invoice",
        "Wrong amount on the invoice",
        "Invoice dispute",
        "Seats billed twice",
        "VAT number",
    ),
    "integration": (
        "{} does not receive data",
        "Connecting {} to our warehouse",
        "Webhook and {}",
        "{}: mapping of fields",
        "Sync with {}",
    ),
    "access": (
        "Colleague cannot open {}",
        "Locked out of {}",
        "Permissions for {}",
        "New joiner needs {}",
        "Password reset and {}",
    ),
    "feature": (
        "Feature request: {}",
        "Would love to see more in {}",
        "Idea for {}",
        "Missing option in {}",
        "Roadmap for {}?",
    ),
    "complaint": (
        "Unhappy with the handling of {}",
        "Still no answer about {}",
        "This is not acceptable",
        "Third time: {}",
        "Complaint: {}",
    ),
}

GREETINGS: Final = (
    "Hi team,",
    "Hello,",
    "Good morning,",
    "Hi there,",
    "Dear support,",
    "Hey,",
    "Good afternoon,",
    "Hi all,",
)

PROBLEMS: Final[Mapping[str, tuple[str, ...]]] = {
    "how_to": (
        "we would like to use {} for a second team and are not sure where to begin.",
        "is there a guide for {}? The help page only covers the basics.",
        "what is the recommended way to arrange {} for several departments?",
        "could you show us how others use {}?",
        "I cannot find where to change the settings of {}.",
        "we are onboarding new colleagues and want them to learn {}.",
    ),
    "bug": (
        "since the last update {} gives totals that do not match our own.",
        "{} throws an error whenever we save.",
        "when two of us edit at the same time, {} loses the changes of one.",
        "{} shows last month's data although the filter says this month.",
        "the totals in {} are off by a few rows every time.",
        "we can reproduce it: open {}, sort by date, and the page goes blank.",
    ),
    "performance": (
        "{} takes more than a minute to open for most of us.",
        "we get timeouts in {} around nine every morning.",
        "{} has become slower every week since spring.",
        "with about two thousand rows {} is hardly usable.",
        "the spinner in {} never ends for our larger teams.",
    ),
    "outage": (
        "none of our users can reach {} at the moment.",
        "{} has been unavailable since early this morning.",
        "we see error 503 in {} from all of our offices.",
        "everything around {} is down for us; is there an incident?",
        "the status page is green, yet {} does not load at all.",
    ),
    "billing": (
        "the last invoice lists more seats than we have.",
        "we were charged for a month in which the add-on was already cancelled.",
        "could you send the invoice again with our new purchase order?",
        "the amount does not match the quote that we signed.",
        "please change the billing contact and the address.",
        "we do not recognise one of the positions on the invoice.",
    ),
    "integration": (
        "{} no longer receives the records that we push.",
        "we are trying to connect {} to our data warehouse and get a 401.",
        "webhooks from {} arrive twice, an hour apart.",
        "the mapping of custom fields in {} was reset overnight.",
        "could you raise the rate limit for {} during our migration?",
    ),
    "access": (
        "a colleague who joined on Monday cannot open {}.",
        "after the change of our identity provider nobody can sign in to {}.",
        "please give our finance team read access to {}.",
        "one of our admins left; who can take over {}?",
        "the invitation for {} has expired.",
    ),
    "feature": (
        "it would help us a lot if {} could be filtered by region.",
        "is there a plan to have {} in other languages?",
        "we would like to schedule {} for the first working day of a month.",
        "could {} remember the last settings?",
        "our auditors ask for a history of changes in {}.",
    ),
    "complaint": (
        "we reported the problem with {} weeks ago and nothing has happened.",
        "every answer we get about {} comes from somebody else and starts from zero.",
        "the promised fix for {} was due last month.",
        "our users have stopped trusting {}.",
        "for what we pay, {} has to work.",
    ),
}

IMPACTS: Final[tuple[tuple[str, ...], ...]] = (
    (
        "No rush on our side.",
        "Otherwise everything is going well.",
        "The team really likes the new version, by the way.",
        "It is a small thing, but it would make our week.",
        "Happy to test something if that helps.",
    ),
    (
        "It costs us some time every day.",
        "Two teams are waiting for this.",
        "We can work around it for now.",
        "Please let us know when to expect an answer.",
        "We need it for the end of the month.",
    ),
    (
        "This is the second time this quarter.",
        "My colleagues have gone back to spreadsheets because of it.",
        "We have had to explain this to our own customers.",
        "Adoption here suffers, and I have to report on it.",
        "I expected this to be settled by now.",
    ),
    (
        "This is hurting our business and nobody seems to care.",
        "We have lost a full day of work, again.",
        "I have run out of patience with this.",
        "Our management is asking why we still pay for it.",
        "We have been promised a solution too many times.",
    ),
)

PLEAS: Final[tuple[tuple[str, ...], ...]] = (
    ("", "", "Thanks in advance!", "A short answer is enough."),
    ("", "Could you have a look?", "A call tomorrow would work for us.", "Screenshots are attached."),
    (
        "Please escalate this internally.",
        "We need a date.",
        "Can somebody senior look at this?",
        "We are looking at how {rival} does this.",
        "",
    ),
    (
        "I want to speak to your manager.",
        "Please have an executive call me today.",
        "If this is not settled, we will cancel at the end of the term.",
        "We have asked {rival} for an offer.",
        "Tell us how to terminate the contract.",
        "We are reviewing whether to renew at all.",
    ),
)

RIVALS: Final = ("Corvex", "Planwise", "Teamloom", "Orbitdesk", "Flowbarn")
SIGNOFFS: Final = ("Best regards", "Thanks", "Kind regards", "Many thanks", "Regards", "Cheers", "Thank you", "")
