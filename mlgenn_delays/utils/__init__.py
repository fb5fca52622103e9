"""mlGeNN's names: what stands elsewhere here, importable from where mlGeNN has it."""
