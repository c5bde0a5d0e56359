"""Training a network to denoise: its settings, the loop, batches, optimisation, checkpoints."""
