"""Change an equation of the half cell: add a term, replace a boundary condition or a property.

A :class:`Changes` goes to ``half_cell.lithiate`` as its backend; the model itself stays as it is.
Each change is looked at before the first step: its unit, its shape, its place.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

# what an added term must amount to in each equation
EQUATIONS = {"charge": "A/m**3", "anions": "mol/m**3/s", "electrons": "A/m**3"}

SIDES = ("lithium", "collector")

PROPERTIES = {"porosity": "1", "transport": "1", "surface": "1/m"}


@dataclass(frozen=True)
class Term:
    """
    A term that is added to an equation as a source.

    Parameters
    ----------
    equation : {"charge", "anions", "electrons"}
        Balance of charge in the electrolyte, of anions, of electrons in the solid.
    build : callable
        ``build(model)`` returns a FiPy term in one of the unknowns ``model.psi``, ``model.c_e``,
        ``model.phi_s``, or a known source: a number, an array with a value for every cell, or an
        expression of FiPy variables. `model` is the
        :class:`~analysis.electrochemistry.porous_electrode.fipy_model.PorousElectrode`.
    unit : str
        Unit of the source as FiPy spells it: ``"A/m**3"``, ``"mA/cm**3"``, ``"mol/m**3/s"``.
        Values are converted to SI.

    Notes
    -----
    A source of charge in the electrolyte must be taken out of the solid, so a side reaction is two
    terms of opposite sign, in ``charge`` and in ``electrons``.
    """

    equation: str
    build: Callable
    unit: str


@dataclass(frozen=True)
class Boundary:
    """
    The condition at one end of the cell.

    Parameters
    ----------
    side : {"lithium", "collector"}
        Where. By default the lithium has the kinetics of Butler and Volmer and the collector an
        ideal contact.
    drop_V : callable
        ``drop_V(current_A_m2, salt_mol_m3)`` returns by how much the voltage of the cell falls at
        this end [V].
    """

    side: str
    drop_V: Callable


@dataclass(frozen=True)
class Property:
    """
    A property of the cells in another form than the slabs give it.

    Parameters
    ----------
    name : {"porosity", "transport", "surface"}
        Share of electrolyte [-], effective over bulk transport [-], reactive surface per volume
        [1/m].
    values : callable
        ``values(depth_m, usual)`` returns a value per cell. `depth_m` is the depth of the cells'
        centers, negative in the separator; `usual` the values that it replaces.
    unit : str
        ``"1"`` or ``"1/m"``.
    """

    name: str
    values: Callable
    unit: str = "1"


@dataclass(frozen=True)
class Changes:
    """What differs from the equations of the half cell; see the three classes above."""

    terms: tuple = ()
    boundaries: tuple = ()
    properties: tuple = ()

    def __post_init__(self):
        for name, kind in (("terms", Term), ("boundaries", Boundary), ("properties", Property)):
            given = tuple(getattr(self, name))
            object.__setattr__(self, name, given)
            for one in given:
                if not isinstance(one, kind):
                    raise TypeError(
                        f"Changes.{name} holds a {type(one).__name__}; expected {kind.__name__}."
                    )
        for term in self.terms:
            _check_choice("equation", term.equation, EQUATIONS)
            unit_factor(term.unit, EQUATIONS[term.equation], f"A term of '{term.equation}'")
        for one in self.properties:
            _check_choice("property", one.name, PROPERTIES)
            unit_factor(one.unit, PROPERTIES[one.name], f"The property '{one.name}'")
        for boundary in self.boundaries:
            _check_choice("side", boundary.side, SIDES)
        _check_once("A boundary condition at the", [one.side for one in self.boundaries])
        _check_once("The property", [one.name for one in self.properties])

    def of_cells(self, layers):
        """The discretized half cell with the changed properties and boundary conditions."""
        changed = {one.name: _values_of(one, layers) for one in self.properties}
        drops = {one.side: one.drop_V for one in self.boundaries}
        for side, drop in drops.items():
            _check_drop(side, drop, layers.materials.electrolyte.initial_mol_m3)
        return replace(layers, **changed, boundaries=drops)

    def of_equations(self, model, equations):
        """
        The equations with the added terms.

        Parameters
        ----------
        model : PorousElectrode
            Its unknowns, mesh and variables.
        equations : dict of str to fipy.Term
            By name, in the order of the unknowns.

        Returns
        -------
        equations : dict of str to fipy.Term

        Raises
        ------
        ValueError
            If a term is in no unknown of the model, has another shape than the mesh, or is not
            finite.
        """
        out = dict(equations)
        for number, term in enumerate(self.terms, start=1):
            where = f"Term {number}, added to '{term.equation}',"
            built = term.build(model)
            factor = unit_factor(term.unit, EQUATIONS[term.equation], where)
            _check_term(built, model, where)
            out[term.equation] = out[term.equation] + (built if factor == 1 else factor * built)
        return out


def unit_factor(unit, expected, what):
    """
    Factor from `unit` to the unit that is expected.

    Raises
    ------
    ValueError
        If there is no such unit or it measures something else.
    """
    from fipy.tools.dimensions.physicalField import PhysicalField

    text = str(unit).replace("^", "**").replace("³", "**3").replace("²", "**2")
    try:
        given = PhysicalField(1.0, "" if text in ("", "1", "-") else text)
        given.convertToUnit("" if expected == "1" else expected)
    except (TypeError, NameError, KeyError, SyntaxError, AttributeError) as reason:
        raise ValueError(
            f"{what} has the unit {unit!r}; expected {expected!r} or one that converts to it "
            f"({reason})."
        ) from None
    factor = float(given.value)
    return round(factor, 12) if abs(factor) > 1e-6 else factor


def _check_choice(what, seen, known):
    if seen not in known:
        raise ValueError(f"There is no {what} {seen!r}; expected one of {', '.join(known)}.")


def _check_once(what, names):
    for name in names:
        if names.count(name) > 1:
            raise ValueError(
                f"{what} {name} is given {names.count(name)} times; expected once. Leave all but "
                "one out, or put both effects into one function."
            )


def _check_drop(side, drop, salt_mol_m3):
    for current in (0.0, 10.0):
        seen = np.asarray(drop(current, salt_mol_m3), dtype=float)
        if seen.shape != () or not np.isfinite(seen) or abs(seen) > 100:
            raise ValueError(
                f"The boundary condition at the {side} gives {seen} at {current:g} A/m²; expected "
                "one finite number, the loss of voltage [V]."
            )


def _values_of(one, layers):
    usual = getattr(layers, one.name)
    depth_m = layers.centers - np.sum(layers.width[: layers.first])
    factor = unit_factor(one.unit, PROPERTIES[one.name], f"The property '{one.name}'")
    values = factor * np.asarray(one.values(depth_m, usual.copy()), dtype=float)
    if values.shape not in ((), usual.shape):
        raise ValueError(
            f"The property '{one.name}' has shape {values.shape}; expected one value or "
            f"{usual.size}, one per cell from the lithium to the collector."
        )
    values = np.broadcast_to(values, usual.shape).copy()
    lowest = 0.0 if one.name == "surface" else 1e-12
    highest = np.inf if one.name == "surface" else 1.0
    if not np.all((values >= lowest) & (values <= highest)):
        raise ValueError(
            f"The property '{one.name}' runs from {np.min(values):.3g} to {np.max(values):.3g}; "
            + ("expected values of zero or above." if highest > 1 else "expected 0 to 1.")
        )
    if one.name == "surface" and np.any(values[: layers.first] > 0):
        raise ValueError("The property 'surface' is above zero in the separator; nothing reacts.")
    return values


def _check_term(built, model, where):
    import fipy
    from fipy.terms.term import Term as FipyTerm

    n_cells, n_faces = model.mesh.numberOfCells, model.mesh.numberOfFaces
    if not isinstance(built, FipyTerm):
        _check_shape(built, (), n_cells, where, "cell")
        if isinstance(built, fipy.FaceVariable):
            raise ValueError(f"{where} lives on faces; expected a value per cell.")
        return
    for leaf in _leaves(built):
        if type(leaf).__name__ == "_ExplicitSourceTerm":
            _check_shape(leaf.coeff, (), n_cells, where, "cell")
            continue
        if not any(leaf.var is unknown for unknown in model.unknowns):
            raise ValueError(
                f"{where} is in none of the unknowns psi, c_e, phi_s of the model; give it "
                "`var=model.c_e` or another of them."
            )
        coefficient = leaf.coeff[0] if isinstance(leaf.coeff, list) else leaf.coeff
        if isinstance(leaf, fipy.DiffusionTerm):
            _check_shape(coefficient, (), n_faces, where, "face", or_cells=n_cells)
        elif isinstance(leaf, fipy.terms.faceTerm.FaceTerm):
            _check_shape(coefficient, (1,), n_faces, where, "face")
        else:
            _check_shape(coefficient, (), n_cells, where, "cell")


def _leaves(term):
    return [*_leaves(term.term), *_leaves(term.other)] if hasattr(term, "other") else [term]


def _check_shape(coefficient, scalar, n, where, place, or_cells=None):
    values = np.asarray(getattr(coefficient, "value", coefficient), dtype=float)
    allowed = {scalar, (*scalar, n)} | ({(or_cells,)} if or_cells else set())
    if values.shape not in allowed:
        raise ValueError(
            f"{where} has a coefficient of shape {values.shape}; expected one value or {n}, one "
            f"per {place} from the lithium to the collector."
        )
    if not np.all(np.isfinite(values)):
        raise ValueError(f"{where} is not finite before the first step.")
