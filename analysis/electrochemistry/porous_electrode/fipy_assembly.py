"""Assemble coupled FiPy equations, visiting each term once a sweep.

FiPy's own coupling (``charge & anions & electrons``) walks through all terms of an equation once
for every unknown, nine walks for three equations, and adds sparse matrices at every step of each.
On a mesh of some tens of cells that is all of the time. Here the terms of the same equations are
gathered once; a sweep asks each of them for its own matrix and writes the entries into one list.
The linear system is FiPy's to rounding (a test holds it against ``&``).
"""

import numpy as np
from scipy.sparse import coo_matrix, diags
from scipy.sparse.linalg import splu


class Triplets:
    """
    What a FiPy term writes its matrix into: row, column and value of each entry, in a list.

    Stands in for FiPy's sparse matrix while a term is built. FiPy adds four diagonals of a
    diffusion term one by one, each a sparse matrix of its own; a list takes them as they come.
    """

    def __init__(self, mesh=None, nonZerosPerRow=0):  # noqa: N803, FiPy's word
        self.size = mesh.numberOfCells
        self.entries = []

    def zeroEntries(self):  # noqa: N802, FiPy's word
        """Empty the list; FiPy keeps one matrix per term."""
        self.entries = []

    def addAt(self, vector, id1, id2):  # noqa: N802, FiPy's word
        """Add `vector` at rows `id1` and columns `id2`."""
        self.entries.append((np.asarray(vector, dtype=float), id1, id2))

    def addAtDiagonal(self, vector):  # noqa: N802, FiPy's word
        """Add `vector` to the diagonal."""
        cells = np.arange(self.size)
        self.entries.append((np.broadcast_to(np.asarray(vector, float), self.size), cells, cells))


class Assembly:
    """
    Coupled equations of FiPy as one sparse linear system.

    Sources stay implicit whatever their sign. FiPy moves a source to the right-hand side when its
    sign weakens the diagonal. Between two variables there is no such diagonal, and the move would
    turn Newton's method in the reaction into a slow fixed-point iteration.

    Parameters
    ----------
    equations : sequence of fipy.Term
        As FiPy's sums give them, each term with its `var`. As many as unknowns.
    unknowns : sequence of fipy.CellVariable
        In the order of the equations.
    fixed : sequence of fipy.FaceVariable or fipy.CellVariable
        Coefficients that never change: diffusion terms and sources with these are built once.

    Raises
    ------
    ValueError
        If the numbers of equations and unknowns differ, or a term belongs to no unknown.
    """

    def __init__(self, equations, unknowns, fixed=()):
        if len(equations) != len(unknowns):
            raise ValueError(
                f"{len(equations)} equations for {len(unknowns)} unknowns; expected one equation "
                "per unknown."
            )
        self.unknowns = tuple(unknowns)
        self._volumes = np.asarray(unknowns[0].mesh.cellVolumes)
        self._fixed = {id(variable) for variable in fixed}
        self._kept = {}  # of terms with fixed coefficients
        self._terms = []  # (row, column or None for a known source, term, equation)
        for row, equation in enumerate(equations):
            for term in _leaves(equation):
                column = self._column(term)
                vars(term).pop("_sparsematrix", None)  # of FiPy's kind, if it solved before
                if column is not None and is_free(unknowns[column]):
                    _without_constraints(term, unknowns[column])
                self._terms.append((row, column, term, equation))
        self._places = None

    def _column(self, term):
        if type(term).__name__ == "_ExplicitSourceTerm":
            return None
        for column, unknown in enumerate(self.unknowns):
            if term.var is unknown:
                return column
        raise ValueError(
            f"The term {term!r} belongs to none of the unknowns "
            f"({', '.join(unknown.name or '?' for unknown in self.unknowns)}); give it `var=`."
        )

    def system(self, dt):
        """
        Matrix and right-hand side of one sweep of length `dt` [s].

        Returns
        -------
        matrix : (K * N, K * N) scipy.sparse.csc_matrix
            For K unknowns on N cells, unknown after unknown.
        right : (K * N,) ndarray
        """
        n = self._volumes.size
        right = np.zeros((len(self.unknowns), n))
        values, places = [], []
        for row, column, term, equation in self._terms:
            entries, known = self._built(term, column, equation, dt)
            right[row] += known
            for value, first, second in entries:
                values.append(value)
                if self._places is None:
                    places.append((np.asarray(first) + row * n, np.asarray(second) + column * n))
        if self._places is None:
            self._places = tuple(np.concatenate(ids) for ids in zip(*places, strict=True))
        size = right.size
        matrix = coo_matrix((np.concatenate(values), self._places), shape=(size, size))
        return matrix.tocsc(), right.ravel()

    def _built(self, term, column, equation, dt):
        """Entries of a term's matrix, and what it adds to the right-hand side."""
        import fipy

        if column is None:  # a known source
            return (), -_values(term.coeff) * self._volumes
        if id(term) in self._kept:
            return self._kept[id(term)]
        if isinstance(term, fipy.ImplicitSourceTerm):
            cells = np.arange(self._volumes.size)
            made = [(_values(term.coeff) * self._volumes, cells, cells)], 0.0
        else:
            unknown, signs = self.unknowns[column], {}
            if isinstance(term, fipy.terms.faceTerm.FaceTerm):  # upwinding looks at diffusion
                signs = {"diffusionGeomCoeff": equation._getDiffusionGeomCoeff(unknown)}
            _, matrix, known = term._buildMatrix(unknown, Triplets, dt=dt, **signs)
            made = matrix.entries, known
        if id(getattr(term, "coeff", None)) in self._fixed:
            self._kept[id(term)] = made
        return made

    def solve(self, dt):
        """
        Values of the unknowns that solve the present linear system, an array for each.

        Raises
        ------
        RuntimeError
            If the matrix is singular.
        """
        matrix, right = self.system(dt)
        largest = abs(matrix).max(axis=1).toarray().ravel()
        if not np.all(largest > 0):
            raise RuntimeError(f"Row {np.flatnonzero(largest <= 0)[0]} of the system is empty.")
        matrix, right = (diags(1 / largest) @ matrix).tocsc(), right / largest
        factors = splu(matrix)
        solution = factors.solve(right)
        solution += factors.solve(right - matrix @ solution)  # the electrons' rows span decades
        return solution.reshape(len(self.unknowns), -1)


def is_free(unknown):
    """Whether no boundary value or gradient of `unknown` is prescribed by FiPy's ``constrain``."""
    faces = unknown.faceGrad, unknown.arithmeticFaceValue
    held = [*getattr(unknown, "faceConstraints", ()), *unknown.constraints]
    return not held and not any(face.constraints for face in faces)


def _without_constraints(term, unknown):
    """Spare a term the question, at every sweep, what constraints add: nothing."""
    import fipy

    zero = np.zeros(unknown.mesh.numberOfCells)
    if isinstance(term, fipy.DiffusionTerm):
        term.constraintL[unknown] = term.constraintB[unknown] = zero
    elif isinstance(term, fipy.terms.faceTerm.FaceTerm):
        term.constraintL = term.constraintB = fipy.CellVariable(mesh=unknown.mesh, value=zero)


def _leaves(equation):
    """The terms that a sum of FiPy terms consists of."""
    if hasattr(equation, "other"):
        return [*_leaves(equation.term), *_leaves(equation.other)]
    return [equation]


def _values(coefficient):
    return np.asarray(getattr(coefficient, "value", coefficient), dtype=float)
