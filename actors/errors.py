"""Errors that are written for the person who reads them."""


class UserError(ValueError):
    """A mistake in a request: one line with the field, what was found and what is allowed."""


class NonFiniteError(ArithmeticError):
    """NaN or infinity where only finite numbers may pass."""
