"""The way through the code: what a reader meets who follows one fit.

    python benchmarks/walk.py [checkout]

The fits are default ones of two epochs on iris (seed 0 where the default draws at random), traced
after a first fit that fills the caches. Another checkout is measured beside this one. Counted are

- functions: of skneural, different by file and qualified name; methods, nested functions, lambdas
  and comprehensions alike. Python 3.12 runs comprehensions inside of their function: compare
  numbers of one Python only;
- files that these functions are in;
- jumps: pairs of caller and called method on one object that different classes of skneural in its
  method resolution order (MRO) define, each pair once. The caller is the last function of skneural
  on the stack, so that calls through scikit-learn count (its check of parameters asks for our
  tags, and `super` for the tags of the next class);
- classes: those of skneural in the MRO;
- hooks: names of methods and properties of one of these classes that are abstract there, or that
  another of them overrides. scikit-learn's `set_fit_request` and the like are descriptors of its
  own and do not count;
- import cycles: groups of modules that import each other, by imports at the top or within a
  function, which only hides a cycle. Imports under TYPE_CHECKING do not count, nor does the
  implicit import of the package that a module is in;
- long files and functions, by all lines from the first to the last: docstrings and blank lines
  count, decorators do not.
"""

from __future__ import annotations

import ast
import inspect
import sys
import types
import warnings
from pathlib import Path

from _pairs import environment, markdown_table
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from versions import imported_from

import skneural

#: What is fitted, with the default parameters but for two epochs.
FITTED = ("ScratchMLPClassifier", "ScratchLogisticRegression")
#: All estimators that train, for their classes and hooks.
ESTIMATORS = (*FITTED, "ScratchMLPRegressor", "ScratchPerceptron")

LONG_FILE = 500
LONG_FUNCTION = 80

LIMITS = {
    "functions": "110",
    "jumps": "5",
    "classes": "6",
    "hooks": "3",
    "import cycles": "0",
    f"files over {LONG_FILE} lines": "0",
    f"functions over {LONG_FUNCTION} lines": "5",
}


def main() -> None:
    """Print the table, then the names behind the numbers of this checkout."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    packages = {"here": skneural}
    if len(sys.argv) > 1:
        packages["there"] = imported_from(Path(sys.argv[1]))
    found = {place: measured(package) for place, package in packages.items()}
    rows = []
    for of, what in found["here"]:
        limit = LIMITS.get(what, "")
        rows.append([of, what, limit, *(str(len(each[of, what])) for each in found.values())])
    print(f"{environment()}\n")
    print(markdown_table(["", "", "at most", *found], rows))
    for (of, what), names in found["here"].items():
        if what in LIMITS and what != "functions":
            print(f"\n{what} of {of or 'skneural'}: {', '.join(names) or 'none'}")


def measured(package) -> dict[tuple[str, str], list[str]]:
    """Names of all that is counted, by (estimator, what); the estimator is '' for the package."""
    found = {}
    for name in ESTIMATORS:
        estimator = getattr(package, name)
        if name in FITTED:
            functions, jumps = fit_followed(package, estimator)
            found[name, "functions"] = sorted(f"{file}: {name}" for file, name in functions)
            found[name, "files"] = sorted({file for file, _ in functions})
            found[name, "jumps"] = sorted(f"{caller} -> {called}" for caller, called in jumps)
        found[name, "classes"] = [each.__name__ for each in own_classes(package, estimator)]
        found[name, "hooks"] = hooks(own_classes(package, estimator))
    trees = {path: ast.parse(path.read_text()) for path in root_of(package).rglob("*.py")}
    cycles = import_cycles(package, trees)
    found["", "import cycles"] = [" <-> ".join(cycle) for cycle in cycles]
    found["", f"files over {LONG_FILE} lines"] = sorted(
        f"{path.relative_to(root_of(package))} ({n_lines})"
        for path in trees
        if (n_lines := len(path.read_text().splitlines())) > LONG_FILE
    )
    found["", f"functions over {LONG_FUNCTION} lines"] = sorted(
        f"{path.relative_to(root_of(package))}: {node.name} ({n_lines})"
        for path, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (n_lines := node.end_lineno - node.lineno + 1) > LONG_FUNCTION
    )
    return found


def root_of(package) -> Path:
    return Path(package.__file__).parent


# ------------------------------------------------------------------ a fit


def fit_followed(package, estimator):
    """Functions (file, name) and jumps (method, method) of a fit of two epochs."""
    X, y = load_iris(return_X_y=True)
    estimator(max_iter=2).fit(X, y)
    root = f"{root_of(package)}/"
    owners = owners_of_code(own_classes(package, estimator))
    functions, jumps = set(), set()

    def follow(frame, event, _):
        code = frame.f_code
        if event != "call" or not code.co_filename.startswith(root):
            return
        functions.add((code.co_filename.removeprefix(root), code.co_qualname))
        caller = frame.f_back
        while caller is not None and not caller.f_code.co_filename.startswith(root):
            caller = caller.f_back
        if caller is None or code not in owners or caller.f_code not in owners:
            return
        on_one_object = receiver(frame) is receiver(caller)
        if on_one_object and owners[code] is not owners[caller.f_code]:
            jumps.add((caller.f_code.co_qualname, code.co_qualname))

    model = estimator(max_iter=2)
    sys.setprofile(follow)
    try:
        model.fit(X, y)
    finally:
        sys.setprofile(None)
    return functions, jumps


def receiver(frame):
    """The object whose method runs in a frame: its first argument."""
    return frame.f_locals.get(frame.f_code.co_varnames[0]) if frame.f_code.co_argcount else None


# ------------------------------------------------------------------ classes


def own_classes(package, estimator) -> list[type]:
    """Classes of the package in the method resolution order."""
    inside = f"{package.__name__}."
    return [each for each in estimator.__mro__ if each.__module__.startswith(inside)]


def owners_of_code(classes) -> dict[types.CodeType, type]:
    """The class that defines each method, property or class method, by its code."""
    return {
        function.__code__: each
        for each in classes
        for member in vars(each).values()
        for function in functions_of(member)
    }


def functions_of(member) -> list[types.FunctionType]:
    """The functions behind a member of a class, without their decorators."""
    if isinstance(member, property):
        members = [member.fget, member.fset, member.fdel]
    else:
        # Class and static methods, cached properties, and scikit-learn's available_if.
        inner = [getattr(member, name, None) for name in ("__func__", "func", "fn")]
        members = [member, *inner]
    return [inspect.unwrap(each) for each in members if isinstance(each, types.FunctionType)]


def hooks(classes) -> list[str]:
    """Names that a class of the order leaves to, or has replaced by, a class before it."""
    found = {}
    for i, base in enumerate(classes):
        for name, member in vars(base).items():
            if not functions_of(member):
                continue
            is_abstract = getattr(member, "__isabstractmethod__", False)
            if is_abstract or any(name in vars(each) for each in classes[:i]):
                found[name] = None
    return list(found)


# ------------------------------------------------------------------ imports


def import_cycles(package, trees) -> list[list[str]]:
    """Groups of modules that all reach each other by imports."""
    root = root_of(package)
    modules = {}
    for path, tree in trees.items():
        parts = path.relative_to(root).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        modules[".".join((package.__name__, *parts))] = tree
    imports = {name: imported_modules(name, tree, modules) for name, tree in modules.items()}
    reached = {name: reachable(name, imports) for name in modules}
    cycles = {
        tuple(sorted(other for other in reached[name] if name in reached[other]))
        for name in modules
        if name in reached[name]
    }
    return [list(cycle) for cycle in sorted(cycles)]


def imported_modules(name, tree, modules) -> set[str]:
    """Modules of the package that a module imports at run time, its functions included."""
    found = set()
    for node in nodes_at_run_time(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: relative imports are not followed"
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                found.add(submodule if submodule in modules else node.module)
    return found & modules.keys() - {name}


def nodes_at_run_time(tree):
    """All nodes below one, but for those under TYPE_CHECKING."""
    for node in ast.iter_child_nodes(tree):
        is_for_types = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        if not is_for_types:
            yield node
            yield from nodes_at_run_time(node)


def reachable(start, imports) -> set[str]:
    """Modules that a module imports, and those that they import, and so on."""
    found, to_do = set(), [start]
    while to_do:
        for other in imports[to_do.pop()] - found:
            found.add(other)
            to_do.append(other)
    return found


if __name__ == "__main__":
    main()
