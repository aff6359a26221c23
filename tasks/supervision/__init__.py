"""Child processes: what stands between the flow and those that train (the machine's facts, starting, following, ending
them), and what has any child end with its parent."""
