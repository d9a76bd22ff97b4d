"""Sentences from tickets with what they are evidence of, in four languages: ``kinds | sentence``, ``-`` for nothing."""

from models.contracts import EvidenceKind

C, E, N, M, T, B = EvidenceKind
_KINDS = {"C": C, "E": E, "N": N, "M": M, "T": T, "B": B}

_TEXTS = {
    "en": """
C | Tell us how to terminate the contract.
C | We would like to cancel our subscription at the end of the month.
C | Please cancel our account with effect from 31 March.
C | I am writing to give you formal notice of termination.
C | We have decided not to renew.
C | We will not be renewing our licence next year.
C | Our board has decided to cancel the service.
C | How do we cancel?
C | What is the notice period in our agreement?
C | Could you send us the cancellation form for our plan?
C | What happens to our data if we cancel?
C | We won't renew after the summer.
C | Please confirm the termination of our contract.
C | We want our subscription to be cancelled today.
C | Management is considering cancelling the whole thing.
C | We intend to end our contract early.
C | Can you close our account, please?
C | We are cancelling at the end of the term.
C | We don't plan to extend the agreement.
- | We do not want to cancel.
- | We have no intention of cancelling our subscription.
- | Please cancel the meeting on Tuesday.
- | I need to cancel an order that was placed twice.
- | Please cancel this ticket, it was opened by mistake.
- | How do I cancel a running import?
- | The invitation was cancelled by the system.
- | Nobody here wants to cancel the contract.
- | We were charged for a month in which the add-on was already cancelled.
- | How can our customers cancel their subscription in the portal?
- | The process terminates with exit code 137.
- | Please terminate the session of user 4711.
- | Our training was cancelled, can we get a new date?
- | I want to cancel the export that has been running since noon.
- | Can we renew for two years instead of one?
- | The certificate was not renewed.
- | The cancel button in the dialog does nothing.
- | Please delete the user account of a former colleague.
- | We renewed the contract last week, thank you.
- | We are not going to cancel, we just need a fix.
- | Unsubscribe me from the newsletter, please.
E | Please send us an export of all our data.
E | How can we export all our data from your system?
E | We need a complete data export before the end of May.
E | How do we get our data out?
E | Can you hand over all our data in a common format?
E | We need to download everything we have stored with you.
E | Please provide a full backup of our records.
- | The export to Excel fails every time.
- | Export of the weekly report is slow.
- | How do I export a chart as PDF?
- | We do not need to export our data.
- | The data export takes ten minutes.
- | Can I export the list of open tasks to CSV?
N | We are evaluating alternatives at the moment.
N | We have asked Corvex for an offer.
N | We are looking at how Planwise does this.
N | We are switching to another vendor.
N | We got a much better quote from one of your competitors.
N | Our new CIO wants to move to a different platform.
N | We are comparing you with other tools.
N | A demo with another provider is booked for Friday.
- | We are switching to another plan next month.
- | Is there an alternative way to log in?
- | We are not looking at alternatives.
- | Please use a different e-mail address for invoices.
- | How do we track competitors in the CRM fields?
- | I tried another browser, same result.
M | I want to speak to your manager.
M | Please have an executive call me today.
M | Can somebody senior look at this?
M | Please escalate this internally.
M | Let me talk to your supervisor, please.
M | We would like a call with your management.
M | Please escalate the case to your team lead.
- | Our account manager is on holiday this week.
- | How do I give the manager role to a colleague?
- | The password manager does not fill in the form.
- | I am the manager of the finance team.
- | Our management likes the new dashboard.
- | The executive summary is missing in the report.
- | Please say thanks to your manager for the great support.
- | Approvals go to the wrong manager.
T | We will take legal action.
T | Our lawyers will contact you.
T | I will post a bad review on G2.
T | If this is not settled, we will cancel at the end of the term.
T | Unless you fix this by Friday, we will look elsewhere.
T | This is your last chance.
T | We are reviewing whether to renew at all.
T | We are seriously considering leaving you.
T | Otherwise we have to move to somebody else.
T | We will withhold payment until this works.
- | If I leave the page, my changes are lost.
- | We left a great review for you.
- | Our legal department uses the document module.
- | The software for lawyers in our group needs the same setting.
- | If we move a task to another folder, it disappears.
- | We are on annual leave next week.
- | How do we set up a performance review?
- | We will not take legal action.
B | We cannot work.
B | None of our clinics can log in since this morning.
B | Our production is down.
B | We are completely blocked.
B | None of our users can reach the dashboard at the moment.
B | Everything around the mobile app is down for us.
B | The whole team is stuck since this morning.
B | This bug is blocking us.
B | Nobody can log in, our work has stopped.
B | We are unable to work since the update.
- | The pop-up is blocked by the browser.
- | How do I block a user?
- | We cannot work out how to filter by region.
- | The sender address was blocked by our firewall.
- | We are not blocked, this is only a question.
- | Is there a planned maintenance next week?
- | The production schedule shows the wrong week.
- | A colleague who joined on Monday cannot open the report.
- | We can work around it for now.
- | No rush on our side.
- | The team really likes the new version, by the way.
- | Our users have stopped trusting the dashboard.
- | Could you send the invoice again with our new purchase order?
- | Is there a plan to have the dashboard in other languages?
C | Could you explain what we need to do to get out of our contract?
C | Our CFO asked me to stop our subscription as soon as possible.
C | Kindly process the cancellation of our licences.
C | we're planning to terminate in q3
C | I'd like to cancel.
C | We no longer want to continue with you after December.
C | Please let me know how to end our subscription.
C | This mail serves as our cancellation notice.
C | Is it possible to cancel the contract before the renewal date?
- | The subscription of the webhook was cancelled by your server.
- | My flight was cancelled so I will join the call later.
- | We cannot renew the token through the API.
- | Does the plan include unlimited seats?
- | Your mail says that we cancelled, but we did not.
- | The contract module does not terminate the approval workflow.
- | Please cancel one seat of a colleague who left.
- | In the contract table the column end date is empty.
- | Can you extend our trial by a week?
- | Why are you asking whether we want to cancel?
E | We'd like to take all of our data with us.
E | Is there an API to pull all records in bulk?
- | Our data import takes all night.
- | Please restore the backup of yesterday's project.
N | One of your competitors already offers this out of the box.
N | We have started a trial with a competitor.
N | Why should we stay when other vendors do this for free?
- | We are moving to another office in May.
- | Can we switch to a different currency?
- | Our competitors use the same layout.
M | I'd like to be put in touch with your director of support.
M | This needs to be escalated to your management now.
M | Who is your boss?
- | How do I escalate a task automatically after two days?
- | The manager of our Berlin office cannot log in.
- | Please add my director as an approver.
T | You will hear from our attorney.
T | Fix it or we will leave.
T | We are done if this happens once more.
T | I'm going to tell everyone on LinkedIn about this.
- | We have to leave the meeting at three, please call before.
- | If you cancel a run, it stays in the list.
- | Otherwise we have to export the list by hand.
- | If the filter is empty, we will switch to the other view.
B | Nothing works since the release.
B | All our agents are locked out.
B | The whole system has been down for two hours.
B | We can't invoice our customers and month end is tomorrow.
B | This is a blocker for our go-live.
- | The task is blocked by another task in the Gantt chart.
- | I cannot work with this colour scheme, is there a dark mode?
- | The status page says everything is down, but it works for us.
- | We are stuck with the old layout, can we change it?
C | Please be informed that our company will terminate the agreement effective July 1.
C | What's the process for cancelling our licenses?
C | Could somebody confirm that our account will be closed on Friday?
C | After the reorganisation we do not need your service any more and want to cancel.
- | Is there a cancellation fee if a guest cancels a booking?
- | I want to cancel my vote in the poll.
- | The renewal was signed yesterday.
- | Do not cancel the subscription, we are still using it.
- | We have to end the call early.
- | Please close this ticket.
- | Please close my account request, it is done.
E | Can we get a full dump of our database?
E | Please export all customer records for us before we leave.
- | Where can I download the invoice?
- | Please export the project plan to PDF.
N | Our head of IT prefers to move to a competitor.
N | We have shortlisted two other vendors.
- | Do you have another solution for this problem?
- | The new system behaves differently.
M | I expect a call from your CEO.
M | Can I have a word with your boss?
- | The field "manager" is empty for all employees.
- | Our director wants a weekly PDF.
T | This will end in court.
T | If we do not hear back today, we will stop paying.
- | If nobody objects, we will close the project.
- | We review the contract every year in spring.
B | We have been unable to work for two hours.
B | Production is completely stopped.
- | Blocked time in the calendar is shown in grey.
- | The job is stuck in the queue.
""",
    "de": """
C | Wir möchten unseren Vertrag kündigen.
C | Hiermit kündigen wir das Abonnement fristgerecht zum 31. März.
C | Bitte bestätigen Sie die Kündigung unseres Vertrags.
C | Wie können wir kündigen?
C | Welche Kündigungsfrist gilt für uns?
C | Wir werden den Vertrag nicht verlängern.
C | Die Geschäftsleitung hat beschlossen, das Abo zu beenden.
C | Wir kündigen zum Jahresende.
C | Bitte senden Sie uns die Kündigungsbestätigung.
- | Wir wollen nicht kündigen.
- | Wir kündigen den Vertrag nicht.
- | Bitte stornieren Sie die Bestellung vom Montag.
- | Können Sie den Termin am Freitag absagen?
- | Ein Mitarbeiter hat gekündigt, bitte sperren Sie seinen Zugang.
- | Wie können unsere Kunden ihr Abo kündigen?
- | Wir haben den Vertrag gestern verlängert.
- | Niemand will den Vertrag kündigen.
E | Bitte exportieren Sie alle unsere Daten.
E | Wir brauchen einen vollständigen Datenexport.
E | Wie können wir unsere gesamten Daten exportieren?
E | Wir bitten um Herausgabe unserer Daten.
- | Der Export nach Excel schlägt fehl.
- | Wie exportiere ich ein Diagramm als PDF?
- | Wir müssen unsere Daten nicht exportieren.
N | Wir prüfen derzeit Alternativen.
N | Wir wechseln zu einem anderen Anbieter.
N | Uns liegt ein Angebot eines Wettbewerbers vor.
N | Ein Mitbewerber kann das schon.
- | Wir wechseln in einen anderen Tarif.
- | Mit einem anderen Browser geht es auch nicht.
- | Wir suchen keine Alternativen.
M | Ich möchte mit Ihrem Vorgesetzten sprechen.
M | Bitte verbinden Sie mich mit der Geschäftsleitung.
M | Bitte eskalieren Sie diesen Fall.
M | Wir verlangen ein Gespräch mit einem Verantwortlichen.
- | Unser Projektmanager braucht Zugriff.
- | Die Freigabe durch den Vorgesetzten fehlt im Workflow.
- | Unser Chef mag das neue Dashboard.
T | Wir behalten uns rechtliche Schritte vor.
T | Unser Anwalt wird sich melden.
T | Wenn das bis Freitag nicht gelöst ist, kündigen wir.
T | Wir werden eine schlechte Bewertung schreiben.
T | Sonst müssen wir uns nach etwas anderem umsehen.
T | Das ist die letzte Warnung.
- | Wenn ich die Seite verlasse, sind die Daten weg.
- | Wir sind eine Anwaltskanzlei mit zwanzig Plätzen.
- | Wir haben Ihnen eine gute Bewertung gegeben.
B | Wir können nicht arbeiten.
B | Die Produktion steht.
B | Wir sind komplett blockiert.
B | Bei uns geht nichts mehr.
B | Das ganze Team kann nicht mehr arbeiten.
B | Der Fehler blockiert uns.
- | Wir sind nicht blockiert.
- | Die Firewall hat den Absender blockiert.
- | Das Wartungsfenster ist am Sonntag.
- | Können wir einen Benutzer sperren?
- | Vielen Dank für die schnelle Hilfe.
- | Wir möchten das Dashboard für ein zweites Team nutzen.
C | Unter welchen Bedingungen kommen wir aus dem Vertrag heraus?
C | Anbei unsere Kündigung zum 30.06.
C | Wir möchten das Abo zum nächstmöglichen Termin beenden.
C | wir wollen kuendigen
C | Bitte teilen Sie uns mit, wie wir den Vertrag beenden können.
- | Die Kündigung eines Mitarbeiters soll als Status erfasst werden.
- | Wir denken nicht daran zu kündigen.
- | Der Vertrag unseres Lieferanten lässt sich nicht hochladen.
- | Das Zertifikat wurde nicht verlängert.
E | Können Sie uns alle Daten als CSV exportieren?
- | Wir exportieren jeden Montag den Wochenbericht.
N | Wir schauen uns gerade nach einer anderen Lösung um.
N | Die Konkurrenz ist günstiger.
- | Unsere Konkurrenz soll die Daten nicht sehen.
M | Ich will sofort Ihren Chef sprechen.
- | Mein Chef fragt, wann das Update kommt.
T | Wir werden Sie verklagen.
T,N | Falls nichts passiert, werden wir den Anbieter wechseln.
- | Wenn wir die Ansicht wechseln, verschwindet der Filter.
B | Seit heute früh kann bei uns keiner mehr arbeiten.
B | Unser Betrieb steht still.
- | Der Knopf funktioniert nicht.
C | Wir ziehen in Erwägung, unser Abonnement zu kündigen.
C | Eine Verlängerung ist nicht geplant, wir kündigen daher zum Ende der Laufzeit.
- | Bitte löschen Sie den Termin.
- | Der Kunde hat bei uns gekündigt, wie archiviere ich ihn?
N | Wir evaluieren gerade andere Anbieter.
- | Wir haben ein neues System im Einsatz und brauchen eine Schnittstelle.
M | Holen Sie bitte Ihren Vorgesetzten ans Telefon.
T | Ohne Lösung bis morgen schalten wir unseren Anwalt ein.
B | Wir können keine Aufträge mehr bearbeiten, alles steht.
- | Wie kann ich einen Absender blockieren?
""",
    "fr": """
C | Nous souhaitons résilier notre contrat.
C | Comment résilier notre abonnement ?
C | Merci de confirmer la résiliation du contrat.
C | Nous ne renouvellerons pas notre abonnement.
C | Quelles sont les conditions de résiliation ?
C | Nous voulons mettre fin à notre contrat fin juin.
C | Veuillez annuler notre abonnement.
- | Nous ne voulons pas résilier.
- | Merci d'annuler la réunion de mardi.
- | Je dois annuler une commande passée deux fois.
- | Comment nos clients peuvent-ils résilier leur abonnement ?
- | Nous avons renouvelé le contrat la semaine dernière.
- | Personne ne veut résilier le contrat.
E | Nous voulons exporter toutes nos données.
E | Pouvez-vous nous fournir une copie de toutes nos données ?
E | Il nous faut un export complet avant fin mai.
- | L'export vers Excel échoue à chaque fois.
- | Comment exporter un graphique en PDF ?
- | Nous n'avons pas besoin d'exporter nos données.
N | Nous étudions des alternatives.
N | Nous allons passer chez un concurrent.
N | Un de vos concurrents nous a fait une offre.
- | J'ai essayé avec un autre navigateur.
- | Nous ne cherchons pas d'alternatives.
- | Comment changer de forfait ?
M | Je veux parler à votre responsable.
M | Merci d'escalader ce ticket.
M | Nous demandons un entretien avec la direction.
- | Notre responsable aime le nouveau tableau de bord.
- | Le rôle de responsable manque dans la liste.
T | Nous allons engager une action en justice.
T | Notre avocat va vous contacter.
T | Si ce n'est pas réglé vendredi, nous résilierons.
T | C'est la dernière chance.
T | Sinon nous irons voir ailleurs.
- | Si je quitte la page, mes modifications sont perdues.
- | Nous sommes un cabinet d'avocats.
B | Nous ne pouvons plus travailler.
B | La production est à l'arrêt.
B | Nous sommes complètement bloqués.
B | Impossible de travailler depuis ce matin.
- | Nous ne sommes pas bloqués.
- | Le pare-feu a bloqué l'expéditeur.
- | Y a-t-il une maintenance prévue la semaine prochaine ?
- | Merci pour votre aide rapide.
C | Je vous informe de notre décision de ne pas renouveler le contrat.
C | Merci de nous indiquer la marche à suivre pour résilier.
- | La résiliation d'un salarié n'est pas enregistrée.
- | Le certificat n'a pas été renouvelé.
E | Comment récupérer l'ensemble de nos données ?
N | Nous comparons plusieurs solutions en ce moment.
M | Passez-moi votre supérieur.
T | Nous allons saisir le tribunal.
B | Plus rien ne fonctionne depuis hier.
B | Toute l'équipe est bloquée.
- | Le bouton est bloqué en gris.
C | Nous avons décidé d'arrêter notre abonnement.
- | J'ai annulé ma demande.
N | Nous avons reçu une offre d'un concurrent.
M | Je souhaite échanger avec votre directeur.
T | Nous envisageons une procédure judiciaire.
B | Le service est en panne et nous sommes bloqués.
- | Nous travaillons avec un avocat pour le contrat type.
""",
    "es": """
C | Queremos cancelar nuestro contrato.
C | ¿Cómo podemos cancelar la suscripción?
C | Por favor, confirmen la cancelación del contrato.
C | No vamos a renovar la licencia.
C | Hemos decidido dar de baja el servicio.
C | ¿Cuál es el plazo de cancelación?
C | Queremos darnos de baja a final de mes.
- | No queremos cancelar.
- | Por favor, cancelen la reunión del martes.
- | Tengo que cancelar un pedido duplicado.
- | ¿Cómo pueden nuestros clientes cancelar su suscripción?
- | Renovamos el contrato la semana pasada.
- | Nadie quiere cancelar el contrato.
E | Necesitamos exportar todos nuestros datos.
E | ¿Cómo podemos descargar todos los datos de nuestra cuenta?
E | Necesitamos una copia completa de nuestros datos.
- | La exportación a Excel falla siempre.
- | ¿Cómo exporto un gráfico a PDF?
- | No necesitamos exportar nuestros datos.
N | Estamos evaluando alternativas.
N | Vamos a cambiar a otro proveedor.
N | Uno de sus competidores nos hizo una oferta.
- | Probé con otro navegador.
- | No estamos buscando alternativas.
- | Queremos cambiar a otro plan.
M | Quiero hablar con su gerente.
M | Por favor, escalen este caso.
M | Necesitamos una reunión con la dirección.
- | Nuestro jefe está contento con el informe.
- | Falta el rol de supervisor en la lista.
T | Tomaremos acciones legales.
T | Nuestro abogado se pondrá en contacto con ustedes.
T | Si no se resuelve esta semana, cancelaremos el contrato.
T | Es la última oportunidad.
T | De lo contrario buscaremos otra solución.
- | Si cierro la página, se pierden los cambios.
- | Somos un despacho de abogados.
B | No podemos trabajar.
B | La producción está parada.
B | Estamos completamente bloqueados.
B | El sistema está caído desde esta mañana.
- | No estamos bloqueados.
- | El firewall bloqueó al remitente.
- | ¿Hay un mantenimiento previsto?
- | Gracias por la ayuda tan rápida.
C | Les comunicamos que no renovaremos el contrato.
C | ¿Qué tenemos que hacer para rescindir el contrato?
- | El certificado no fue renovado.
- | El usuario canceló la exportación.
E | Queremos llevarnos todos nuestros datos.
N | La competencia ofrece lo mismo por menos.
M | Páseme con su supervisor.
T | Vamos a demandarlos.
B | Nadie puede trabajar desde esta mañana.
- | No puedo trabajar con este formato de fecha, ¿se puede cambiar?
C | Solicitamos la baja del servicio.
C | Vamos a rescindir el contrato a final de año.
- | El pedido fue cancelado por error.
N | Estamos comparando otras herramientas.
M | Exijo hablar con el responsable.
T,N | Si esto sigue así, nos iremos a la competencia.
B | Todo está parado, no se puede trabajar.
- | El campo responsable está vacío.
""",
}


def labelled_sentences() -> list[tuple[str, str, frozenset[EvidenceKind]]]:
    """Language, sentence, and the kinds that it is evidence of."""
    rows = []
    for language, text in _TEXTS.items():
        for line in text.strip().splitlines():
            codes, sentence = line.split(" | ", 1)
            kinds = frozenset(_KINDS[code] for code in codes.split(",") if code != "-")
            rows.append((language, sentence, kinds))
    return rows
