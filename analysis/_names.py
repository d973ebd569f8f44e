"""Public names of a room, handed on when they are asked for, so that importing it stays light."""

import importlib


def lazily(room, modules):
    """
    What a package needs to hand on names of its modules without importing them (PEP 562).

    Code of the package itself imports the modules, so that its imports say what it uses. Chapters
    and scripts may take the names: :mod:`publishing.fingerprint` follows them to the modules.

    Parameters
    ----------
    room : str
        ``__name__`` of the package.
    modules : dict of str to str
        Names, separated by blanks, by the module below the package that holds them; a module
        without names is handed on itself, by the last part of its name. It is read from the source
        too, so write it as a literal.

    Returns
    -------
    getattr, dir, all : callable, callable, list of str
        For ``__getattr__``, ``__dir__`` and ``__all__``.
    """
    where = {}
    for module, names in modules.items():
        for name in names.split() or [module.rpartition(".")[2]]:
            where[name] = module

    def __getattr__(name):
        if name not in where:
            raise AttributeError(f"module {room!r} has no attribute {name!r}")
        module = importlib.import_module(f"{room}.{where[name]}")
        return getattr(module, name) if name in modules[where[name]].split() else module

    return __getattr__, lambda: sorted(where), sorted(where)
