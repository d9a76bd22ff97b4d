"""What customers write about a new checkout: two failures, one question of use, and everything else, in four languages.

A sentence has places for a step, an amount, a browser and a code; not every customer mentions the code.
"""

from collections.abc import Mapping
from typing import Final

LAUNCH_LANGUAGES: Final = ("en", "de", "fr", "es")
FEATURE: Final = "Express Checkout"

PAYMENT: Final[Mapping[str, tuple[str, ...]]] = {
    "en": (
        "{feature} times out at the payment step",
        "payment in {feature} never finishes, after a minute we get a timeout{code}",
        "card payments hang in {feature}: gateway timeout{code}",
        "our customers cannot pay, {feature} spins and then shows an error{code}",
        "since this morning paying with {feature} fails with a timeout in {browser}",
        "the payment request of {feature} is not answered in time{code}",
        "orders of {amount} stay unpaid because the payment page of {feature} stops responding",
    ),
    "de": (
        "{feature}: Zeitüberschreitung beim Bezahlen{code}",
        "die Zahlung im {feature} bricht nach einer Minute mit Timeout ab{code}",
        "Kunden können nicht bezahlen, {feature} hängt beim Zahlungsschritt",
        "beim Bezahlen mit {feature} kommt nur ein Fehler{code}",
        "Kartenzahlung im {feature} läuft in {browser} in einen Timeout",
        "Zahlungen über {amount} gehen im {feature} nicht durch, die Seite antwortet nicht mehr",
    ),
    "fr": (
        "le paiement dans {feature} expire toujours{code}",
        "délai dépassé au moment de payer avec {feature}{code}",
        "nos clients n'arrivent pas à payer : {feature} reste bloqué sur le paiement",
        "erreur de paiement dans {feature}, timeout après une minute{code}",
        "paiement par carte impossible avec {feature} sous {browser}, la page ne répond plus",
    ),
    "es": (
        "el pago en {feature} se queda colgado y da timeout{code}",
        "tiempo de espera agotado al pagar con {feature}{code}",
        "los clientes no pueden pagar, {feature} muestra un error{code}",
        "pago con tarjeta en {feature}: la página no responde en {browser}",
    ),
}

TAX: Final[Mapping[str, tuple[str, ...]]] = {
    "en": (
        "{feature} calculates the wrong VAT{code}",
        "the tax on the order total is wrong in {feature}, {amount} too much",
        "VAT is added twice to the invoice when ordering with {feature}",
        "{feature} shows 0% tax for customers abroad{code}",
        "totals of {feature} do not match the invoice: the tax amount is off{code}",
        "reverse charge is ignored, {feature} charges VAT anyway",
    ),
    "de": (
        "{feature} berechnet die falsche Mehrwertsteuer{code}",
        "Steuerbetrag in {feature} stimmt nicht, {amount} zu viel auf der Rechnung",
        "die MwSt wird im {feature} doppelt berechnet",
        "{feature} weist bei Auslandskunden 0% Steuer aus{code}",
        "Rechnungssumme aus {feature} ist falsch, die Steuer passt nicht{code}",
    ),
    "fr": (
        "la TVA calculée par {feature} est fausse{code}",
        "{feature} ajoute deux fois la TVA sur la facture",
        "montant de taxe incorrect dans {feature}, {amount} de trop{code}",
        "le total de la facture {feature} ne correspond pas, la TVA est fausse",
    ),
    "es": (
        "{feature} calcula mal el IVA{code}",
        "el IVA se suma dos veces en la factura de {feature}",
        "importe del impuesto incorrecto en {feature}, {amount} de más{code}",
        "el total de la factura no cuadra: {feature} aplica mal el IVA",
    ),
}

ENABLE: Final[Mapping[str, tuple[str, ...]]] = {
    "en": (
        "how do we switch on {feature} for our shop?",
        "where can I find the settings of {feature}?",
        "is there a guide how to enable {feature}? I cannot find the option in the menu",
        "how can I activate {feature} for a second shop",
        "which plan do we need to use {feature}, and where do I turn it on?",
        "could you show us how to set up {feature}? the help page does not say where the settings are",
    ),
    "de": (
        "wie aktiviere ich {feature} für unseren Shop?",
        "wo finde ich die Einstellungen von {feature}?",
        "gibt es eine Anleitung, wie man {feature} einschaltet? Ich finde die Option im Menü nicht",
        "wie können wir {feature} für einen zweiten Shop einrichten",
    ),
    "fr": (
        "comment activer {feature} pour notre boutique ?",
        "où se trouvent les paramètres de {feature} ?",
        "y a-t-il un guide pour configurer {feature} ? je ne trouve pas l'option dans le menu",
    ),
    "es": (
        "¿cómo activo {feature} en nuestra tienda?",
        "¿dónde están los ajustes de {feature}?",
        "¿hay una guía para configurar {feature}? no encuentro la opción en el menú",
    ),
}

OTHER_SENTENCES: Final[tuple[str, ...]] = (
    "we love {feature}, congratulations to the team",
    "can the button of {feature} be in our brand colour?",
    "the logo looks blurred on {feature} on a tablet",
    "does {feature} support gift wrapping?",
    "our auditors ask for your security certificates, also for {feature}",
    "please remove our demo shop from the newsletter about {feature}",
    "translations of {feature} into Danish have a typo",
    "we would like a webinar about {feature} for our sales people",
    "is {feature} included in our contract renewal?",
    "a colleague left, please close his user; he tested {feature}",
    "shipping labels are printed in the wrong size since we use {feature}",
    "delivery dates in {feature} ignore our holidays",
    "the e-mail after an order in {feature} goes to spam",
    "can we export the orders of {feature} to our warehouse?",
    "address lookup in {feature} suggests the old street names",
    "coupon codes are case sensitive in {feature}",
    "die Schrift in {feature} ist für ältere Kunden zu klein",
    "bitte {feature} für unser Testsystem zurücksetzen",
    "das Lager bekommt Bestellungen aus {feature} erst am nächsten Tag",
    "Lob an das Team: {feature} sieht gut aus",
    "la police de {feature} est trop petite sur mobile",
    "pouvez-vous ajouter Apple Watch à {feature} ?",
    "les stocks ne se mettent pas à jour avec {feature}",
    "el idioma de {feature} cambia solo a inglés",
    "queremos una demo de {feature} para el equipo de ventas",
    "los puntos de fidelidad no aparecen en {feature}",
)

OPENINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "en": ("Hi,", "Hello team,", "Good morning,", ""),
    "de": ("Hallo,", "Guten Tag,", "Liebes Team,", ""),
    "fr": ("Bonjour,", "Bonjour à tous,", ""),
    "es": ("Hola,", "Buenos días,", ""),
}

ENDINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "en": ("Thanks", "Please help, this is urgent for us.", "Kind regards", "We need an answer today.", ""),
    "de": ("Danke", "Bitte um schnelle Hilfe.", "Viele Grüße", "Es ist dringend.", ""),
    "fr": ("Merci", "C'est urgent pour nous.", "Cordialement", ""),
    "es": ("Gracias", "Es urgente para nosotros.", "Un saludo", ""),
}

BROWSERS: Final = ("Safari", "Chrome", "Firefox", "Edge")
