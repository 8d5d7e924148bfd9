"""CWL expressions without node: QuickJS inside the runner of the job.

Each expression has a fresh context with limits on time and memory, as expressions come from users.
"""

from __future__ import annotations

import json
import logging
from typing import Any, Literal, cast

from cwl_utils.errors import JavascriptException
from cwl_utils.sandboxjs import JSEngine, NodeJSEngine, code_fragment_to_js, default_timeout, set_js_engine
from cwl_utils.types import CWLOutputType
from cwltool.errors import WorkflowException

_MEMORY = 256 * 2**20
_STACK = 4 * 2**20
_LONGEST_SHOWN = 2000
"""Characters of an expression that an error quotes."""


class EmbeddedEngine(JSEngine):
    """Evaluates JavaScript with QuickJS.

    Args:
        memory: bytes that one expression may take.
    """

    def __init__(self, memory: int = _MEMORY) -> None:
        self._memory = memory
        self._references = NodeJSEngine()  # parameter references need no JavaScript; nothing is started

    def eval(
        self,
        scan: str,
        jslib: str = "",
        timeout: float = default_timeout,
        *_: Any,
        **__: Any,
    ) -> CWLOutputType:
        """The value of an expression (`(...)` or `{...}`, without `$`).

        Args:
            scan: the expression.
            jslib: declarations that it may use.
            timeout: seconds.

        Raises:
            JavascriptException: it is wrong, throws, or exceeds a limit.
        """
        import quickjs  # here, as `choose` does without it where it cannot be loaded

        context = quickjs.Context()
        context.set_time_limit(timeout)
        context.set_memory_limit(self._memory)
        context.set_max_stack_size(_STACK)
        code = code_fragment_to_js(scan, jslib)
        try:
            value = context.eval(f"JSON.stringify(eval({json.dumps(code)}))")
        except quickjs.JSException as error:
            raise JavascriptException(_explain(str(error), scan, timeout)) from error
        if value is None:
            raise JavascriptException(_explain("The expression has no value (undefined)", scan, timeout))
        return cast(CWLOutputType, json.loads(value))

    def regex_eval(
        self,
        parsed_string: str,
        remaining_string: str,
        current_value: CWLOutputType,
        **kwargs: Any,
    ) -> CWLOutputType:
        """The value of a parameter reference; no JavaScript."""
        return self._references.regex_eval(parsed_string, remaining_string, current_value, **kwargs)


def available() -> bool:
    """Whether the embedded engine can be loaded; loads it."""
    try:
        import quickjs  # noqa: F401
    except ImportError:
        return False
    return True


def choose(setting: Literal["auto", "embedded", "node"]) -> None:
    """Make cwltool use an engine; `auto` is the embedded one, or node where that cannot be loaded.

    Raises:
        WorkflowException: the embedded engine is demanded and cannot be loaded.
    """
    if setting != "node" and available():
        set_js_engine(EmbeddedEngine())
        return
    if setting == "embedded":
        raise WorkflowException("The embedded JavaScript engine (quickjs) cannot be loaded on this server.")
    if setting == "auto":
        logging.getLogger("cwltool").info("The embedded JavaScript engine cannot be loaded; node is used.")
    set_js_engine(NodeJSEngine())


def _explain(error: str, scan: str, timeout: float) -> str:
    lines = [line for line in error.splitlines() if not line.strip().startswith("at ")]
    cause = lines[0] if lines else "the expression failed"
    if "InternalError: interrupted" in cause:
        cause = f"Long-running script killed after {timeout:g} seconds"
    shown = scan if len(scan) <= _LONGEST_SHOWN else scan[:_LONGEST_SHOWN] + "..."
    return f"{cause}\nJavascript expression was: {shown}"
