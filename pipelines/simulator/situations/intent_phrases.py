"""What customers write when they want to leave, in four languages, and sentences that only sound like it."""

from collections.abc import Mapping
from typing import Final

INTENTS: Final = ("asks_to_cancel", "asks_to_export", "names_competitor", "asks_for_manager", "threatens", "blocked")

ASKS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "en": {
        "asks_to_cancel": (
            "Tell us how to terminate the contract.",
            "We would like to cancel our subscription at the end of the term.",
            "Please take this as notice that we will not renew.",
        ),
        "asks_to_export": (
            "How can we export all of our data before the account is closed?",
            "Please send us a complete copy of our data.",
        ),
        "names_competitor": (
            "We have asked {rival} for an offer.",
            "Two of our teams are already testing {rival}.",
            "We are looking at how {rival} does this.",
        ),
        "asks_for_manager": (
            "I want to speak to your manager.",
            "Please have an executive call me today.",
        ),
        "threatens": (
            "If this is not solved by Friday, we will cancel the contract.",
            "Otherwise we will hand this over to our lawyers.",
        ),
        "blocked": (
            "We are completely blocked and cannot work.",
            "Our whole team has been unable to work since this morning.",
        ),
    },
    "de": {
        "asks_to_cancel": (
            "Bitte teilen Sie uns mit, wie wir den Vertrag kündigen können.",
            "Hiermit kündigen wir unseren Vertrag zum Ende der Laufzeit.",
            "Wir möchten unser Abonnement nicht verlängern.",
        ),
        "asks_to_export": (
            "Wie können wir alle unsere Daten exportieren, bevor das Konto geschlossen wird?",
            "Bitte senden Sie uns einen vollständigen Export unserer Daten.",
        ),
        "names_competitor": (
            "Wir haben bei {rival} ein Angebot angefragt.",
            "Zwei unserer Teams testen bereits {rival}.",
        ),
        "asks_for_manager": (
            "Ich möchte mit Ihrem Vorgesetzten sprechen.",
            "Bitte lassen Sie mich von der Geschäftsführung zurückrufen.",
        ),
        "threatens": (
            "Wenn das bis Freitag nicht gelöst ist, kündigen wir den Vertrag.",
            "Andernfalls schalten wir unseren Anwalt ein.",
        ),
        "blocked": (
            "Wir sind komplett blockiert und können nicht arbeiten.",
            "Seit heute Morgen kann unser ganzes Team nicht mehr arbeiten.",
        ),
    },
    "fr": {
        "asks_to_cancel": (
            "Merci de nous indiquer comment résilier le contrat.",
            "Nous souhaitons résilier notre abonnement à la fin de la période.",
            "Nous ne renouvellerons pas notre contrat.",
        ),
        "asks_to_export": (
            "Comment pouvons-nous exporter toutes nos données avant la fermeture du compte ?",
            "Merci de nous envoyer une copie complète de nos données.",
        ),
        "names_competitor": (
            "Nous avons demandé une offre à {rival}.",
            "Deux de nos équipes testent déjà {rival}.",
        ),
        "asks_for_manager": (
            "Je veux parler à votre responsable.",
            "Merci de demander à un dirigeant de m'appeler aujourd'hui.",
        ),
        "threatens": (
            "Si ce n'est pas résolu d'ici vendredi, nous résilierons le contrat.",
            "Sinon, nous transmettrons le dossier à notre avocat.",
        ),
        "blocked": (
            "Nous sommes complètement bloqués et ne pouvons plus travailler.",
            "Toute notre équipe ne peut plus travailler depuis ce matin.",
        ),
    },
    "es": {
        "asks_to_cancel": (
            "Por favor, indíquennos cómo cancelar el contrato.",
            "Queremos cancelar nuestra suscripción al final del periodo.",
            "No vamos a renovar el contrato.",
        ),
        "asks_to_export": (
            "¿Cómo podemos exportar todos nuestros datos antes de cerrar la cuenta?",
            "Por favor, envíennos una copia completa de nuestros datos.",
        ),
        "names_competitor": (
            "Hemos pedido una oferta a {rival}.",
            "Dos de nuestros equipos ya están probando {rival}.",
        ),
        "asks_for_manager": (
            "Quiero hablar con su responsable.",
            "Por favor, que me llame hoy un directivo.",
        ),
        "threatens": (
            "Si no se resuelve antes del viernes, cancelaremos el contrato.",
            "De lo contrario, pasaremos el asunto a nuestros abogados.",
        ),
        "blocked": (
            "Estamos completamente bloqueados y no podemos trabajar.",
            "Todo nuestro equipo no puede trabajar desde esta mañana.",
        ),
    },
}
"""The sentences of each intent, by language; ``{rival}`` is the name of a competitor."""

NEGATED: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "en": {
        "asks_to_cancel": ("We do not want to cancel, we only need an answer.", "We have no intention of cancelling."),
        "asks_to_export": ("We do not need an export of our data.",),
        "asks_for_manager": ("There is no need to involve a manager.",),
        "blocked": ("We are not blocked by this.",),
    },
    "de": {
        "asks_to_cancel": ("Wir wollen nicht kündigen, wir brauchen nur eine Antwort.",),
        "asks_to_export": ("Wir brauchen keinen Export unserer Daten.",),
        "asks_for_manager": ("Sie müssen keinen Vorgesetzten einschalten.",),
        "blocked": ("Wir sind dadurch nicht blockiert.",),
    },
    "fr": {
        "asks_to_cancel": ("Nous ne voulons pas résilier, nous avons seulement besoin d'une réponse.",),
        "asks_to_export": ("Nous n'avons pas besoin d'un export de nos données.",),
        "asks_for_manager": ("Inutile d'impliquer un responsable.",),
        "blocked": ("Nous ne sommes pas bloqués pour autant.",),
    },
    "es": {
        "asks_to_cancel": ("No queremos cancelar, solo necesitamos una respuesta.",),
        "asks_to_export": ("No necesitamos una exportación de nuestros datos.",),
        "asks_for_manager": ("No hace falta que intervenga un responsable.",),
        "blocked": ("Esto no nos bloquea.",),
    },
}
"""Sentences with the same words that say the opposite."""

QUOTED: Final[Mapping[str, str]] = {
    "en": "Thanks, this is settled.\n\nOn Monday somebody wrote:\n> {sentence}",
    "de": "Danke, das hat sich erledigt.\n\nAm Montag schrieb jemand:\n> {sentence}",
    "fr": "Merci, c'est réglé.\n\nLundi, quelqu'un a écrit :\n> {sentence}",
    "es": "Gracias, ya está resuelto.\n\nEl lunes alguien escribió:\n> {sentence}",
}
"""An answer with an earlier mail below it: what is quoted was said before, perhaps by somebody else."""

TRANSLATED_SUBJECTS: Final[Mapping[str, tuple[str, ...]]] = {
    "de": ("Frage zu Berichten", "Fehler beim Speichern", "Rechnung", "Anmeldung nicht möglich", "Schnittstelle"),
    "fr": ("Question sur les rapports", "Erreur à l'enregistrement", "Facture", "Connexion impossible", "Interface"),
    "es": ("Pregunta sobre los informes", "Error al guardar", "Factura", "No se puede acceder", "Interfaz"),
}

TRANSLATED_PROBLEMS: Final[Mapping[str, tuple[str, ...]]] = {
    "de": (
        "Guten Tag, die Berichte zeigen seit dem letzten Update falsche Summen.",
        "Guten Tag, beim Speichern erscheint immer wieder ein Fehler.",
        "Hallo, auf der letzten Rechnung stehen mehr Plätze, als wir haben.",
        "Hallo, eine neue Kollegin kann sich nicht anmelden.",
        "Guten Tag, die Schnittstelle antwortet sehr langsam.",
    ),
    "fr": (
        "Bonjour, les rapports affichent de faux totaux depuis la dernière mise à jour.",
        "Bonjour, une erreur apparaît à chaque enregistrement.",
        "Bonjour, la dernière facture compte plus de licences que nous n'en avons.",
        "Bonjour, une nouvelle collègue ne peut pas se connecter.",
        "Bonjour, l'interface répond très lentement.",
    ),
    "es": (
        "Buenos días, los informes muestran totales erróneos desde la última actualización.",
        "Buenos días, aparece un error cada vez que guardamos.",
        "Hola, la última factura incluye más licencias de las que tenemos.",
        "Hola, una nueva compañera no puede entrar.",
        "Buenos días, la interfaz responde muy despacio.",
    ),
}
