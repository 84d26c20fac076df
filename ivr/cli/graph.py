"""`tieline graph`: a picture of a flow, as Mermaid text or as SVG."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ivr.asterisk.provision import ensure_tools
from ivr.cli.files import write_text
from ivr.cli.progress import shown_progress
from ivr.drawing.drawing import draw
from ivr.drawing.layout import lay_out
from ivr.drawing.mermaid import mermaid
from ivr.drawing.svg import svg
from ivr.errors import IvrError
from ivr.flow.loading import loader
from ivr.flow.model import Flow
from ivr.operator.wording import suggestion
from ivr.settings import Settings, load_settings

SVG = ".svg"
TEXTS = (".mmd", ".mermaid", ".md")


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(graph)


def graph(
    flow: Annotated[str, typer.Argument(help="A flow's name, or its file.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="x.svg for a picture, x.mmd for Mermaid.")
    ] = None,
    language: Annotated[
        str, typer.Option("--language", "-l", help="The language of the words, such as zh.")
    ] = "",
) -> None:
    """Draw a flow: what is heard, which key leads where.

    Without -o it prints Mermaid text, which many wikis and code hosts show as a picture.

    \b
    Examples:
      tieline graph clinic -o clinic.svg
      tieline graph flows/bank.yaml -o bank.mmd
    """
    settings = load_settings()
    wanted = _flow(flow, settings)
    codes = [each.code for each in wanted.languages]
    if language and language not in codes:
        raise IvrError(f"{wanted.name} does not speak {language[:20]!r}: {', '.join(codes)}")
    drawing = draw(wanted, language or None)
    if output is None:
        typer.echo(mermaid(drawing), nl=False)
        return
    if output.suffix.lower() == SVG:
        with shown_progress(Console(stderr=True)) as progress:
            dot = ensure_tools(settings, ("dot",), progress)["dot"]
        text = svg(drawing, lay_out(drawing, dot))
    elif output.suffix.lower() in TEXTS:
        text = mermaid(drawing)
        text = f"```mermaid\n{text}```\n" if output.suffix.lower() == ".md" else text
    else:
        raise IvrError(f"{output}: name it .svg for a picture, or .mmd for Mermaid text")
    write_text(output, text, text.partition(" ")[0])
    typer.echo(f"{output}: {len(wanted.steps)} steps")


def _flow(name: str, settings: Settings) -> Flow:
    """By name among the flows of the settings, or the one in a file."""
    path = Path(name)
    if path.suffix == ".yaml" and path.is_file():
        return next(iter(loader.load([path]).flows.values()))
    flows = loader.load([settings.flows]).flows
    if name not in flows:
        raise IvrError(f"no flow {name[:60]!r} in {settings.flows}. {suggestion(name, flows)}")
    return flows[name]
