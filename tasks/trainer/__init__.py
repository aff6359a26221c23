"""Fine-tuning: data prepared for a model, the training itself, and what it will take. The only room with torch in it.

Importing this package loads none of torch, transformers and trl; the modules that need them say so. `estimate`,
`checkpoints`, `endings` and `events` need the standard library alone, so that a flow may ask them.
"""
