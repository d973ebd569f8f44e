"""A parameter that knows its unit, source and confidence, and the table of all of them."""

from dataclasses import field, fields


def parameter(default, symbol, unit, meaning, source, confidence, sweep=()):
    """
    A dataclass field that knows its unit, source and confidence.

    Parameters
    ----------
    default : object
        Value in SI units.
    symbol, unit, meaning, source : str
        As they stand in the table of parameters.
    confidence : str
        H (published for this very quantity), M (typical, with a citable origin) or L (assumed).
    sweep : sequence of float
        Values at which the book looks at an assumption.
    """
    note = dict(
        symbol=symbol,
        unit=unit,
        meaning=meaning,
        source=source,
        confidence=confidence,
        sweep=tuple(sweep),
    )
    return field(default=default, metadata=note)


def rows_of(group, title):
    """Rows of the table for a dataclass of parameters and those inside it, as dicts."""
    for item in fields(group):
        value = getattr(group, item.name)
        if hasattr(value, "__dataclass_fields__"):
            yield from rows_of(value, item.name)
        elif item.metadata:
            note = dict(item.metadata)
            yield dict(material=title, value=value, **note)
