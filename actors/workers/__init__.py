"""The Ray actor that does steps, and one function for each kind of step."""

import gc

# looking for garbage while a worker imports libraries takes a sixth of the time that they do
gc.set_threshold(50_000)
