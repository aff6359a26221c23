"""What stands between the flow and the processes that train: the machine's facts, starting, following, ending them."""
