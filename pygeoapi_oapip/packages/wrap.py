"""Puts a package inside stage-in and stage-out steps: a pure function from CWL to CWL, without network.

The workflow that is made has the outputs of the package and its inputs, addresses in the place of Directories and
Files, and the other inputs of the tools (`Wrapped.hoisted`). Arrays scatter, optional values run a step only `when`
they are there; both below each other to any depth, by small workflows (`_Staging.process`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import InvalidPackage
from ..model.json import JSON, JSONObject
from ..model.process import Package
from .cwltypes import CWLType, Parameter, TypeReader, text_of
from .load import load_package
from .wrap_cache import WrapCache, key_of
from .wrap_tools import SECRETS, Role, StageTool, declared_secrets

_BASE = "https://wrapped.invalid/"
"""Where the parts seem to be while they are put together (RFC 2606: nobody is ever asked)."""
_APP = "app.cwl"
_JAVASCRIPT = {"class": "InlineJavascriptRequirement"}
_NAMESPACE = "http://commonwl.org/cwltool#"
_FORMAT = """${ function named(x) {
  if (Array.isArray(x)) { return x.map(named); }
  if (x && !x.format) { x.format = %s; }
  return x; } return named(self); }"""

Tools = Mapping[Role, StageTool]


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A package inside its stage steps."""

    package: Package
    """The generated workflow; its inputs and outputs have the ids of the package's own."""
    staged_in: Mapping[str, str]
    """Input id -> `uri` or `string`: the form in which the workflow takes its addresses."""
    staged_out: Mapping[str, str]
    """Output id -> `Directory` or `File`: outputs that are addresses now."""
    hoisted: Mapping[str, tuple[str, CWLType, bool]]
    """Input of the workflow -> name of the tools' input that it is for, type, and whether it may be left out."""
    secret: frozenset[str] = frozenset()
    """Those of `hoisted` that the tools declare to be secret."""
    secrets_file: str = ""
    """Input of the workflow that is the file of secret values, where the engine has it."""


def stageable(tools: Tools, cwl: CWLType, fetched: bool) -> StageTool | None:
    """The tool for a value of this type; None: it is passed on as it is.

    Args:
        tools: what there is.
        cwl: a Directory or File, or arrays of them. Files with secondary files cannot be staged by an address.
        fetched: True for inputs.
    """
    while cwl.kind == "array":
        cwl = cwl.items[0]
    if cwl.kind == "Directory":
        return tools.get(Role.STAGE_IN if fetched else Role.STAGE_OUT)
    if cwl.kind == "File" and not cwl.secondary:
        return tools.get(Role.STAGE_IN_FILE if fetched else Role.STAGE_OUT_FILE)
    return None


def used_tools(package: Package, tools: Tools, local: frozenset[str] = frozenset()) -> list[StageTool]:
    """The tools that a package needs, each once. Arguments as those of `wrap`."""
    reader = TypeReader(package.document, package.entry)
    fetched = [stageable(tools, item.type, True) for item in reader.inputs() if item.id not in local]
    stored = [stageable(tools, item.type, False) for item in reader.outputs()]
    return list({tool.role: tool for tool in (*fetched, *stored) if tool is not None}.values())


def wrap(
    package: Package,
    tools: Tools,
    local: frozenset[str] = frozenset(),
    from_file: frozenset[str] = frozenset(),
    cache: WrapCache | None = None,
) -> Wrapped | None:
    """The workflow of a package and the tools.

    Args:
        package: the application, as `load_package` made it.
        tools: of the administrator.
        local: inputs that are here already, and are not fetched.
        from_file: names of inputs of the tools whose values are in a file at the engine, secret.
        cache: of what was put together before.

    Returns:
        None where no input and no output is staged.

    Raises:
        InvalidPackage: CWL's rules do not allow it, in the words of cwltool.
    """
    made = _Wrapper(package, tools, local, from_file)
    if not made.fetched and not made.stored:
        return None
    whole = _loaded(made, cache)
    return Wrapped(
        whole,
        {name: _form(tool.taken.type) for name, (_, tool) in made.fetched.items()},
        {name: tool.role.kind for name, (_, tool) in made.stored.items()},
        {own: (name, item.type, item.optional) for own, (name, item) in made.hoisted.items()},
        frozenset(own for own, (name, _) in made.hoisted.items() if any(name in tool.secrets for tool in made.used())),
        made.secrets_file,
    )


def _loaded(made: _Wrapper, cache: WrapCache | None) -> Package:
    """The workflow and its parts as one document, checked by cwltool."""
    package = made.package
    documents = {
        _BASE + _APP: _bytes({key: value for key, value in package.document.items() if key != "$schemas"}),
        **{_BASE + _file(tool): _bytes(tool.document) for tool in made.used()},
    }
    source = _bytes(made.document())
    key = key_of({**documents, "": source})
    found = None if cache is None else cache.get(key)
    if found is not None:
        return found
    try:
        loaded = load_package(
            source,
            "",
            entry=made.name,
            base_url=f"{_BASE}wrapped.cwl",
            fetch=documents.__getitem__,
            max_bytes=len(source),
        )
    except InvalidPackage as error:
        raise InvalidPackage(f"The package cannot be wrapped with the stage tools: {error.detail}") from None
    if cache is not None:
        cache.put(key, loaded)
    return loaded


def _bytes(document: JSONObject) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")


def _file(tool: StageTool) -> str:
    return f"{tool.role.replace('_', '-')}.cwl"


def _form(cwl: CWLType) -> str:
    return "uri" if cwl.kind == "record" else "string"


def _run(tool: StageTool) -> str:
    fragment = tool.entry.rpartition("#")[2]
    return f"{_file(tool)}#{fragment}" if fragment else _file(tool)


def _free(wanted: str, taken: set[str]) -> str:
    name, number = wanted, 2
    while name in taken:
        name, number = f"{wanted}_{number}", number + 1
    taken.add(name)
    return name


def _raw(cwl: CWLType) -> Any:
    return {"type": "array", "items": _raw(cwl.items[0])} if cwl.kind == "array" else cwl.kind


def _leaf(cwl: CWLType) -> str:
    """cwltool takes no record for another one of the same fields, unless it has the same name."""
    return cwl.kind if _simple(cwl) else "Any"


def _shaped(cwl: CWLType, leaf: Any) -> Any:
    """`cwl` with another type in the place of its Files and Directories."""
    raw: Any = leaf
    if cwl.kind == "array":
        raw = {"type": "array", "items": _shaped(cwl.items[0], leaf)}
    return ["null", raw] if cwl.nullable else raw


def _simple(cwl: CWLType) -> bool:
    if cwl.kind == "array":
        return _simple(cwl.items[0])
    return cwl.kind not in ("record", "enum", "union", "Any", "null")


def _loose(cwl: CWLType, optional: bool) -> Any:
    """The type of a value that is passed on: exact where it has no name, else any."""
    raw = _raw(cwl) if _simple(cwl) else "Any"
    return ["null", raw] if optional or cwl.nullable else raw


class _Wrapper:
    """Makes the workflow of one package."""

    def __init__(self, package: Package, tools: Tools, local: frozenset[str], from_file: frozenset[str]) -> None:
        self.package = package
        self.from_file = from_file
        self.reader = TypeReader(package.document, package.entry)
        self.inputs, self.outputs = self.reader.inputs(), self.reader.outputs()
        pairs = ((item, stageable(tools, item.type, True)) for item in self.inputs if item.id not in local)
        self.fetched = {item.id: (item, tool) for item, tool in pairs if tool is not None}
        results = ((item, stageable(tools, item.type, False)) for item in self.outputs)
        self.stored = {item.id: (item, tool) for item, tool in results if tool is not None}
        self.taken = {item.id for item in (*self.inputs, *self.outputs)}
        self.app = _free("app", self.taken)
        # cycles are looked for by the last parts of names
        entries = (package.entry, *(tool.entry for tool in self.used()))
        self.name = _free("wrapped", {entry.rpartition("#")[2] for entry in entries})
        self.hoisted: dict[str, tuple[str, Parameter]] = {}
        self.sources: dict[tuple[Role, str], str] = {}
        for tool in self.used():
            self._hoist(tool)
        needed = any(name in from_file for tool in self.used() for name in tool.hoisted)
        self.secrets_file = _free("secrets_file", self.taken) if needed else ""
        self.reading = _free("read_secrets", self.taken)
        self.nested: list[JSONObject] = []

    def used(self) -> list[StageTool]:
        """The tools that the package needs, each once."""
        found = [tool for _, tool in (*self.fetched.values(), *self.stored.values())]
        return list({tool.role: tool for tool in found}.values())

    def document(self) -> JSONObject:
        """The workflow, with the smaller ones that it uses."""
        inputs: list[JSON] = [self._input(item) for item in self.inputs]
        inputs += [{"id": name, "type": _loose(item.type, item.optional)} for name, (_, item) in self.hoisted.items()]
        if self.secrets_file:
            inputs.append({"id": self.secrets_file, "type": "File"})
        before: list[JSON] = [self._stage_in(item, tool) for item, tool in self.fetched.values()]
        after: list[JSON] = [self._stage_out(item, tool) for item, tool in self.stored.values()]
        outputs: list[JSON] = [self._output(item) for item in self.outputs]
        main: JSONObject = {
            "class": "Workflow",
            "id": self.name,
            "label": text_of(self.reader.process.get("label")),
            "requirements": _requirements(),
            "hints": self._hints(),
            "inputs": inputs,
            "outputs": outputs,
            "steps": [*self._reading_step(), *before, self._app_step(), *after],
        }
        outer = {key: self.package.document[key] for key in ("$schemas",) if key in self.package.document}
        graph: list[JSON] = [main, *self.nested]
        return {**outer, "cwlVersion": "v1.2", "$namespaces": {"cwltool": _NAMESPACE}, "$graph": graph}

    def _hoist(self, tool: StageTool) -> None:
        for name, item in tool.hoisted.items():
            if name in self.from_file:
                continue
            same = (own for own, (other, known) in self.hoisted.items() if other == name and known.type == item.type)
            own = next(same, None) or _free(name, self.taken)
            known = self.hoisted.get(own)
            self.hoisted[own] = (name, item if known is None or known[1].optional else known[1])
            self.sources[tool.role, name] = own

    def _hints(self) -> list[JSON]:
        """CWL runners look for secrets at the outermost process only."""
        secret = [item.id for item in self.inputs if item.id in declared_secrets(self.reader.process)]
        declared = [own for (role, name), own in self.sources.items() if self._is_secret(role, name)]
        names: list[JSON] = [*dict.fromkeys([*secret, *declared])]
        return [{"class": SECRETS[0], "secrets": names}] if names else []

    def _is_secret(self, role: Role, name: str) -> bool:
        return any(tool.role is role and name in tool.secrets for tool in self.used())

    def _input(self, item: Parameter) -> JSONObject:
        about = {"id": item.id, "label": item.label}
        if item.id in self.fetched:
            cwl = CWLType(item.type.kind, item.type.items, nullable=item.optional)
            return {**about, "type": _shaped(cwl, _leaf(self.fetched[item.id][1].taken.type))}
        kept = {key: item.raw[key] for key in ("secondaryFiles", "streamable") if key in item.raw}
        if item.has_default and _simple(item.type) and not _holds_files(item.type):
            return {**about, **kept, "type": _loose(item.type, False), "default": item.default}
        return {**about, **kept, "type": _loose(item.type, item.optional)}

    def _output(self, item: Parameter) -> JSONObject:
        if item.id in self.stored:
            tool = self.stored[item.id][1]
            leaf = _leaf(tool.made.type)
            source = f"{self._step('stage_out', item)}/{tool.made.id}"
            return {"id": item.id, "type": _shaped(item.type, leaf), "outputSource": source}
        return {"id": item.id, "type": _loose(item.type, False), "outputSource": f"{self.app}/{item.id}"}

    def _step(self, word: str, item: Parameter) -> str:
        return f"{word}_{item.id}"

    def _app_step(self) -> JSONObject:
        fragment = self.package.entry.rpartition("#")[2]
        return {
            "id": self.app,
            "run": f"{_APP}#{fragment}" if fragment else _APP,
            "in": [self._app_input(item) for item in self.inputs],
            "out": [item.id for item in self.outputs],
        }

    def _app_input(self, item: Parameter) -> JSONObject:
        if item.id not in self.fetched:
            return {"id": item.id, "source": item.id}
        made: JSONObject = {
            "id": item.id,
            "source": f"{self._step('stage_in', item)}/{self.fetched[item.id][1].made.id}",
        }
        formats = _formats(item.type)
        return {**made, "valueFrom": _FORMAT % json.dumps(formats[0])} if formats else made

    def _stage_in(self, item: Parameter, tool: StageTool) -> JSONObject:
        cwl = CWLType(item.type.kind, item.type.items, nullable=item.optional)
        return self._stage(self._step("stage_in", item), item.id, cwl, tool)

    def _stage_out(self, item: Parameter, tool: StageTool) -> JSONObject:
        return self._stage(self._step("stage_out", item), f"{self.app}/{item.id}", item.type, tool)

    def _stage(self, name: str, source: str, cwl: CWLType, tool: StageTool) -> JSONObject:
        own: list[JSON] = [self._hoisted_input(tool, name) for name in tool.hoisted]
        return self._over(name, source, cwl, tool, own)

    def _hoisted_input(self, tool: StageTool, name: str) -> JSONObject:
        if name not in self.from_file:
            return {"id": name, "source": self.sources[tool.role, name]}
        return {"id": name, "source": f"{self.reading}/{name}"}

    def _reading_step(self) -> list[JSON]:
        """A step of its own, because Toil loads the contents of all inputs of a step that loads one (9.3)."""
        if not self.secrets_file:
            return []
        found = {name: item for tool in self.used() for name, item in tool.hoisted.items() if name in self.from_file}
        picked = ", ".join(f"{json.dumps(name)}: found[{json.dumps(name)}]" for name in found)
        outputs: list[JSON] = [{"id": name, "type": _loose(item.type, item.optional)} for name, item in found.items()]
        self.nested.append(
            {
                "class": "ExpressionTool",
                "id": self.reading,
                "requirements": [_JAVASCRIPT],
                "inputs": [{"id": "file", "type": "File", "loadContents": True}],
                "outputs": outputs,
                "expression": f"${{ var found = JSON.parse(inputs.file.contents); return {{{picked}}}; }}",
            }
        )
        given: list[JSON] = [{"id": "file", "source": self.secrets_file}]
        return [{"id": self.reading, "run": f"#{self.reading}", "in": given, "out": list(found)}]

    def _over(self, name: str, source: str, cwl: CWLType, tool: StageTool, own: list[JSON]) -> JSONObject:
        """A step that runs a tool on a value of a type, or on each part of it."""
        taken = tool.taken.id
        step: dict[str, Any] = {"id": name, "in": [{"id": taken, "source": source}, *own], "out": [tool.made.id]}
        part = cwl
        if cwl.kind == "array" and not cwl.nullable:
            step["scatter"] = taken
            part = cwl.items[0]
        step["run"] = self._process(part, tool, name)
        if part.nullable:
            step["when"] = f"$(inputs[{json.dumps(taken)}] !== null)"
        return step

    def _process(self, cwl: CWLType, tool: StageTool, name: str) -> str:
        """What runs on one value of a type that is there: the tool, or a workflow that runs it on each item."""
        if cwl.kind != "array":
            return _run(tool)
        own = f"{name}_items"
        here = CWLType(cwl.kind, cwl.items)
        hoisted: list[JSON] = [{"id": name, "source": name} for name in tool.hoisted]
        taken, made = _leaf(tool.taken.type), _leaf(tool.made.type)
        inputs: list[JSON] = [{"id": tool.taken.id, "type": _shaped(here, taken)}]
        inputs += [{"id": key, "type": _loose(item.type, item.optional)} for key, item in tool.hoisted.items()]
        self.nested.append(
            {
                "class": "Workflow",
                "id": own,
                "requirements": _requirements(),
                "inputs": inputs,
                "outputs": [{"id": tool.made.id, "type": _shaped(here, made), "outputSource": f"each/{tool.made.id}"}],
                "steps": [{**self._over("each", tool.taken.id, here, tool, hoisted)}],
            }
        )
        return f"#{own}"


def _requirements() -> list[JSON]:
    names = ("ScatterFeatureRequirement", "SubworkflowFeatureRequirement", "StepInputExpressionRequirement")
    return [*({"class": name} for name in names), _JAVASCRIPT]


def _holds_files(cwl: CWLType) -> bool:
    return cwl.kind in ("File", "Directory") or any(map(_holds_files, cwl.items))


def _formats(cwl: CWLType) -> tuple[str, ...]:
    return cwl.formats or (_formats(cwl.items[0]) if cwl.kind == "array" else ())
