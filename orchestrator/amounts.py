"""Amounts in words."""


def size(count: float) -> str:
    """Return a number of bytes, to three digits: 999 B, 1.23 kB, 45.6 MB."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if count < 999.5 or unit == "TB":
            break
        count /= 1000
    return f"{count:.0f} B" if unit == "B" else f"{count:.3g} {unit}"


def counted(number: int, noun: str) -> str:
    """Return e.g. "1 step", "1,200 steps"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
