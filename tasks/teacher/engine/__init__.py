"""The engine, which finds a completion in the store or sends for it, and the process in which it runs."""
