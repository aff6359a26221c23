"""How good verdicts are: a judge's held against those that are known to be right."""
