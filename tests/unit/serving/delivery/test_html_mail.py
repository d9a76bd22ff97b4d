"""A message with HTML is one mail with two parts that say the same."""

from serving.delivery.channel import ChannelMessage
from serving.delivery.mail_channel import MailChannel


def test_a_message_with_html_has_both_parts_and_one_recipient() -> None:
    message = ChannelMessage(
        "msg_1",
        "report.weekly",
        "2026-06-29T08:00:00Z",
        {"headline": "x"},
        title="Rescue, week of 22 Jun 2026",
        text="17,000 EUR was saved",
        html="<p>17,000 EUR was saved</p>",
        recipient="boss@example.com",
    )
    mail = MailChannel("localhost", "rescue@example.com", ("team@example.com",))._mail(message)
    plain, page = (part.get_content().strip() for part in mail.iter_parts())
    assert (mail["To"], plain, page) == ("boss@example.com", message.text, message.html)
    assert mail.get_content_type() == "multipart/alternative"
