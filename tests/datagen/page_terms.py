"""The English terms that pages can ask `Words.t` for, read from the source code of families, shell, kits and Qt.

Followed are literals in a call of `t`, and literals in tuples that are chosen from, looped over or named before they come there: through variables, constants of
the module and parameters of functions ("Type" in `labelled(ui, words, rng, "Type")`). The tables of `english` are not followed: every term of theirs counts.
"""

import ast
from collections import ChainMap, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from datagen.content import icons

DATAGEN = Path(__file__).parents[2] / "datagen"
# Calls that give back something of what went into them.
PASSING = {"choice", "sample", "distinct", "sorted", "list", "tuple", "set", "reversed", "enumerate", "zip", "get"}
# Written alike in every language.
CODES = frozenset({"HTML", "UTF-8", "Cc", "OK"})

Found = frozenset[str]
NONE: Found = frozenset()
# Name -> expressions that it may stand for.
Scope = ChainMap[str, list[ast.expr]]


@dataclass(frozen=True)
class Call:
    """One call in the code: by which name, where, and what the names around it stand for."""

    node: ast.Call
    name: str
    function: str
    parameters: tuple[str, ...]
    scope: Scope


def _name(called: ast.expr) -> str:
    return called.id if isinstance(called, ast.Name) else called.attr if isinstance(called, ast.Attribute) else ""


def _bind(scope: Scope, target: ast.expr, value: ast.expr) -> None:
    """`target = value`; a tuple takes its value apart where that is a tuple too."""
    if isinstance(target, ast.Name):
        scope.maps[0].setdefault(target.id, []).append(value)
    elif isinstance(value, ast.Subscript) and isinstance(value.value, ast.Name) and scope.get(value.value.id):
        for table in list(scope[value.value.id]):
            for entry in table.values if isinstance(table, ast.Dict) else [table]:
                if isinstance(entry, ast.Tuple | ast.List):
                    _bind(scope, target, entry)
    elif isinstance(target, ast.Tuple | ast.List):
        parts = value.elts if isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts) else [value] * len(target.elts)
        for inner, part in zip(target.elts, parts, strict=True):
            _bind(scope, inner, part)


def _bind_each(scope: Scope, target: ast.expr, source: ast.expr) -> None:
    """`for target in source`."""
    match source:
        case ast.Subscript(value=value):
            _bind_each(scope, target, value)
        case ast.IfExp(body=body, orelse=other):
            _bind_each(scope, target, body)
            _bind_each(scope, target, other)
        case ast.Call(func=called, args=[first, *_]) if _name(called) == "enumerate" and isinstance(target, ast.Tuple):
            _bind_each(scope, target.elts[1], first)
        case ast.Call(func=called, args=several) if _name(called) == "zip" and isinstance(target, ast.Tuple):
            for inner, part in zip(target.elts, several, strict=False):
                _bind_each(scope, inner, part)
        case ast.Call(func=called, args=[first, *_]) if _name(called) in ("sample", "sorted", "reversed", "list", "tuple"):
            _bind_each(scope, target, first)
        case ast.Name(id=name) if isinstance(target, ast.Tuple):
            for value in list(scope.get(name, [])):
                if not isinstance(value, ast.Name):
                    _bind_each(scope, target, value)
        case ast.Tuple(elts=elements) | ast.List(elts=elements):
            for element in elements:
                _bind(scope, target, element.value if isinstance(element, ast.Starred) else element)
        case _:
            _bind(scope, target, source)


def _bind_statements(node: ast.AST, scope: Scope) -> None:
    """What the assignments, then the loops, of a function or a module give its names. Loops may run over names of further down."""
    statements = list(ast.walk(node)) if isinstance(node, ast.FunctionDef) else list(ast.iter_child_nodes(node))
    for inner in statements:
        if isinstance(inner, ast.Assign):
            for target in inner.targets:
                _bind(scope, target, inner.value)
        elif isinstance(inner, ast.AnnAssign | ast.NamedExpr) and inner.value:
            _bind(scope, inner.target, inner.value)
    for inner in statements:
        if isinstance(inner, ast.For):
            _bind_each(scope, inner.target, inner.iter)


def _calls(node: ast.AST, function: str, parameters: tuple[str, ...], scope: Scope) -> Iterator[Call]:
    """Every call below a node. A comprehension has names of its own."""
    if isinstance(node, ast.FunctionDef):
        function, parameters, scope = node.name, tuple(argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)), scope.new_child()
        _bind_statements(node, scope)
    if isinstance(node, ast.GeneratorExp | ast.ListComp | ast.SetComp | ast.DictComp):
        scope = scope.new_child()
        for loop in node.generators:
            _bind_each(scope, loop.target, loop.iter)
    if isinstance(node, ast.Call):
        yield Call(node, _name(node.func), function, parameters, scope)
    for child in ast.iter_child_nodes(node):
        yield from _calls(child, function, parameters, scope)


def _reach(call: Call, expression: ast.expr, seen: frozenset[str] = NONE) -> tuple[Found, Found]:
    """The literals that an expression can give, and the parameters of its function that it can give."""
    parts: list[ast.expr] = []
    match expression:
        case ast.Constant(value=str() as text):
            return frozenset({text}), NONE
        case ast.Name(id=name) if name not in seen:
            seen |= {name}
            parts = call.scope.get(name, [])
            if name in call.parameters and not any(name in names for names in call.scope.maps[:-1]):
                return NONE, frozenset({name})
        case ast.IfExp(body=body, orelse=other) | ast.BinOp(left=body, op=ast.Add(), right=other):
            parts = [body, other]
        case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts) | ast.BoolOp(values=parts) | ast.Dict(values=parts):
            pass
        case ast.Starred(value=value) | ast.Subscript(value=value):
            parts = [value]
        case ast.GeneratorExp(elt=element, generators=loops) | ast.ListComp(elt=element, generators=loops):
            scope = call.scope.new_child()
            for loop in loops:
                _bind_each(scope, loop.target, loop.iter)
            call, parts = Call(call.node, call.name, call.function, call.parameters, scope), [element]
        case ast.Call(func=called, args=arguments) if _name(called) in PASSING:
            parts = [*arguments, *([called.value] if isinstance(called, ast.Attribute) and called.attr == "get" else [])]
        case _:
            pass
    literals, parameters = NONE, NONE
    for part in parts:
        more, others = _reach(call, part, seen)
        literals, parameters = literals | more, parameters | others
    return literals, parameters


def literals_into(sink: str, trees: list[ast.Module]) -> frozenset[str]:
    """The literals that come to the first argument of the function or method called `sink` in these modules."""
    calls: list[Call] = []
    for tree in trees:
        module: Scope = ChainMap({})
        _bind_statements(tree, module)
        calls += _calls(tree, "", (), module)
    signatures = {node.name: [argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)]
                  for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}  # fmt: skip
    # Function -> parameters of it that come to the sink. Each round finds callers of those known so far.
    takers: dict[str, set[str]] = defaultdict(set)
    found: set[str] = set()
    known = -1
    while known != (known := sum(map(len, takers.values()))):
        for call in calls:
            given = call.node.args[:1] if call.name == sink else []
            if call.name in takers and call.name != sink:
                signature = signatures[call.name]
                if isinstance(call.node.func, ast.Attribute) and signature[:1] == ["self"]:
                    signature = signature[1:]
                given = [value for parameter, value in zip(signature, call.node.args, strict=False) if parameter in takers[call.name]]
                given += [keyword.value for keyword in call.node.keywords if keyword.arg in takers[call.name]]
            for expression in given:
                literals, parameters = _reach(call, expression)
                found |= literals
                if parameters:
                    takers[call.function] |= parameters
    return frozenset(text for text in found if text)


@cache
def _trees() -> list[ast.Module]:
    paths = (*sorted((DATAGEN / "pages").rglob("*.py")), *sorted((DATAGEN / "kits").glob("*.py")), *sorted(DATAGEN.glob("qt*.py")))
    return [ast.parse(path.read_text(encoding="utf-8")) for path in paths]


@cache
def button_pictograms() -> frozenset[str]:
    """Every concept that pages ask a pictogram on a button for."""
    return literals_into("icon_button", _trees()) | literals_into("floating_button", _trees())


@cache
def page_terms() -> frozenset[str]:
    """Every English term that pages translate, with the accessible names of pictograms: of actions and directions, and of those that stand on buttons."""
    concepts = {*icons.concepts("action"), *icons.concepts("navigation"), *button_pictograms()}
    return (literals_into("t", _trees()) | {icons.label(concept) for concept in concepts}) - CODES
