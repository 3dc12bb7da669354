"""Adds the engine ``faulty`` to a radpipe command that has this folder on its ``PYTHONPATH``.

Python imports a module of this name when it starts, in the command as in every process that the
command starts. Nothing is imported early: the engine is entered when the table of engines loads.
"""

import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType

TABLE = "radpipe.extraction.engines.base"


class EnterFaultyEngine(MetaPathFinder):
    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != TABLE:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        assert spec is not None
        loader = spec.loader
        assert loader is not None
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            module.ENGINES["faulty"] = "faulty_engine"

        loader.exec_module = exec_module
        return spec


# pytest imports every file below tests under a longer name: its own process stays as it is.
if __name__ == "sitecustomize":
    sys.meta_path.insert(0, EnterFaultyEngine())
