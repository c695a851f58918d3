"""Channels: how a message reaches people, by e-mail and by webhook.

Belongs here: delivering one message, and keeping secrets out of it. Does not belong here: what is worth a message
(`alerts.py`).
"""

from __future__ import annotations

import json
import os
import re
import smtplib
import ssl
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from http.client import HTTPException

from project_etl.setting_groups import AlertSettings

TIMEOUT_SECONDS = 20
HIDDEN = "***"
# Variables whose values never leave this machine, by words in their names.
SECRET_WORDS = (
    *("PASSWORD", "PASSWD", "PASSPHRASE", "SECRET", "TOKEN", "CREDENTIAL", "WEBHOOK"),
    *("ACCESS_KEY", "API_KEY", "APIKEY", "PRIVATE_KEY", "DATABASE_URL", "CONNECTION_STRING", "DSN"),
)
# And what an address says before its host, wherever it is from.
USER_IN_ADDRESS = re.compile(r"(?<=://)[^/\s@]+:[^/\s@]*(?=@)")
# Shorter values are words that may stand in any text.
LEAST_SECRET = 6


@dataclass(frozen=True)
class Message:
    """What people read: one line, and the details below it."""

    subject: str
    body: str


Channel = Callable[[Message], None]
"""Delivers a message, or raises one of `UNDELIVERED`."""

UNDELIVERED = (OSError, HTTPException, ValueError)
"""What a channel raises: the server is not there or says no, speaks no HTTP, or its address is none."""


def channels_of(alerts: AlertSettings) -> dict[str, Channel]:
    """The channels that the settings name."""
    found: dict[str, Channel] = {}
    if alerts.email_to:
        found["email"] = lambda message: send_email(alerts, message)
    if alerts.webhook_url is not None:
        url = alerts.webhook_url.get_secret_value()
        found["webhook"] = lambda message: send_webhook(url, message)
    return found


def send_email(alerts: AlertSettings, message: Message) -> None:
    """Send a message by SMTP.

    Raises:
        OSError: the server cannot be reached, or refuses the message (`smtplib.SMTPException` is one).
    """
    mail = EmailMessage()
    mail["Subject"] = message.subject
    mail["From"] = alerts.email_from
    mail["To"] = ", ".join(alerts.email_to)
    mail.set_content(message.body)
    with smtplib.SMTP(alerts.smtp_host, alerts.smtp_port, timeout=TIMEOUT_SECONDS) as server:
        if alerts.smtp_starttls:
            server.starttls(context=ssl.create_default_context())
        if alerts.smtp_user is not None:
            password = alerts.smtp_password
            server.login(alerts.smtp_user, password.get_secret_value() if password else "")
        server.send_message(mail)


def send_webhook(url: str, message: Message) -> None:
    """Post a message as JSON: `text` is what Slack shows, `subject` and `body` are for other receivers.

    Raises:
        OSError: the server cannot be reached, or does not take the message (`urllib.error.HTTPError` is one).
    """
    text = f"*{message.subject}*\n{message.body}"
    data = json.dumps({"text": text, "subject": message.subject, "body": message.body}).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method="POST")
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS):
        pass


def without_secrets(text: str, environ: Mapping[str, str] = os.environ) -> str:
    """Take the values of this process' secret variables out of a text."""
    secrets = {
        value
        for name, value in environ.items()
        if len(value) >= LEAST_SECRET and any(word in name.upper() for word in SECRET_WORDS)
    }
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return USER_IN_ADDRESS.sub(HIDDEN, text)
