"""Asks the running service, for the command line."""

from __future__ import annotations

import http.client
from urllib.parse import urlencode

from aiohttp import encode_basic_auth

from ivr.errors import IvrError
from ivr.operator.server import FORM, HOST, USER
from ivr.operator.wording import Refused, for_shell
from ivr.secrets import Secrets
from ivr.settings import Settings

_CONSOLE_ONLY = "Join words by slashes"
_SHELL_HELP = "CALL is a contact's id or the beginning of it."

PATIENCE = 5.0
"""Seconds to wait for the service; it answers within two."""


class NotRunning(IvrError):
    """The service of this installation does not answer."""


def ask(settings: Settings, verb: str, words: str = "") -> str:
    """The answer to `acd <verb> <words>`, in the words of a shell.

    Raises:
        Refused: with the service's own words.
        NotRunning: nobody, or somebody else, listens on the console's port.
    """
    # Asking must not leave a secrets file behind where nothing was ever started.
    if not (settings.home / "secrets.json").is_file():
        raise NotRunning(f"Tieline was never started in {settings.home}. Start it: tieline run")
    token = Secrets(settings.home).console_token
    status, text = _post(settings.console_port, token, verb, words)
    if status == 409:
        raise Refused(for_shell(text).rstrip("\n"))
    if status == 413:
        raise Refused("That is too long.")
    if status != 200:
        raise NotRunning(
            f"port {settings.console_port} belongs to another installation or program (it said "
            f"{status}): start this one with tieline run, or set TIELINE_CONSOLE_PORT"
        )
    if verb == "help":
        text = text.partition(_CONSOLE_ONLY)[0] + _SHELL_HELP
    return for_shell(text).rstrip("\n")


def _post(port: int, token: str, verb: str, words: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(HOST, port, timeout=PATIENCE)
    try:
        headers = {"Content-Type": FORM, "Authorization": encode_basic_auth(USER, token)}
        connection.request("POST", "/console/text", urlencode({verb: words}), headers)
        response = connection.getresponse()
        return response.status, response.read().decode(errors="replace")
    except TimeoutError:
        raise NotRunning("the service does not answer; its log says why: service.log") from None
    except (OSError, http.client.HTTPException):
        raise NotRunning(
            f"the service is not running (nothing answers on {HOST}:{port}). Start it: tieline run"
        ) from None
    finally:
        connection.close()
