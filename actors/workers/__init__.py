"""The Ray actor that does steps, and one function for each kind of step."""
