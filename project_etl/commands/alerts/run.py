"""`project-etl alerts test`: send a message through every channel that is set, and say what happened."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from project_etl.commands.shared.errors import UserError
from project_etl.orchestration.alerts.channels import UNDELIVERED, Message, channels_of, without_secrets
from project_etl.settings import PREFIX, Settings

HOW = (
    f"No alert goes anywhere: set the webhook's URL as the variable {PREFIX}ALERTS__WEBHOOK_URL, or addresses as "
    "alerts.email_to in config/{env}.yaml (with smtp_host). `project-etl alerts test` then tries them."
)


def run(console: Console, settings: Settings) -> bool:
    """Send the message; False when a channel did not take it.

    Raises:
        UserError: no channel is set.
    """
    channels = channels_of(settings.alerts)
    if not channels:
        raise UserError(HOW.format(env=settings.env))
    links = f" Messages link to {settings.ui_url}." if settings.ui_url else ""
    message = Message(
        f"project_etl {settings.env}: test", f"Somebody typed `project-etl alerts test`. Nothing is broken.{links}"
    )
    is_fine = True
    for name, channel in channels.items():
        try:
            channel(message)
        except UNDELIVERED as error:
            is_fine = False
            console.print(Text(f"{name}: not delivered: {without_secrets(str(error))}"), soft_wrap=True)
        else:
            console.print(Text(f"{name}: delivered{_where(settings, name)}"), soft_wrap=True)
    return is_fine


def _where(settings: Settings, name: str) -> str:
    """Where a message went; nothing of a webhook, whose URL is a secret."""
    alerts = settings.alerts
    to = f" to {', '.join(alerts.email_to)} by {alerts.smtp_host}:{alerts.smtp_port}"
    return to if name == "email" else ""
