"""From the records of runs to tables, statistics, figures and texts."""
