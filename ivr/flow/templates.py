"""Words with fields in them: Jinja2's syntax, cut down to what cannot loop, call or grow.

A template is parsed by Jinja2 and then accepted node by node: names, attributes of plain data,
constants, comparison, `and`/`or`/`not`, `a if b else c`, `~`, and the filters below. There is no
statement, no call and no arithmetic, so its running time is bounded by its length (which is bounded
too), and no time limit is needed to run it inside the event loop. It still runs in Jinja2's
immutable sandbox, where an attribute is only ever an entry of a mapping.

Values come from callers and backends: control characters become spaces and the output is cut.

Filters that say a value (`amount`, `date`, ...) read three facts from the values given to `render`:
`language`; `channel`, of which "voice" is spoken and every other written; and `now`, aware.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from jinja2 import ChainableUndefined, TemplateSyntaxError, nodes, pass_context
from jinja2.environment import TemplateExpression
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ivr.flow.wording import CURRENCIES, KINDS, speak
from ivr.flow.words import NOWHERE, Place

MAX_SOURCE = 2000
MAX_OUTPUT = 4000
MAX_CONSTANT = 200
MAX_NODES = 120
MAX_DEPTH = 16

_COMPARABLE = "as a number"
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,12})?")
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class TemplateRefused(Exception):
    """The template is not acceptable: `args` are the reason and the cure."""

    def __init__(self, reason: str, cure: str = "") -> None:
        super().__init__(reason, cure)
        self.reason, self.cure = reason, cure


class _Missing(ChainableUndefined):
    """A field nobody has set: speaks as nothing, compares as false."""

    __slots__ = ()

    def _never(self, other: object) -> bool:
        return False

    # The base class raises in these; ours answers.
    __lt__ = __le__ = __gt__ = __ge__ = _never  # type: ignore[assignment]  # see above

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Missing)

    def __ne__(self, other: object) -> bool:
        return not isinstance(other, _Missing)

    __hash__ = ChainableUndefined.__hash__


class _Environment(ImmutableSandboxedEnvironment):
    """Attributes are entries of mappings and nothing else."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        """The entry of a mapping; anything else has no attributes."""
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        return self.undefined(name=attribute)


# --- filters ---------------------------------------------------------------------------------


def _text(value: object) -> str:
    return "" if value is None else str(value)[:MAX_OUTPUT]


def _default(value: object, other: object = "") -> object:
    """`other` where there is no value."""
    return other if value is None or value == "" or isinstance(value, _Missing) else value


def _last(value: object, count: int = 4) -> str:
    """The last characters of a text."""
    return _text(value)[-max(1, min(int(count), 50)) :]


def _saying(kind: str) -> Callable[..., str]:
    """The filter that says a value in the language and for the channel of the conversation."""

    @pass_context
    def say(context: Context, value: object, argument: object = None) -> str:
        now = context.get("now")
        return speak(
            kind,
            value[:MAX_OUTPUT] if isinstance(value, str) else value,
            str(context.get("language", "en")),
            written=context.get("channel", "voice") != "voice",
            now=now if isinstance(now, datetime) and now.tzinfo else _LONG_AGO,
            argument=_text(argument),
        )

    return say


FILTERS: dict[str, Callable[..., object]] = {
    **{kind: _saying(kind) for kind in KINDS},
    "money": _saying("amount"),
    "default": _default,
    "last": _last,
    "upper": lambda value: _text(value).upper(),
    "lower": lambda value: _text(value).lower(),
    "title": lambda value: _text(value).title(),
    "trim": lambda value: _text(value).strip(),
}


def _comparable(value: object) -> object:
    """An amount is kept as text; "9.50" is less than "12.00" all the same."""
    return Decimal(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else value


@functools.cache
def _environment() -> _Environment:
    environment = _Environment(undefined=_Missing, autoescape=False, keep_trailing_newline=True)
    environment.filters = {**FILTERS, _COMPARABLE: _comparable}
    environment.tests = {"defined": environment.tests["defined"]}
    environment.globals = {}
    environment.finalize = lambda value: "" if value is None else value
    return environment


# --- what is accepted ------------------------------------------------------------------------

_PLAIN = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.CondExpr,
    nodes.Concat,
    nodes.Tuple,
    nodes.List,
)
_CURES: dict[type[nodes.Node], str] = {
    nodes.Call: "templates cannot call anything; use a filter such as {{ account | digits }}",
    nodes.If: "write {{ this if condition else that }}",
    nodes.For: "templates cannot loop",
    nodes.Getitem: "write customer.name instead of customer['name']",
    nodes.Test: "the only test is `is defined`",
}


def _accept(node: nodes.Node, depth: int, budget: list[int]) -> None:
    budget[0] -= 1
    if depth > MAX_DEPTH or budget[0] < 0:
        raise TemplateRefused("the template is too complicated", "use a `branch` or `set` step")
    match node:
        case nodes.Const():
            _accept_constant(node.value)
        case nodes.Getattr():
            if node.attr.startswith("_"):
                raise TemplateRefused(f'the name "{node.attr}" begins with _', "rename the field")
        case nodes.Filter():
            _accept_filter(node)
        case nodes.Test():
            if node.name != "defined":
                raise TemplateRefused(f'unknown test "{node.name}"', _CURES[nodes.Test])
        case _ if not isinstance(node, _PLAIN):
            what = type(node).__name__.lower()
            raise TemplateRefused(f'a template cannot use "{what}"', _CURES.get(type(node), ""))
    for child in node.iter_child_nodes():
        if isinstance(child, nodes.Tuple | nodes.List) and not isinstance(node, nodes.Operand):
            raise TemplateRefused("a list stands only after `in`", "write a in ('x', 'y')")
        _accept(child, depth + 1, budget)


def _accept_constant(value: object) -> None:
    too_long = isinstance(value, str) and len(value) > MAX_CONSTANT
    too_large = isinstance(value, int | float) and abs(value) > 1e12
    if too_long or too_large:
        raise TemplateRefused("a constant in the template is too large")


def _accept_filter(node: nodes.Filter) -> None:
    name = node.name
    if name not in FILTERS:
        raise TemplateRefused(f'unknown filter "{name}"', f"known: {', '.join(FILTERS)}")
    wanted = _ARGUMENTS.get(name)
    if node.args and wanted is None:
        raise TemplateRefused(f'the filter "{name}" takes no value')
    if len(node.args) > 1 or node.kwargs or node.dyn_args or node.dyn_kwargs:
        raise TemplateRefused(f'the filter "{name}" takes one plain value at most')
    for argument in node.args:
        plain = argument.value if isinstance(argument, nodes.Const) else None
        from_field = name in _FROM_FIELDS and isinstance(argument, nodes.Name | nodes.Getattr)
        if not (from_field or type(plain) is wanted or (wanted is object and plain is not None)):
            raise TemplateRefused(f'the filter "{name}" takes {_TAKEN[name]}')
        if name in {"amount", "money"} and plain is not None and plain not in CURRENCIES:
            known = ", ".join(sorted(CURRENCIES))
            raise TemplateRefused(f"{plain!r} is no currency that is known", f"known: {known}")


_ARGUMENTS: dict[str | None, type] = {
    **{"default": object, "last": int, "number": str, "amount": str, "money": str}
}
_FROM_FIELDS = frozenset({"default", "amount", "money"})
_TAKEN = {
    "default": "one plain value or a field",
    "last": "a whole number",
    "number": "the word for what is counted, in quotes",
    "amount": "a currency such as 'EUR', or a field",
    "money": "a currency such as 'EUR', or a field",
}


def _compare_numbers(tree: nodes.Template) -> None:
    """Lets numbers that are kept as text be compared as the numbers they are.

    That is so for < and its like, and for equality with a figure; otherwise text is text, so that
    an account "0123" is not "123".
    """
    for node in tree.find_all(nodes.Compare):
        sides = (node.expr, *(operand.expr for operand in node.ops))
        figure = any(isinstance(each, nodes.Const) and _is_figure(each.value) for each in sides)
        if figure or any(operand.op in _ORDERING for operand in node.ops):
            node.expr = _as_number(node.expr)
            for operand in node.ops:
                if operand.op not in {"in", "notin"}:
                    operand.expr = _as_number(operand.expr)


_ORDERING = frozenset({"lt", "lteq", "gt", "gteq"})


def _is_figure(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _as_number(node: nodes.Expr) -> nodes.Expr:
    return nodes.Filter(node, _COMPARABLE, [], [], None, None, lineno=node.lineno)


def _parse(source: str) -> nodes.Template:
    if len(source) > MAX_SOURCE:
        raise TemplateRefused(f"the text is longer than {MAX_SOURCE} characters", "split it")
    try:
        tree = _environment().parse(source)
        _accept(tree, 0, [MAX_NODES])
        _compare_numbers(tree)
    except TemplateSyntaxError as error:
        message = error.message or "it cannot be read"
        raise TemplateRefused(f"the template is broken: {message}", _cure(message)) from None
    except (RecursionError, OverflowError, ValueError):
        raise TemplateRefused("the template is too complicated") from None
    return tree


def _cure(message: str) -> str:
    if "unknown tag" in message or "Encountered" in message:
        return "only {{ ... }} is used; write {{ this if condition else that }}"
    return "a field is written {{ name }}"


Run = Callable[[Mapping[str, object]], object]


# --- what runs -------------------------------------------------------------------------------


class Text:
    """A checked template or condition; see `ivr.flow.model.Template`.

    It is turned into code when it is first used (about a millisecond): a folder of flows has many
    templates, and a reload must not hold up calls. Afterwards it runs in microseconds.
    """

    __slots__ = ("_compile", "_run", "names", "place", "source")

    def __init__(
        self, source: str, place: Place, names: frozenset[str], compile_it: Callable[[], Run]
    ) -> None:
        self.source, self.place, self.names = source, place, names
        self._compile = compile_it
        self._run: Run | None = None

    def __repr__(self) -> str:
        return f"Text({self.source!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Text) and self.source == other.source

    def __hash__(self) -> int:
        return hash(self.source)

    def _value(self, values: Mapping[str, object]) -> object:
        if self._run is None:
            self._run = self._compile()
        return self._run(values)

    def render(self, values: Mapping[str, object]) -> str:
        """The words; what cannot be compared, or is too long to be a number, renders as nothing."""
        try:
            output = str(self._value(values))[:MAX_OUTPUT]
        except (TypeError, ValueError):
            return ""
        return _CONTROL.sub(" ", output).strip()

    def holds(self, values: Mapping[str, object]) -> bool:
        """Whether the condition is true; what cannot be compared is false."""
        try:
            return bool(self._value(values))
        except (TypeError, ValueError):
            return False


def fixed_text(source: str, place: Place = NOWHERE) -> Text:
    """Words without fields."""
    return Text(source, place, frozenset(), lambda: lambda values: source)


def compile_text(source: str, place: Place = NOWHERE) -> Text:
    """Words with `{{ fields }}`. Raises TemplateRefused."""
    if "{{" not in source and "{%" not in source and "{#" not in source:
        if len(source) > MAX_SOURCE:
            raise TemplateRefused(f"the text is longer than {MAX_SOURCE} characters", "split it")
        return fixed_text(source, place)
    tree = _parse(source)
    return Text(source, place, _names(tree), lambda: _environment().from_string(tree).render)


def compile_condition(source: str, place: Place = NOWHERE) -> Text:
    """An expression without braces, such as `reason == 'billing'`. Raises TemplateRefused."""
    if "{{" in source or "{%" in source:
        raise TemplateRefused("a condition needs no braces", "write it without {{ and }}")
    tree = _parse("{{ " + source + " }}")
    body = tree.body[0] if len(tree.body) == 1 else None
    if not isinstance(body, nodes.Output) or len(body.nodes) != 1:
        raise TemplateRefused("a condition is one expression")
    if isinstance(body.nodes[0], nodes.TemplateData):
        raise TemplateRefused("a condition is one expression")

    def compile_it() -> Run:
        # Compiled from the very tree that was accepted: Jinja2 reads an expression by itself by
        # slightly other rules.
        result = nodes.Assign(nodes.Name("result", "store"), body.nodes[0], lineno=1)
        template = _environment().from_string(nodes.Template([result], lineno=1))
        return TemplateExpression(template, undefined_to_none=False)

    return Text(source, place, _names(tree), compile_it)


def _names(tree: nodes.Template) -> frozenset[str]:
    return frozenset(str(node.name) for node in tree.find_all(nodes.Name))
