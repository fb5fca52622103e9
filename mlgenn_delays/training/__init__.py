"""Running compiled networks: data, batches, epochs, checkpoints."""
